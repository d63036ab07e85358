"""Speed of training steps, compared with PyTorch.

    python -m benchmarks.train [--quick] [--rounds N] [--cores N] [--json FILE] [--other PYTHON]

The paper's network and configs/avec2014.py's settings, batch 16, images of 224 pixels, float32:
forward, backward, clipping and AdamW on one batch that stays where it is, dropout on, augmentation
off. "ours" is what training runs; "plain layers" computes every layer by Flax's own;
"two host devices" splits the batch over two devices of one core each. PyTorch runs channels last
with its fused AdamW, as it is and through torch.compile. A first step includes compilation: "cold"
with nothing kept, "kept" in a second process that finds what the first one compiled. Ten minutes.
"""

import dataclasses
import sys

from benchmarks.contest import contest, results
from benchmarks.contest.process import Contestant, by_other
from benchmarks.contest.workload import TINY, Workload

OURS, PLAIN, TWO_DEVICES = "ours", "ours, plain layers", "ours, two host devices"
TORCH, COMPILED = "PyTorch", "PyTorch, torch.compile"
PACKAGES = ("jax", "flax", "optax", "torch", "numpy")
COMPILE_LIMIT_S = 240.0


def contestants(work: Workload, other: str | None = None) -> list[Contestant]:
    """Returns all contestants, and ours by another interpreter."""
    workload = {"workload": dataclasses.asdict(work)}
    two = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    ours, torch = (
        ("benchmarks.contest.ours", "train_step"),
        ("benchmarks.contest.pytorch", "train_step"),
    )
    own = Contestant(OURS, *ours, workload, compiles=True)
    return [
        *([by_other(own, other)] if other else []),
        own,
        Contestant(PLAIN, *ours, workload | {"fast": False}, compiles=True),
        Contestant(TWO_DEVICES, *ours, workload, two, compiles=True),
        Contestant(TORCH, *torch, workload),
        Contestant(
            COMPILED,
            *torch,
            workload | {"compiled": True},
            compiles=True,
            first_limit_s=COMPILE_LIMIT_S,
        ),
    ]


def measure(
    work: Workload,
    rounds: int,
    num_cores: int,
    names: tuple[str, ...] = (),
    other: str | None = None,
) -> dict:
    """Lets contestants of these names, or all, take turns."""
    chosen = [each for each in contestants(work, other) if not names or each.name in names]
    outcome = results.summarise(
        *contest.hold(chosen, rounds, 1, num_cores), (TORCH, COMPILED, OURS)
    )
    return outcome | {"workload": dataclasses.asdict(work), "rounds": rounds}


def table(outcome: dict) -> str:
    """Formats the outcome as Markdown."""
    headers = ("program", "step, ms (quartiles)", "CPU s", "first step, s: cold", "kept")
    headers += ("peak MiB", "time against PyTorch", "CPU", "memory", "time against torch.compile")
    headers += ("time against ours",)
    rows = [
        (
            name,
            results.milliseconds(values),
            f"{values['median_cpu_s']:.2f}",
            f"{values['first_s']:.1f}",
            f"{values['warm_first_s']:.1f}" if values["warm_first_s"] else "",
            f"{values['peak_mib']:.0f}",
            *(results.ratio(values, TORCH, kind) for kind in ("time", "cpu", "memory")),
            results.ratio(values, COMPILED, "time"),
            results.ratio(values, OURS, "time"),
        )
        for name, values in outcome["contestants"].items()
    ]
    return results.table(headers, rows)


def main() -> None:
    """Measures, prints, and writes the JSON if asked."""
    flags, machine = results.parse_flags(__doc__, 7, PACKAGES)
    outcome = measure(
        TINY if flags.quick else Workload(), flags.rounds, flags.cores, other=flags.other
    )
    outcome["machine"] = machine
    footer = results.footer(outcome, list(outcome["contestants"].values()))
    results.publish(outcome, f"{table(outcome)}\n\n{footer}", flags.json)


if __name__ == "__main__":
    sys.exit(main())
