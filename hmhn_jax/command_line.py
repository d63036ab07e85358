"""The flags of `run.py`, and one line for what is wrong with them."""

from pathlib import Path

from absl import flags
from ml_collections import config_flags

from hmhn_jax.errors import UsageError

MODES = {
    "train_and_evaluate": "the default",
    "train": "only that",
    "evaluate": "only that, with the weights of a workdir",
    "sweep": "all runs of a config of configs/sweeps/, and their table",
    "export_torch": "the weights as a file for PyTorch",
    "doctor": "looks real recordings over before anything long",
}
DEFAULT_CONFIG = Path(__file__).resolve().parents[1] / "configs" / "default.py"


def define_flags() -> None:
    """Declares the flags; the config's fields become flags as its file is loaded."""
    flags.DEFINE_string("workdir", None, "Folder of the run: checkpoints, logs, results.")
    flags.DEFINE_enum(
        "mode",
        "train_and_evaluate",
        list(MODES),
        "; ".join(f"{mode}: {what}" for mode, what in MODES.items()) + ".",
    )
    config_flags.DEFINE_config_file(
        "config",
        str(DEFAULT_CONFIG),
        "The experiment, such as configs/avec2014.py; --config.FIELD=VALUE changes one field. "
        "A workdir remembers its own.",
    )


def parse_flags(arguments: list[str]) -> flags.FlagValues:
    """Parses the command line; what is wrong with it raises UsageError."""
    try:
        define_flags()
        rest = flags.FLAGS(arguments)
        path = config_flags.get_config_filename(flags.FLAGS["config"])
        if not Path(path).is_file():
            raise FileNotFoundError(f"no such file: {path}")
    except flags.Error as error:
        raise UsageError(str(error)) from error
    except Exception as error:  # a config file is code, which can fail in any way
        cause = error.args[0] if error.args and isinstance(error.args[0], KeyError) else error
        reason = " ".join(str(cause.args[0] if cause.args else cause).split())
        unknown = "no field " if isinstance(cause, KeyError) else ""
        raise UsageError(f"config: {unknown}{reason or type(error).__name__}") from error
    if rest[1:]:
        raise UsageError(f"expected flags only, got {' '.join(rest[1:])!r}")
    if not flags.FLAGS.workdir:
        raise UsageError("expected --workdir DIR, got none")
    return flags.FLAGS


def help_text() -> str:
    """The flags and what they are for."""
    define_flags()
    return flags.FLAGS.module_help(__name__)
