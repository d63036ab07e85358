"""Checks made after a fault."""

import contextlib
import hashlib
import json
import re
from pathlib import Path

from benchmarks.faults.runs import NUM_EPOCHS, STEPS_PER_EPOCH, Place, Program


def refusal(program: Program, *words: str) -> str:
    """Returns what is wrong with a command that had to end with one line; "" if nothing is."""
    code, lines = program.wait(), program.text().strip().splitlines()
    said = [line for line in lines if line.startswith("error: ")]
    if code not in (1, 2):
        return f"ended with {code}: {' '.join(lines[-3:])[-300:]}"
    if len(said) != 1 or lines[-1] != said[0]:  # libraries may say what they like above it
        return f"not one line: {' '.join(lines[-4:])[-400:]}"
    missing = [word for word in words if word not in said[0]]
    return f"does not name {missing}: {said[0]}" if missing else ""


def losses(workdir: Path) -> list[tuple[int, str]]:
    """Returns (step, loss in hexadecimal) of every whole line of the log, in the order written."""
    path, found = workdir / "scalars.jsonl", []
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else []:
        if line.endswith(b"\n"):
            with contextlib.suppress(ValueError):  # the end of one that a full disk cut
                values = json.loads(line)
                found.append((values["step"], float(values["loss"]).hex()))
    return found


def steps(workdir: Path) -> set[int]:
    """Returns the steps of the checkpoints that have their final name."""
    return {int(path.name) for path in (workdir / "checkpoints").glob("*") if path.name.isdigit()}


def resumed_from(program: Program) -> int | None:
    """Returns the step that a run resumed from, if it printed one."""
    found = re.search(r"^resuming from step (\d+)$", program.text(), re.MULTILINE)
    return int(found[1]) if found else None


def digests(folder: Path, pattern: str = "**/*") -> dict[str, str]:
    """Returns {path: sha256} of the files."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob(pattern))
        if path.is_file()
    }


def against_whole(place: Place, workdir: Path, evaluated: bool = True) -> str:
    """Returns what differs from the run without a fault, or was left behind; "" if nothing."""
    expected = dict(losses(place.whole))
    unequal = [step for step, loss in losses(workdir) if expected.get(step) != loss]
    if missing := expected.keys() - dict(losses(workdir)).keys():
        return f"no losses of steps {sorted(missing)}"
    if unequal:
        return f"other losses at steps {unequal}"
    if NUM_EPOCHS * STEPS_PER_EPOCH not in steps(workdir):
        return f"no last checkpoint: {steps(workdir)}"
    if left := list(workdir.glob("checkpoints/*tmp*")):
        return f"left behind: {left}"
    table = "evaluation/test/predictions.csv"
    if evaluated and (workdir / table).read_bytes() != (place.whole / table).read_bytes():
        return "other predictions"
    return ""


def dataset_against_whole(place: Place, data_dir: Path) -> str:
    """Returns what differs from the dataset built without a fault; "" if nothing does."""
    one, other = (each / "avec_faces" / "tiny" / "1.0.0" for each in (data_dir, place.data_dir))
    if digests(one, "metadata.json") != digests(other, "metadata.json"):
        return "another dataset: metadata.json"
    names = [sorted(path.name for path in each.glob("*.tfrecord*")) for each in (one, other)]
    if names[0] != names[1]:
        return f"another dataset: {names[0]}"
    changed = [name for name in names[0] if records(one / name) != records(other / name)]
    return f"another dataset: {changed}" if changed else ""


def records(path: Path) -> list[dict]:
    """Returns each record by its fields, which may be written in any order."""
    import tensorflow as tf

    found = []
    for content in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        fields = tf.train.Example.FromString(content).features.feature
        found.append({name: value.SerializeToString() for name, value in fields.items()})
    return found
