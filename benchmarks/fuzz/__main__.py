"""Fuzzing: generated and damaged inputs for every reader of untrusted files.

    python -m benchmarks.fuzz [--texts N] [--videos N] [--seed S] [--json FILE] [--kept DIR]

Within ten minutes on two cores; prints a Markdown table and then what failed. N text files each go
to the reader of recording tables, of AVEC's label files and of config.json; N damaged videos each
are decoded, probed and cropped; as many pictures and, where PyTorch is installed, files of weights
are read. A file is accepted or refused by a UserError of one line that names it. All else
is a failure, whose input is kept: another exception, a process that dies ("crash") or gives no
answer in time ("hang"), and what is left behind ("leak"): open files, processes, temporary
files, gigabytes. With the same code, N and seed come the same inputs, but for a number that files
of older PyTorch's format hold. Ends with 1 if anything failed.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis

from benchmarks.contest import machine, results
from benchmarks.fuzz import files as fuzz_files
from benchmarks.fuzz import texts as fuzz_texts
from benchmarks.fuzz.process import FAILURES, Tally, Trier

PACKAGES = (
    "av", "opencv-python-headless", "dlib-bin", "numpy", "pillow", "torch", "hypothesis",
)  # fmt: skip
LIMIT_S = 20.0  # for one file
NAMED = 5  # failures of a reader that are printed; the JSON has all
READERS = "benchmarks.fuzz.readers:"


@dataclasses.dataclass(frozen=True)
class Scale:
    """Size of the campaign.

    Attributes:
      texts: files for each reader of text.
      files: damaged videos, and as many pictures and files of weights.
      seed: of all inputs.
    """

    texts: int = 6000
    files: int = 3000
    seed: int = 0


def campaign(scale: Scale, folder: Path, kept: Path, limit_s: float = LIMIT_S) -> list[Tally]:
    """Tries all readers, in an empty folder."""
    with Trier(kept, limit_s) as trier:
        return [*_texts(trier, scale, folder / "texts"), *_files(trier, scale, folder / "files")]


def _texts(trier: Trier, scale: Scale, folder: Path) -> list[Tally]:
    from configs import default

    fuzz_files.write_all(folder / "x", [("c.avi", b"")])
    fuzz_files.write_all(folder, [("a.mp4", b""), ("b.mp4", b"")])
    config = default.get_config().to_dict()
    strategies = {
        "table": fuzz_texts.tables().map(lambda content: ("table.csv", content)),
        "label": fuzz_texts.labels(),
        "config": fuzz_texts.configs(config).map(lambda content: ("config.json", content)),
    }
    sound = fuzz_files.write_all(folder / "sound", [("config.json", json.dumps(config).encode())])
    trier.warm_up(READERS + "config", sound["config.json"])
    tallies = []
    for name, strategy in strategies.items():
        tallies.append(Tally(READERS + name))
        try_texts(trier, tallies[-1], strategy, folder, scale.texts, scale.seed)
    return tallies


def try_texts(
    trier: Trier,
    tally: Tally,
    strategy: hypothesis.strategies.SearchStrategy[tuple[str, bytes]],
    folder: Path,
    number: int,
    seed: int,
) -> None:
    """Tries a reader on `number` files, (name, content) each, which lie in a folder in turn."""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=number,
        phases=[hypothesis.Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def try_one(drawn):
        name, content = drawn
        path = folder / name
        try:
            path.write_bytes(content)
        except OSError:  # a name that is too long, for example
            hypothesis.reject()
        trier.try_on(tally, path)
        path.unlink()

    try_one()


def _files(trier: Trier, scale: Scale, folder: Path) -> list[Tally]:
    kinds = {
        ("frames", "header", "crops"): fuzz_files.sound_videos(),
        ("picture",): fuzz_files.sound_pictures(),
        ("weights",): fuzz_files.sound_weights(),
    }
    tallies = []
    for names, sound in kinds.items():
        if not sound:
            continue
        paths = fuzz_files.write_all(folder / "sound" / names[0], sound.items())
        of_kind = [Tally(READERS + name) for name in names]
        for tally in of_kind:
            trier.warm_up(tally.reader, next(reversed(paths.values())))
        for file in fuzz_files.damaged(sound, scale.files, scale.seed):
            ((_, path),) = fuzz_files.write_all(folder / "damaged", [file]).items()
            for tally in of_kind:
                trier.try_on(tally, path)
            path.unlink()
        tallies += of_kind
    return tallies


def table(tallies: list[Tally]) -> str:
    """Formats the outcome as Markdown."""
    headers = ("reader", "inputs", "accepted", "refused", *FAILURES, "seconds")
    rows = []
    for tally in tallies:
        counts = tally.counts
        name = tally.reader.partition(":")[2]
        row = (name, sum(counts.values()), *counts.values(), f"{tally.seconds:.0f}")
        rows.append(row)
    return results.table(headers, rows)


def outcome(tallies: list[Tally], scale: Scale) -> dict[str, Any]:
    """Returns the outcome as JSON values, with the failures and the machine."""
    return {
        "scale": dataclasses.asdict(scale),
        "machine": machine.describe(PACKAGES),
        "readers": [
            {
                "reader": tally.reader,
                **tally.counts,
                "seconds": tally.seconds,
                "failures": [
                    {"outcome": kind, "input": str(path), "detail": detail}
                    for kind, path, detail in tally.failures
                ],
            }
            for tally in tallies
        ],
    }


def main(run: Callable[[Scale, Path, Path], list[Tally]] = campaign) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--texts", type=int, default=Scale.texts, help="a reader (%(default)s)")
    parser.add_argument("--videos", type=int, default=Scale.files, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=Scale.seed, help="(%(default)s)")
    parser.add_argument("--json", type=Path, help="write the results here too")
    parser.add_argument("--kept", type=Path, default=Path("runs/fuzz"), help="gets what failed")
    flags = parser.parse_args()
    scale = Scale(flags.texts, flags.videos, flags.seed)
    with tempfile.TemporaryDirectory() as folder:
        tallies = run(scale, Path(folder), flags.kept)
    made = outcome(tallies, scale)
    about = ", ".join(f"{name} {value}" for name, value in made["machine"].items())
    results.publish(made, f"{table(tallies)}\n\n{about}", flags.json)
    for tally in tallies:
        for kind, path, detail in tally.failures[:NAMED]:
            last = detail.strip().splitlines()[-1] if detail.strip() else ""
            print(f"{kind}: {tally.reader.partition(':')[2]} on {path}: {last}")
    return int(any(tally.num_failures for tally in tallies))


if __name__ == "__main__":
    sys.exit(main())
