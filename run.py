"""Trains and evaluates HMHN: facial video in, BDI-II score out.

    python run.py --workdir DIR

prepares the data when they are missing, trains, and evaluates on the test split; the same command
goes on with a run that was interrupted. Research software: its numbers are not a diagnosis.
"""

import os
import shlex
import sys
from pathlib import Path

from absl import logging
from ml_collections import ConfigDict

from hmhn_jax import command_line
from hmhn_jax.errors import UserError


def run() -> None:
    """Does what the flags say."""
    if "--help" in sys.argv or "-h" in sys.argv:
        print(f"{__doc__}\nFlags:\n{command_line.help_text()}")
        return
    args = command_line.parse_flags(sys.argv)
    quieten()
    # From here on it takes seconds: the heavy packages are imported.
    from configs import default
    from hmhn_jax import atomic, checkpoints, doctor, torch_export
    from hmhn_jax import config as config_lib
    from hmhn_jax.sweep import sweep

    workdir = Path(args.workdir)
    if args.mode == "sweep":
        command = shlex.join(["python", *sys.argv])
        return sweep(args["config"].value, workdir, train_and_evaluate, command)
    config = config_lib.choose(args["config"], workdir, default.get_config())
    if args.mode == "doctor":  # looks at recordings before hours are spent on them
        return doctor.examine(config.data, workdir)
    if args.mode in ("evaluate", "export_torch"):
        checkpoints.check_exists(workdir)
    else:
        atomic.make_folder(workdir)
    if args.mode == "export_torch":
        torch_export.export_checkpoint(config, workdir)
    else:
        work(config, workdir, args.mode)


def work(config: ConfigDict, workdir: Path, mode: str) -> None:
    """Trains, evaluates or both."""
    from configs import avec2014
    from data import avec_faces  # noqa: F401  registers the dataset
    from hmhn_jax.dataset import open_dataset
    from hmhn_jax.evaluate import evaluate
    from hmhn_jax.input_pipeline import check_split
    from hmhn_jax.train import train

    builder = open_dataset(config.data)
    if mode != "train":
        check_split(builder, config.data.test_split)  # now, not after hours of training
    if mode != "evaluate":
        train(config, workdir, builder)
    if mode != "train":
        evaluate(config, workdir, builder, config.data.test_split, avec2014.get_config())


def train_and_evaluate(workdir: Path) -> None:
    """One run of a sweep, in a process of its own and a workdir that has its config."""
    quieten()
    from configs import default
    from hmhn_jax import config as config_lib

    work(config_lib.load(workdir, default.get_config()), workdir, "train_and_evaluate")


def quieten() -> None:
    """Keeps back what libraries say that no user can act on."""
    logging.set_verbosity(logging.ERROR)  # Orbax and TFDS
    # TensorFlow, which reads the records, looks at these when it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


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
