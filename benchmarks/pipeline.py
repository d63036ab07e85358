"""Speed from the JPEGs of TFRecords to augmented batches, compared with PyTorch's DataLoader.

    python -m benchmarks.pipeline [--quick] [--rounds N] [--cores N] [--json FILE]

The synthetic dataset's training crops of 224 pixels, read from its TFRecords once, as training
does, then epochs in batches of 64: decode, mirror, turn, zoom, shift, saturation, contrast,
brightness, standardise to float32. Ours is the input pipeline and the compiled step's augmentation;
its memory of decoded crops is off, so that each epoch decodes. PyTorch's Dataset does the same to
one crop after the other with PIL, in the process itself or in two workers. Crops per CPU second
count, as training has other use for the cores. Two minutes.
"""

import dataclasses
import sys
import tempfile

from benchmarks.contest import contest, results
from benchmarks.contest.process import Contestant

OURS, TORCH, TWO_WORKERS = "ours", "DataLoader", "DataLoader, two workers"
PACKAGES = ("jax", "opencv-python-headless", "torch", "pillow", "numpy")


@dataclasses.dataclass(frozen=True)
class Scale:
    """Size of the benchmark: crops an epoch, crops a batch, their side in pixels."""

    num_crops: int = 512
    batch_size: int = 64
    image_size: int = 224
    dataset: str = "avec_faces/synthetic"
    data_dir: str = ""


QUICK = Scale(num_crops=16, batch_size=8, image_size=32)


def contestants(scale: Scale, folder: str) -> list[Contestant]:
    """Returns all contestants."""
    shape = {"batch_size": scale.batch_size, "image_size": scale.image_size, "folder": folder}
    torch = ("benchmarks.contest.pytorch", "batches")
    return [
        Contestant(OURS, "benchmarks.contest.ours", "batches", shape),
        Contestant(TORCH, *torch, shape | {"num_workers": 0}),
        Contestant(TWO_WORKERS, *torch, shape | {"num_workers": 2}),
    ]


def measure(scale: Scale, rounds: int, num_cores: int, names: tuple[str, ...] = ()) -> dict:
    """Lets contestants of these names, or all, take turns."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = {"dataset": scale.dataset, "data_dir": scale.data_dir, "count": scale.num_crops}
        failure = contest.prepare(
            "benchmarks.contest.ours", "extract_jpegs", wanted | {"folder": folder}
        )
        if failure:
            raise SystemExit(f"expected JPEGs of {scale.dataset}, reading them {failure}")
        chosen = [each for each in contestants(scale, folder) if not names or each.name in names]
        held = contest.hold(chosen, rounds, 1, num_cores)
    outcome = results.summarise(*held, (TORCH, TWO_WORKERS))
    return outcome | {"scale": dataclasses.asdict(scale), "rounds": rounds}


def table(outcome: dict) -> str:
    """Formats the outcome as Markdown; gains are of ours, in crops per CPU second."""
    num_crops = outcome["scale"]["num_crops"]
    ours = outcome["contestants"][OURS]
    headers = ("program", "crops per CPU second", "crops/s", "epoch, ms (quartiles)", "peak MiB")
    headers += ("ours gains",)
    rows = [
        (
            name,
            f"{num_crops / values['median_cpu_s']:.0f}",
            f"{num_crops / values['median_s']:.0f}",
            results.milliseconds(values),
            f"{values['peak_mib']:.0f}",
            f"{values['median_cpu_s'] / ours['median_cpu_s']:.2f}x",
        )
        for name, values in outcome["contestants"].items()
    ]
    return results.table(headers, rows)


def main() -> None:
    """Measures, prints, and writes the JSON if asked."""
    flags, machine = results.parse_flags(__doc__, 9, PACKAGES)
    outcome = measure(QUICK if flags.quick else Scale(), flags.rounds, flags.cores)
    outcome["machine"] = machine
    footer = results.footer(outcome, list(outcome["contestants"].values()))
    results.publish(outcome, f"{table(outcome)}\n\n{footer}", flags.json)


if __name__ == "__main__":
    sys.exit(main())
