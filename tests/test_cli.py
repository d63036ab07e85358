"""Tests of the command line and the environment, as they are read before any work."""

import os
import subprocess
import sys

import pytest

PRINT_FLAGS = """
import sys
from hmhn_jax import cli
args = cli.parse_flags(sys.argv)
print(args.workdir, args.input, args.ensemble, args.config.data.data_dir, args.config.seed)
"""

PRINT_ERROR = """
import sys
from hmhn_jax import cli
from hmhn_jax.base.errors import UsageError
try:
    cli.parse_flags(sys.argv)
except UsageError as error:
    print(error)
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


SOUND = "from configs.default import get_config as default\n\n\ndef get_config():\n"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("def get_config(:\n", 1, "SyntaxError: invalid syntax"),
        ("import numpy as np\n\nsizes = [\n", 3, "SyntaxError: '[' was never closed"),
        ("if True:\npass\n", 2, "IndentationError: expected an indented block"),
        ("import nonsense_of_mine\n", 1, "ModuleNotFoundError: No module named 'nonsense_of_mine'"),
        ("\nopen('none.csv')\n", 2, "FileNotFoundError: [Errno 2] No such file"),
        (SOUND + "    return defualt()\n", 5, "NameError: name 'defualt' is not defined"),
        (SOUND + "    open('none.csv')\n", 5, "FileNotFoundError: [Errno 2] No such file"),
        (SOUND + "    return int('a')\n", 5, "ValueError: invalid literal for int()"),
        (SOUND + "    return 'a' + 1\n", 5, "TypeError: can only concatenate str"),
        (SOUND + "    raise RuntimeError('several\\nlines')\n", 5, "RuntimeError: several lines"),
        (
            SOUND + "    config = default()\n    config.lock().sede = 3\n    return config\n",
            6,
            "AttributeError: ",
        ),
    ],
)
@pytest.mark.parametrize("flags", [[], ["--config.seed=3"]])
def test_an_error_in_a_config_file_is_one_line(environment, tmp_path, text, line, what, flags):
    config = tmp_path / "mine.py"
    config.write_text(text)
    finished = started(
        ["-c", PRINT_ERROR, "--workdir=w", f"--config={config}", *flags], environment
    )
    said = finished.stdout.strip()
    assert said.startswith(f"config: {config}, line {line}: {what}"), finished.stderr + said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = 3\n", "it must define a function get_config"),
        (SOUND + "    default()\n", "get_config() must return a ConfigDict"),
    ],
)
def test_a_file_that_gives_no_config_is_one_line(environment, tmp_path, text, what):
    config = tmp_path / "mine.py"
    config.write_text(text)
    finished = started(["-c", PRINT_ERROR, "--workdir", "w", "--config", config], environment)
    assert finished.stdout.strip() == f"config: {config}: {what}", finished.stderr


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
