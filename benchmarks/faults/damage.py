"""Damaged files (cut short, bits flipped, blocks of zeros) and their detection."""

import concurrent.futures
import contextlib
import dataclasses
import multiprocessing
import os
import random
import shutil
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from benchmarks.faults.runs import Place, Trial

BLOCK = 512  # a sector
LIMIT_S = 120.0


@dataclasses.dataclass(frozen=True)
class Target:
    """A file that is damaged, and its reader.

    Attributes:
      source: folder under the campaign's, of which a copy is damaged.
      pattern: of the files in it.
      readers: names in `benchmarks.faults.readers`.
    """

    source: str
    pattern: str
    readers: tuple[str, ...]


DATASET = "avec_faces/tiny/1.0.0"
BOTH = ("weights", "state")
TARGETS = {
    "arrays of a checkpoint": Target("whole", "checkpoints/*/*/**/d/*", BOTH),
    "other files of a checkpoint": Target("whole", "checkpoints/*/**/[_mp]*", BOTH),
    "provenance, metrics, checksums": Target("whole", "checkpoints/*/[pmuc]*[!t]/*[!t]", BOTH),
    "config.json of a workdir": Target("whole", "config.json", ("config",)),
    "scalars.jsonl": Target("whole", "scalars.jsonl", ("lines",)),
    "TFRecord shard": Target("data", f"{DATASET}/*.tfrecord*", ("crops",)),
    "JSON of a dataset": Target("data", f"{DATASET}/[cdfm]*.json", ("crops",)),
    "crop cache": Target("data/downloads/avec_faces/crops", "*.crops", ("cached",)),
}


class Reader:
    """A process that reads files; it is replaced when damage ends or stops it."""

    def __init__(self):
        self._executor = None

    def __call__(self, name: str, folder: Path, whole: Path) -> dict[str, str]:
        if self._executor is None:
            context = multiprocessing.get_context("spawn")
            self._executor = concurrent.futures.ProcessPoolExecutor(1, mp_context=context)
        future = self._executor.submit(_read, name, folder, whole)
        try:
            return future.result(LIMIT_S)
        except (BrokenProcessPool, TimeoutError) as error:
            self.close()
            return {"wrong": f"{type(error).__name__}: it died or hung"}
        except Exception as error:
            return {"wrong": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}

    def close(self) -> None:
        if self._executor:
            for process in list(self._executor._processes.values()):
                process.kill()
            self._executor.shutdown(cancel_futures=True)
        self._executor = None


def _read(name, folder, whole):
    from benchmarks.faults import readers as faults_readers

    return getattr(faults_readers, name)(folder, whole)


def damage(path: Path, rng: random.Random) -> str:
    """Changes a file in one of three ways and says how; files of at most one byte are unchanged."""
    content = bytearray(path.read_bytes())
    if len(content) < 2:
        return "untouched"
    at, how = rng.randrange(len(content)), rng.choice(("cut", "bit", "bit", "zeros"))
    if how == "cut":
        del content[at:]
    elif how == "bit":
        content[at] ^= 1 << rng.randrange(8)
    else:
        end = min(len(content), at - at % BLOCK + BLOCK)
        content[at:end] = bytes(end - at)
    path.write_bytes(content)
    return f"{how} at {at} of {path.name}"


def trials(place: Place, count: int) -> dict[str, list[Trial]]:
    """Tries this many damaged files of each target."""
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(place.folder / "compiled")
    found = {}
    with contextlib.closing(Reader()) as reader:
        for name, target in TARGETS.items():
            found[f"damaged: {name}"] = list(_of_target(place, reader, target, count))
    return found


def _of_target(place: Place, reader: Reader, target: Target, count: int) -> Iterator[Trial]:
    source = place.folder / target.source
    expected = {name: _allowed(place, reader, name, source) for name in target.readers}
    for number in range(count):
        name, folder = target.readers[number % len(target.readers)], place.new("damaged")
        _copy(source, folder)
        path = place.rng.choice(
            [each for each in sorted(folder.glob(target.pattern)) if each.is_file()]
        )
        what = f"{name}: {path.relative_to(folder).parent}: {damage(path, place.rng)}"
        begin = time.monotonic()
        answer = reader(name, folder, place.whole)
        yield Trial(what, _problem(answer, expected[name], folder), time.monotonic() - begin)
        shutil.rmtree(folder)


def _copy(source, folder):
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("downloads"))


def _allowed(place, reader, name, source):
    """Returns what is read when nothing is damaged."""
    undamaged = place.new("undamaged")
    _copy(source, undamaged)  # readers may write, and later trials look at the source
    value = reader(name, undamaged, place.whole)["value"]
    shutil.rmtree(undamaged)
    return value


def _problem(answer, expected, folder):
    if "wrong" in answer:
        return answer["wrong"]
    if line := answer.get("line"):
        return "" if str(folder) in line and "\n" not in line else f"an unclear line: {line}"
    return "" if answer["value"] == expected else "another result, and nothing said"
