"""Flags of `run.py`, and their error messages."""

import os
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict, config_flags

from hmhn_jax.base.errors import UsageError
from hmhn_jax.runtime import config_files

MODES = {
    "train_and_evaluate": "the default",
    "train": "only that",
    "evaluate": "only that, with the weights of a workdir",
    "baselines": "scores of the same videos without a network",
    "predict": "scores of new videos and pictures: --input",
    "crossvalidate": "a run for each fold of people, and their report",
    "sweep": "all runs of a config of configs/sweeps/, and their table",
    "export": "the network as a file that needs only JAX",
    "export_torch": "the weights as a file for PyTorch",
    "serve": "a local page to try the network on a video",
    "doctor": "checks real recordings before a long job",
}
FLAGS_OF_MODES = {
    "input": ("predict",),
    "output": ("export", "predict"),
    "overlay_video": ("predict",),
    "ensemble": ("evaluate", "predict"),
    "fold": ("crossvalidate",),
    "compare": ("crossvalidate",),
    "host": ("serve",),
    "port": ("serve",),
} | dict.fromkeys(
    ("distributed", "coordinator", "num_processes", "process_id"),
    ("train_and_evaluate", "train", "evaluate"),
)
PROGRAM = "hmhn-jax"  # as setup.cfg installs it
CONFIGS = Path(__file__).resolve().parent / "configs"
DEFAULT_CONFIG = CONFIGS / "default.py"


def define_flags() -> None:
    """Declares the flags; the config's fields become flags as its file is loaded."""
    flags.DEFINE_bool("help", False, "Prints this.", short_name="h")
    flags.DEFINE_string("workdir", None, "Folder of the run: checkpoints, logs, results.")
    flags.DEFINE_enum(
        "mode",
        "train_and_evaluate",
        list(MODES),
        "; ".join(f"{mode}: {what}" for mode, what in MODES.items()) + ".",
    )
    flags.DEFINE_string("input", None, "What to predict: a video, picture, folder or '*' pattern.")
    flags.DEFINE_string("output", None, "Folder for the results, instead of one in the workdir.")
    flags.DEFINE_bool("overlay_video", False, "Whether to write a video of the heads' maps too.")
    flags.DEFINE_list(
        "ensemble",
        [],
        "More workdirs, DIR,DIR: evaluate and predict with the mean of all networks.",
    )
    flags.DEFINE_string("fold", None, "The only fold to run, such as r0f3; without: all of them.")
    flags.DEFINE_string("compare", None, "Another cross-validated workdir, with the same folds.")
    flags.DEFINE_string("host", "127.0.0.1", "Address that the page of --mode serve is bound to.")
    flags.DEFINE_integer("port", 8000, "Port of that page; 0 for any free one.", 0, 65535)
    flags.DEFINE_bool(
        "distributed",
        False,
        "Whether this is one of several processes; values missing from the next flags come from "
        "the cluster's environment.",
    )
    flags.DEFINE_string("coordinator", None, "HOST:PORT of the first of several processes.")
    flags.DEFINE_integer("num_processes", None, "Number of processes.", 1)
    flags.DEFINE_integer("process_id", None, "Number of this process, from 0.", 0)
    config_flags.DEFINE_config_file(
        "config",
        str(DEFAULT_CONFIG),
        f"The experiment, a file or a name ({config_names()}); --config.FIELD=VALUE changes one "
        "field. A workdir remembers its own.",
    )


def parse_flags(arguments: list[str]) -> flags.FlagValues:
    """Parses the command line; what is wrong with it, but for `--help`, raises UsageError."""
    arguments = [_expand_home(each) for each in arguments]
    _replace_config_name(arguments)
    try:
        define_flags()  # looks at the config's flags already
        rest = flags.FLAGS(arguments)
        if flags.FLAGS.help:
            return flags.FLAGS
        path = config_flags.get_config_filename(flags.FLAGS["config"])
        if not Path(path.split(":")[0]).is_file():
            raise FileNotFoundError(f"no such file: {path}; by name there are {config_names()}")
        if not isinstance(flags.FLAGS.config, ConfigDict):
            raise TypeError(f"{path}: get_config() must return a ConfigDict")
    except Exception as error:  # a config file is code, which can fail in any way
        if fault := config_files.fault_of(_config_path(arguments)):
            raise UsageError(f"config: {fault}") from error
        if isinstance(error, flags.Error):
            raise UsageError(str(error)) from error
        cause = error.args[0] if error.args and isinstance(error.args[0], KeyError) else error
        reason = " ".join(str(cause.args[0] if cause.args else cause).split())
        unknown = "no field " if isinstance(cause, KeyError) else ""
        raise UsageError(f"config: {unknown}{reason or type(error).__name__}") from error
    if rest[1:]:
        raise UsageError(f"expected flags only, got {' '.join(rest[1:])!r}")
    if not flags.FLAGS.workdir:
        raise UsageError("expected --workdir DIR, got none")
    _check_flags_of_mode(flags.FLAGS)
    return flags.FLAGS


def _expand_home(argument: str) -> str:
    """Replaces `~` at the beginning of a flag's value, which shells leave as it is after `=`."""
    is_flag = argument.startswith("-")
    name, equals, value = argument.partition("=") if is_flag else ("", "", argument)
    return name + equals + ",".join(map(os.path.expanduser, value.split(",")))


def config_names() -> str:
    """Returns the names that `--config` takes, in words."""
    paths = sorted(path.relative_to(CONFIGS) for path in CONFIGS.rglob("[a-z]*.py"))
    return ", ".join(path.with_suffix("").as_posix() for path in paths)


def program(path: str) -> list[str]:
    """Returns the words that start the program, by `sys.argv[0]`: hmhn-jax, or python run.py."""
    return [PROGRAM] if Path(path).name == PROGRAM else ["python", path]


def _config_places(arguments):
    """Lists (index, what comes before the value, value) of each --config."""
    places = []
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in ("--config", "-config"):
            if equals:
                places.append((index, name + equals, value))
            elif index + 1 < len(arguments):
                places.append((index + 1, "", arguments[index + 1]))
    return places


def _replace_config_name(arguments):
    """Puts the path of one of our configs where its name is: avec2014, or configs/avec2014.py."""
    for index, before, value in _config_places(arguments):
        name, *argument = value.split(":", 1)
        path = CONFIGS / f"{name.removeprefix('configs/').removesuffix('.py')}.py"
        if not Path(name).is_file() and path.is_file():
            arguments[index] = before + ":".join([str(path), *argument])


def _config_path(arguments):
    """Returns what --config says, also when parsing has failed."""
    given = [value for _, _, value in _config_places(arguments)]
    return given[-1] if given else str(DEFAULT_CONFIG)


def _check_flags_of_mode(args: flags.FlagValues) -> None:
    if args.mode == "predict" and not args.input:
        raise UsageError("--mode predict expects --input, a video, picture, folder or pattern")
    for name, modes in FLAGS_OF_MODES.items():
        if not args[name].using_default_value and args.mode not in modes:
            raise UsageError(f"--{name} is for --mode {' or '.join(modes)}, got --mode {args.mode}")


def help_text() -> str:
    """Returns the flags, once they are parsed, and what they are for."""
    return flags.FLAGS.module_help(__name__)
