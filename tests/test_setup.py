"""setup.cfg, constraints/ and the Makefile agree on what is installed where."""

import configparser
import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
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


def test_lower_bounds_are_versions_that_were_tested(setup):
    needed = requirements(setup["options"]["install_requires"])
    needed += requirements(setup["options.extras_require"]["test"])
    assert len(needed) > 30
    linux = {"platform_machine": "x86_64", "sys_platform": "linux"}
    for each in needed:
        if each.marker is None or each.marker.evaluate(linux):
            found = [pins(path)[canonicalize_name(each.name)] for path in CONSTRAINTS]
            (lower,) = [Version(s.version) for s in each.specifier if s.operator == ">="]
            assert all(version in each.specifier for version in found), each
            assert lower.release[:3] == min(found).release[:3], each


def test_nobody_fetches_pytorch_unasked():
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
        capture_output=True,
        text=True,
    )
    assert ran.returncode != 0
    line, made = ran.stderr.splitlines()
    assert line.startswith("expected Python 3.11, 3.12 or 3.13, got ")
    assert shown in line
    assert made.startswith("make: ***")
    assert not (tmp_path / "venv").exists()
