"""Tests of the command line and the environment, as they are read before any work."""

import subprocess
import sys
from pathlib import Path

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


@pytest.fixture
def printed(run, environment, tmp_path):
    """Returns printed(code, *flags), which is what code prints in a process of its own."""

    def printed(code, *flags):
        program = tmp_path / "program.py"
        program.write_text(code)
        variables = environment | {"HOME": str(tmp_path)}
        finished = run(*flags, program=program, environment=variables)
        assert finished.stdout, finished.stderr
        return finished.stdout.strip()

    return printed


def test_a_home_folder_in_any_flag(printed, tmp_path):
    flags = ["--mode=predict", "--workdir=~/w=1", "--input", "~/a.mp4", "--ensemble=~/b,c~,~/d"]
    flags += ["--config.data.data_dir=~/e", "--config.seed=3"]
    home = str(tmp_path)
    expected = f"{home}/w=1 {home}/a.mp4 ['{home}/b', 'c~', '{home}/d'] {home}/e 3"
    assert printed(PRINT_FLAGS, *flags) == expected


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
def test_an_error_in_a_config_file_is_one_line(printed, tmp_path, text, line, what, flags):
    config = tmp_path / "mine.py"
    config.write_text(text)
    said = printed(PRINT_ERROR, "--workdir=w", f"--config={config}", *flags)
    assert said.startswith(f"config: {config}, line {line}: {what}")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = 3\n", "it must define a function get_config"),
        (SOUND + "    default()\n", "get_config() must return a ConfigDict"),
    ],
)
def test_a_file_that_gives_no_config_is_one_line(printed, tmp_path, text, what):
    config = tmp_path / "mine.py"
    config.write_text(text)
    said = printed(PRINT_ERROR, "--workdir", "w", "--config", config)
    assert said == f"config: {config}: {what}"


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
    program = Path(__file__).parents[1] / "run.py"
    command = [sys.executable, program, "--workdir", tmp_path, "--mode=evaluate"]
    variables = environment | {name: value}
    finished = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert finished.returncode == 2
    assert "Traceback" not in finished.stderr
    assert words in finished.stderr.strip().splitlines()[-1]
