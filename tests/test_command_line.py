"""The command line and the environment, as they are read before any work."""

import os
import subprocess
import sys

import pytest

PRINT_FLAGS = """
import sys
from hmhn_jax import command_line
args = command_line.parse_flags(sys.argv)
print(args.workdir, args.input, args.ensemble, args.config.data.data_dir, args.config.seed)
"""


def started(command, environment, **variables):
    return subprocess.run(
        [sys.executable, *command], env=environment | variables, capture_output=True, text=True
    )


def test_a_home_folder_in_any_flag(environment, tmp_path):
    flags = ["--mode=predict", "--workdir=~/w=1", "--input", "~/a.mp4", "--ensemble=~/b,c~,~/d"]
    flags += ["--config.data.data_dir=~/e", "--config.seed=3"]
    finished = started(["-c", PRINT_FLAGS, *flags], environment, HOME=str(tmp_path))
    home = str(tmp_path)
    expected = f"{home}/w=1 {home}/a.mp4 ['{home}/b', 'c~', '{home}/d'] {home}/e 3"
    assert finished.stdout.strip() == expected, finished.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("JAX_PLATFORMS", "cuda", "JAX_PLATFORMS=cuda, but JAX finds no such device"),
        ("JAX_PLATFORMS", "nonsense", "JAX_PLATFORMS=nonsense, but JAX finds no such device"),
        ("JAX_ENABLE_X64", "maybe", "JAX cannot start: "),
    ],
)
def test_an_environment_that_jax_does_not_take_is_one_line(
    environment, tmp_path, name, value, words
):
    command = [os.path.join(os.path.dirname(__file__), "..", "run.py"), "--workdir", tmp_path]
    finished = started([*map(str, command), "--mode=evaluate"], environment, **{name: value})
    assert finished.returncode == 2
    assert "Traceback" not in finished.stderr
    assert words in finished.stderr.strip().splitlines()[-1]
