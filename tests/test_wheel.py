"""Tests of the package as it is installed without the clone: built, unpacked, used elsewhere."""

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import avec_trees
import pytest

ROOT = Path(__file__).parents[1]
USE = """
import tensorflow_datasets as tfds
import hmhn_jax.tfds

assert hmhn_jax.__file__.startswith({wheel!r}), hmhn_jax.__file__
builder = tfds.builder("avec_faces/avec2014", data_dir="data")
assert "Aligned face crops" in builder.info.description
examples = tfds.load("avec_faces/tiny", data_dir={data!r}, split="test")
print(len(examples), next(iter(tfds.as_numpy(examples)))["image"].shape)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Builds the wheel of this checkout, and unpacks it as pip would install it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # building writes into it
    ignored = shutil.ignore_patterns(".*", "runs", "build", "*.egg-info", "__pycache__", "docs")
    shutil.copytree(ROOT, source, symlinks=True, ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", folder, source]
    subprocess.run(list(map(str, command)), check=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


@pytest.fixture
def start(wheel, tmp_path):
    """Returns start(code, *flags), which runs Python in an empty folder with the wheel only."""
    place = tmp_path / "empty"
    place.mkdir()

    def start(code, *flags):
        environment = os.environ | {"PYTHONPATH": str(wheel)}
        command = [sys.executable, "-c", code, *map(str, flags)]
        return subprocess.run(command, env=environment, cwd=place, capture_output=True, text=True)

    return start


def program(wheel):
    """Returns the code of the console script."""
    (path,) = wheel.glob("*.dist-info/entry_points.txt")
    parser = configparser.ConfigParser()
    parser.read(path)
    module, _, function = parser["console_scripts"]["hmhn-jax"].partition(":")
    return (
        f"import sys; sys.argv[0] = 'bin/hmhn-jax'; from {module} import {function}; {function}()"
    )


def test_nothing_but_the_package_is_at_its_top(wheel):
    names = {path.name for path in wheel.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"hmhn_jax"}


def test_every_file_of_the_package_is_in_it(wheel):
    def files(folder):
        found = (
            Path(place).relative_to(folder) / name
            for place, _, names in os.walk(folder, followlinks=True)
            for name in names
        )
        return {path for path in found if "__pycache__" not in path.parts}

    assert files(wheel / "hmhn_jax") == files(ROOT / "hmhn_jax")


def test_the_command_from_an_empty_folder(start, wheel, tmp_path):
    folder = tmp_path / "manual" / "folder"
    folder.mkdir(parents=True)
    avec_trees.write(folder / "anna.mp4", avec_trees.frames(0))
    (folder / "labels.csv").write_text("file,subject,score,split\nanna.mp4,anna,3,train\n")
    fields = {"dataset": "avec_faces/folder", "manual_dir": tmp_path / "manual", "data_dir": "data"}
    fields |= {"train_split": "train", "test_split": "train"}
    flags = [f"--config.data.{name}={value}" for name, value in fields.items()]
    flags = ["--workdir", "run", "--config", "avec2014", *flags]
    finished = start(program(wheel), *flags, "--mode", "doctor")
    assert finished.returncode == 0, finished.stderr
    last = finished.stdout.splitlines()[-1]
    assert last.startswith(
        "next, to crop, train and evaluate: hmhn-jax --workdir run --config avec"
    )
    assert (tmp_path / "empty" / "run" / "doctor.json").exists()


def test_a_name_of_no_config_is_one_line(start, wheel):
    finished = start(program(wheel), "--workdir", "run", "--config", "nonsense")
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert "no such file: nonsense; by name there are avec2013, avec2014, default" in line


def test_the_dataset_from_an_empty_folder(start, wheel, tiny_dataset):
    finished = start(USE.format(wheel=str(wheel), data=str(tiny_dataset)))
    assert finished.stdout == "15 (224, 224, 3)\n", finished.stderr
