"""Trains and evaluates HMHN: facial video in, depression score out.

    python run.py --workdir DIR        (installed: hmhn-jax --workdir DIR)

prepares the data when they are missing, trains, and evaluates on the test split; the same command
goes on with a run that was interrupted. Research software: its numbers are not a diagnosis.
"""

import contextlib
import gc
import os
import shlex
import sys
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict

from hmhn_jax import cli
from hmhn_jax.base.errors import SoftwareFault, UserError
from hmhn_jax.runtime import environment, signals

PREDICT = "--mode predict --input FILE"


def run() -> None:
    """Does what the flags say."""
    args = cli.parse_flags(sys.argv)
    if args.help:
        return print(f"{__doc__}\nFlags:\n{cli.help_text()}")
    environment.set_environment()
    environment.import_jax()
    # From here on it takes seconds: the heavy packages are imported.
    from hmhn_jax import tfds  # noqa: F401  registers the dataset
    from hmhn_jax.runtime import processes

    place = (args.coordinator, args.num_processes, args.process_id)
    if args.distributed or place != (None, None, None):
        processes.join(*place)
    with processes.together():
        dispatch(args)


def dispatch(args: flags.FlagValues) -> None:
    """Does what `--mode` says."""
    from hmhn_jax.base import files
    from hmhn_jax.input_pipeline import doctor
    from hmhn_jax.input_pipeline.dataset import open_dataset
    from hmhn_jax.interop import export, torch_export
    from hmhn_jax.prediction import predict
    from hmhn_jax.runtime import devices
    from hmhn_jax.serve import server
    from hmhn_jax.training.crossvalidation.run import crossvalidate
    from hmhn_jax.training.sweep import sweep
    from hmhn_jax.workdir import checkpoints, partition, stored_config

    workdir, command = Path(args.workdir), [*cli.program(sys.argv[0]), *sys.argv[1:]]
    if args.mode == "sweep":
        return sweep(args["config"].value, workdir, run_in, shlex.join(command))
    config = stored_config.choose(args["config"], workdir)
    if args.mode == "crossvalidate":  # each fold looks for devices in its own process
        files.make_folder(workdir)
        builder = open_dataset(config.data, config.report)
        other = args.compare and Path(args.compare)
        crossvalidate(config, workdir, builder, run_in, only=args.fold, other=other)
        return say_next(args)
    if args.mode == "doctor":  # looks at recordings before hours are spent on them
        return doctor.examine(config.data, workdir, command)
    devices.check_found()
    if args.mode.startswith("train") or args.mode == "baselines":
        files.make_folder(workdir)
        partition.check_none(workdir)
    else:
        several = args.mode in ("evaluate", "predict", "serve")
        for member in partition.members(workdir) if several else [workdir]:
            checkpoints.check_exists(member)
    if args.mode == "predict":
        workdirs = [workdir, *args.ensemble]
        predict.predict(config, workdirs, args.input, args.output, args.overlay_video)
    elif args.mode == "export":
        export.export_checkpoint(config, workdir, args.output and Path(args.output))
    elif args.mode == "serve":
        server.serve(config, workdir, args.host, args.port)
    elif args.mode == "export_torch":
        torch_export.export_checkpoint(config, workdir)
    elif args.mode == "baselines":
        fit_baselines(config, workdir)
    else:
        work(config, workdir, args.mode, args.ensemble)
    say_next(args, config.data.validation_split)


def say_next(args: flags.FlagValues, validation_split: str = "") -> None:
    """Prints the command that most people run next; after training, none that looks at test."""
    from hmhn_jax.runtime import processes

    following = dict.fromkeys(("evaluate", "train_and_evaluate", "crossvalidate"), PREDICT)
    on = f" --config.data.test_split={validation_split}" if validation_split else ""
    following["train"] = f"--mode evaluate{on}"
    if args.mode in following and not args.fold and processes.is_first():
        again = shlex.join([*cli.program(sys.argv[0]), "--workdir", args.workdir])
        print(f"next: {again} {following[args.mode]}", flush=True)


def fit_baselines(config: ConfigDict, workdir: Path) -> None:
    """Evaluates what needs no network."""
    from hmhn_jax.evaluation import baselines
    from hmhn_jax.input_pipeline.dataset import open_dataset

    builder = open_dataset(config.data, config.report)
    baselines.run(config, workdir, builder)


def work(config: ConfigDict, workdir: Path, mode: str, others: list[str] | None = None) -> None:
    """Trains, evaluates (together with the networks of other workdirs) or both."""
    from hmhn_jax.evaluation.evaluate import evaluate
    from hmhn_jax.evaluation.output import caution
    from hmhn_jax.input_pipeline import split
    from hmhn_jax.input_pipeline.dataset import open_dataset
    from hmhn_jax.runtime import devices, processes
    from hmhn_jax.training import pretrained
    from hmhn_jax.training.train import train
    from hmhn_jax.workdir import checkpoints, lock

    if mode != "evaluate" and not checkpoints.exist(workdir):
        pretrained.check(config)
    for part in ("evaluate",) if mode == "evaluate" else ("train", "evaluate"):
        devices.check_batch_size(f"{part}.batch_size", config[part].batch_size)
    with processes.first_alone("open the dataset"):
        builder = open_dataset(config.data, config.report)
    if mode != "train":  # now, not after hours of training
        split.check(config, workdir, builder, config.data.test_split)
    if mode != "evaluate":
        with lock.held(workdir) if processes.is_first() else contextlib.nullcontext():
            train(config, workdir, builder)
    if mode != "train":
        more = [Path(each) for each in others or ()]
        results = evaluate(config, workdir, builder, config.data.test_split, more)
        if mode == "train_and_evaluate" and processes.is_first() and (line := caution(results)):
            print(line, flush=True)


def run_in(workdir: Path, mode: str = "train_and_evaluate") -> None:
    """One run of a sweep or a cross-validation, in a workdir that has its config."""
    environment.set_environment()
    from hmhn_jax import tfds  # noqa: F401
    from hmhn_jax.workdir import stored_config

    work(stored_config.load(workdir), workdir, mode)


def main() -> int:
    """Does what the flags say; what goes wrong ends in one line. Returns the exit code."""
    try:
        signals.end_on_sigterm()
        run()
        return 0
    except (UserError, SoftwareFault) as error:
        line, code = f"error: {error}", error.exit_code
    except KeyboardInterrupt as ended:
        line, code = signals.LINE, getattr(ended, "exit_code", 130)
    gc.collect()  # whatever libraries say about a failure comes before
    print(line, file=sys.stderr, flush=True)
    return code


def start() -> None:
    """Runs the program, which is called `hmhn-jax` where it is installed, and exits."""
    code = main()
    if code == UserError.exit_code:  # ends before a thread of a library says more
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    start()
