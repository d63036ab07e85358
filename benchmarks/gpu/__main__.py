"""Training and inference on one GPU, compared with PyTorch, and their numerical accuracy.

    python -m benchmarks.gpu [--quick] [--only NAME] [--batch N] [--rounds N] [--limit SECONDS]
        [--json FILE]

The paper's network, batches of 64 and 256 crops of 224 pixels that lie on the GPU: training steps
(forward, backward, clipping, AdamW; dropout on, augmentation off) and scores with folded weights,
ours in bfloat16 and float32, PyTorch through torch.compile in bfloat16. Each program has a process
of its own, one after the other, and all of them twenty minutes: those that there is no time for are
named, and `--only` and `--batch` measure a part alone. `--quick` is a tiny network on whatever
device there is. Needs jax, flax, optax, einops and numpy; PyTorch is left out where it is missing.
"""

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.contest import machine, results
from benchmarks.contest.process import Contestant, first_answer, started
from benchmarks.contest.workload import Workload
from benchmarks.gpu import rows, tables
from benchmarks.gpu.tables import PLAIN

PACKAGES = ("jax", "jaxlib", "flax", "optax", "torch", "numpy")
BATCH_SIZES = (64, 256)  # in this order: the most memory a process ever held is the last one's
AGREEMENT, AGREEMENT_BATCH = "agreement with float64", 8
VARIANTS = (("bfloat16", True), ("float32", True), ("bfloat16", False), ("float32", False))
QUICK = Workload(4, 64, {"width": 2, "num_heads": 2, "lgfe_expansion": 1})
MOST_S = 200.0  # of one program


def contestants(works: list[Workload], rounds: int, quick: bool) -> list[Contestant]:
    """Returns all contestants, the most important first.

    Args:
      works: the sizes, from small to large.
      rounds: of each size.
      quick: only the first ones, on any device, with little time spent on compiling; else a
        device that is no GPU is an error.
    """
    gpu = not quick
    common = {
        "workloads": [dataclasses.asdict(work) for work in works],
        "rounds": rounds,
        "gpu": gpu,
    }
    agreement = dataclasses.replace(works[0], batch_size=min(AGREEMENT_BATCH, works[0].batch_size))

    def ours(name, function, **arguments):
        return Contestant(name, "benchmarks.gpu.ours", function, common | arguments)

    def torch(name, function):
        arguments = common | {"compiled": not quick}
        return Contestant(name, "benchmarks.gpu.pytorch", function, arguments)

    half, full = {"dtype": "bfloat16"}, {"dtype": "float32"}
    everyone = [
        Contestant(
            AGREEMENT,
            "benchmarks.gpu.agreement",
            "measure",
            {
                "workload": dataclasses.asdict(agreement),
                "gpu": gpu,
                "variants": VARIANTS[1:2] if quick else VARIANTS,
            },
        ),
        ours("train: ours, bfloat16", "train_step", **half, fast=True),
        torch("train: PyTorch, bfloat16", "train_step"),
        ours("infer: ours, bfloat16", "infer", **half),
        torch("infer: PyTorch, bfloat16", "infer"),
        ours(f"train: ours, bfloat16{PLAIN}", "train_step", **half, fast=False),
        ours("train: ours, float32", "train_step", **full, fast=True),
        ours(f"train: ours, float32{PLAIN}", "train_step", **full, fast=False),
        ours("infer: ours, float32", "infer", **full),
    ]
    return everyone[:5] if quick else everyone


def measure(chosen: list[Contestant], limit_s: float, quick: bool) -> dict:
    """Runs one after the other, each up to its own limit and the time left.

    Returns:
      {"rows": {name: its rows}, "absent": {name: why not all of its rows are there}}.
    """
    end = time.monotonic() + limit_s
    outcome = {"rows": {}, "absent": {}}
    cores = sorted(os.sched_getaffinity(0))
    # A step would be shared by all GPUs that it sees.
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    environment = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "CUDA_VISIBLE_DEVICES": visible}
    if quick:
        environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # compiles sooner
    for each in chosen:
        left = min(MOST_S, end - time.monotonic())
        if left <= 0:
            outcome["absent"][each.name] = "no time was left"
            continue
        # PyTorch's compiling processes may live a little longer than the one that started them.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            file = Path(folder) / "rows.jsonl"
            limited = dataclasses.replace(
                each,
                arguments=each.arguments | {"file": str(file)},
                environment=environment,
                first_limit_s=round(left),
            )
            with started(limited, cores, Path(folder) / "caches", None) as worker:
                answer = first_answer(worker, limited)
            outcome["rows"][each.name] = rows.read(file)
        if "absent" in answer:
            outcome["absent"][each.name] = answer["absent"]
    return outcome


def main() -> None:
    """Measures, prints, and writes the JSON if asked."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help="tiny; its numbers mean nothing")
    parser.add_argument("--only", default="", help="programs whose names have this in them")
    parser.add_argument("--batch", type=int, help="this many crops alone (64, then 256)")
    parser.add_argument("--rounds", type=int, default=9, help="of each size (%(default)s)")
    parser.add_argument("--limit", type=float, default=1200, help="seconds for all (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the results here too")
    flags = parser.parse_args()
    sizes = [flags.batch] if flags.batch else BATCH_SIZES
    works = [QUICK] if flags.quick else [Workload(size) for size in sizes]
    chosen = [
        each for each in contestants(works, flags.rounds, flags.quick) if flags.only in each.name
    ]
    if not chosen:
        parser.error(f"--only {flags.only}: no program has this in its name")
    outcome = measure(chosen, flags.limit, flags.quick)
    outcome |= {"workload": dataclasses.asdict(works[0]), "machine": machine.describe(PACKAGES)}
    results.publish(outcome, tables.text(outcome), flags.json)


if __name__ == "__main__":
    sys.exit(main())
