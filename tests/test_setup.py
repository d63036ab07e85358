"""Tests that setup.cfg, constraints/ and the Makefile agree on what is installed where."""

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
OF_MAKE = ("MAKELEVEL", "MAKEFLAGS", "MFLAGS")  # which make has set when it runs these tests
CONSTRAINTS = sorted((ROOT / "constraints").glob("*.txt"))


@pytest.fixture(scope="module")
def setup():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def requirements(text):
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [Requirement(line) for line in lines]


def pins(path):
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    pairs = [line.split("==") for line in lines]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def test_there_are_constraints_for_each_python_that_pip_takes(setup):
    pythons = SpecifierSet(setup["options"]["python_requires"])
    known = [f"3.{minor}" for minor in range(30) if f"3.{minor}" in pythons]
    assert [path.stem for path in CONSTRAINTS] == known
    noxfile = (ROOT / "noxfile.py").read_text()
    assert re.search(r"PYTHONS = \((.*)\)", noxfile)[1].replace('"', "").split(", ") == known


def test_every_requirement_is_pinned_within_its_bounds(setup):
    needed = requirements(setup["options"]["install_requires"])
    needed += requirements(setup["options.extras_require"]["test"])
    assert len(needed) > 30
    linux = {"platform_machine": "x86_64", "sys_platform": "linux"}
    for each in needed:
        if each.marker is None or each.marker.evaluate(linux):
            found = [pins(path)[canonicalize_name(each.name)] for path in CONSTRAINTS]
            (lower,) = [Version(s.version) for s in each.specifier if s.operator == ">="]
            assert all(version in each.specifier for version in found), each
            assert lower <= min(found), each


def test_pytorch_is_not_fetched_unasked():
    for path in CONSTRAINTS:
        assert not pins(path).keys() & {"torch", "triton"}


@pytest.mark.parametrize(
    ("does", "shown"),
    [
        ("echo 3.10", "which is 3.10"),
        ("echo 3.14", "which is 3.14"),
        ("exit 127", "not to be found"),
    ],
)
def test_make_says_which_pythons(tmp_path, does, shown):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{does}\n")
    python.chmod(0o755)
    ran = subprocess.run(
        ["make", f"PYTHON={python}", f"VENV={tmp_path}/venv", "demo"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in OF_MAKE},
        capture_output=True,
        text=True,
    )
    assert ran.returncode != 0
    line, made = ran.stderr.splitlines()
    assert line.startswith("expected Python 3.11, 3.12 or 3.13, got ")
    assert shown in line
    assert made.startswith("make: ***")
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize(
    ("does", "named"),
    [("import os; os.abort()", "crashed"), ("import time; time.sleep(60)", "hangs")],
)
def test_a_test_that_ends_or_hangs_its_worker_is_named(tmp_path, does, named):
    (tmp_path / "test_bad.py").write_text(f"def test_{named}():\n    {does}\n")
    (tmp_path / "test_good.py").write_text("def test_good():\n    pass\n")
    (tmp_path / "setup.cfg").write_text((ROOT / "setup.cfg").read_text())
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "--timeout", "3"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ran.returncode != 0
    assert f"crashed while running 'test_bad.py::test_{named}'" in ran.stdout
