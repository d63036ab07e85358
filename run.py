"""Trains and evaluates HMHN: facial video in, BDI-II score out.

    python run.py --workdir DIR

prepares the data when they are missing, trains, and evaluates on the test split; the same command
goes on with a run that was interrupted. Research software: its numbers are not a diagnosis.
"""

import os
import sys
from pathlib import Path

from absl import flags, logging
from ml_collections import config_flags

from hmhn_jax.errors import UsageError, UserError

MODES = ("train_and_evaluate", "train", "evaluate", "doctor")
DEFAULT_CONFIG = Path(__file__).resolve().parent / "configs" / "default.py"


def define_flags() -> None:
    """Declares the flags; the config's fields become flags as its file is loaded."""
    flags.DEFINE_string("workdir", None, "Folder of the run: checkpoints, logs, results.")
    flags.DEFINE_enum("mode", MODES[0], MODES, "What to do.")
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


def run() -> None:
    """Does what the flags say."""
    if "--help" in sys.argv or "-h" in sys.argv:
        define_flags()
        print(f"{__doc__}\nFlags:\n{flags.FLAGS.main_module_help()}")
        return
    args = parse_flags(sys.argv)
    logging.set_verbosity(logging.ERROR)  # Orbax and TFDS tell much that no user can act on
    # TensorFlow, which reads the records, looks at these when it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    # From here on it takes seconds: the heavy packages are imported.
    from configs import default
    from data import avec_faces  # noqa: F401  registers the dataset
    from hmhn_jax import atomic, checkpoints, doctor
    from hmhn_jax import config as config_lib
    from hmhn_jax.dataset import open_dataset
    from hmhn_jax.evaluate import evaluate
    from hmhn_jax.input_pipeline import check_split
    from hmhn_jax.train import train

    workdir = Path(args.workdir)
    config = config_lib.choose(args["config"], workdir, default.get_config())
    if args.mode == "doctor":  # looks at recordings before hours are spent on them
        return doctor.examine(config.data, workdir)
    if args.mode == "evaluate":
        checkpoints.check_exists(workdir)
    else:
        atomic.make_folder(workdir)
    builder = open_dataset(config.data)
    if args.mode != "train":
        check_split(builder, config.data.test_split)  # now, not after hours of training
    if args.mode != "evaluate":
        train(config, workdir, builder)
    if args.mode != "train":
        evaluate(config, workdir, builder, config.data.test_split)


def main() -> int:
    try:
        run()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
