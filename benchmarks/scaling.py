"""Time and memory of a training step over batch, image, heads and devices.

    python -m benchmarks.scaling [--only batch image heads devices] [--figure PNG] [--quick] ...

From batch 16, images of 224 pixels, 4 heads and one device one of them changes at a time; each
point is a process of its own, which compiles and takes some steps. Devices are host devices of
XLA, which share the same cores: they show that splitting the batch costs nothing, not a speed-up.
Fifteen minutes; --only measures a part.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.contest import contest, machine, results
from benchmarks.contest.process import Contestant
from benchmarks.contest.workload import TINY, Workload

PACKAGES = ("jax", "flax", "numpy")
LABELS = {
    "batch": "images in a batch",
    "image": "side of the image, pixels",
    "heads": "heads",
    "devices": "host devices",
}
LENGTHS = {
    "batch": (8, 16, 32, 64),
    "image": (112, 168, 224, 336, 448),
    "heads": (1, 2, 4, 8),
    "devices": (1, 2, 4),
}
QUICK = {"batch": (4, 8), "image": (32, 64), "heads": (1, 2), "devices": (1, 2)}


@dataclasses.dataclass(frozen=True)
class Point:
    """Settings of one measurement."""

    axis: str
    value: int
    work: Workload
    devices: int


def points(start: Workload, lengths: dict[str, tuple[int, ...]]) -> list[Point]:
    """Varies one axis after the other, everything else as at the start."""
    found = []
    for axis, values in lengths.items():
        for value in values:
            work, devices = start, 1
            if axis == "batch":
                work = dataclasses.replace(start, batch_size=value)
            elif axis == "image":
                work = dataclasses.replace(start, image_size=value)
            elif axis == "heads":
                work = dataclasses.replace(start, fields=start.fields | {"num_heads": value})
            else:
                devices = value
            found.append(Point(axis, value, work, devices))
    return found


def measure(chosen: list[Point], rounds: int, num_cores: int) -> dict:
    """Measures every point, equal ones only once."""
    known, rows = {}, []
    for point in chosen:
        arguments = {"workload": dataclasses.asdict(point.work)}
        key = (str(arguments), point.devices)
        if key not in known:
            flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={point.devices}"}
            program = ("benchmarks.contest.ours", "train_step")
            each = Contestant("step", *program, arguments, flags)
            known[key] = results.summarise(*contest.hold([each], rounds, 1, num_cores), ())
        rows.append({"axis": point.axis, "value": point.value, **known[key]})
    return {"points": rows, "rounds": rounds}


def table(outcome: dict) -> str:
    """Formats the outcome as Markdown."""
    rows = []
    for point in outcome["points"]:
        where = (LABELS[point["axis"]], point["value"])
        values = point["contestants"].get("step")
        if values is None:
            rows.append((*where, point["absent"]["step"], "", "", "", ""))
            continue
        rows.append(
            (
                *where,
                results.milliseconds(values),
                f"{values['median_cpu_s']:.2f}",
                f"{values['first_s']:.1f}",
                f"{values['peak_mib']:.0f}",
                f"{values['running_mib']:.0f}",
            )
        )
    headers = ("what changes", "to", "step, ms (quartiles)", "CPU s", "first step, s")
    return results.table((*headers, "peak MiB", "peak MiB after the first step"), rows)


def draw(outcome: dict, path: Path) -> None:
    """Draws time and memory over each axis, into a PNG."""
    axes_names = list(dict.fromkeys(point["axis"] for point in outcome["points"]))
    figure = Figure(figsize=(3 * len(axes_names), 2.8), dpi=120, layout="constrained")
    panels = figure.subplots(1, len(axes_names), sharey=True, squeeze=False)[0]
    memories = []
    for axis, panel in zip(axes_names, panels, strict=True):
        rows = [
            (point["value"], point["contestants"]["step"])
            for point in outcome["points"]
            if point["axis"] == axis and point["contestants"]
        ]
        values = [value for value, _ in rows]
        seconds = [row["median_s"] for _, row in rows]
        panel.plot(values, seconds, "o-", color="C0", label="time")
        panel.set(xlabel=LABELS[axis], ylim=(0, None), xticks=values)
        memory = panel.twinx()
        gib = [row["running_mib"] / 1024 for _, row in rows]
        memory.plot(values, gib, "s--", color="C1", label="memory")
        memories.append(memory)
    highest = max(memory.get_ylim()[1] for memory in memories)
    for memory in memories:
        memory.set_ylim(0, highest)
        memory.tick_params(labelright=memory is memories[-1])
    panels[0].set_ylabel("step, s", color="C0")
    memories[-1].set_ylabel("memory, GiB", color="C1")
    figure.savefig(path)


def main() -> None:
    """Measures, prints, and writes the JSON and the figure if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="tiny; its numbers mean nothing")
    parser.add_argument("--only", nargs="+", choices=list(LABELS), default=list(LABELS))
    parser.add_argument("--rounds", type=int, default=5, help="steps a point (%(default)s)")
    parser.add_argument("--cores", type=int, default=2, help="that a point may use (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the results here too")
    parser.add_argument("--figure", type=Path, help="draw them here")
    flags = parser.parse_args()
    lengths = QUICK if flags.quick else LENGTHS
    chosen = points(
        dataclasses.replace(TINY, batch_size=4) if flags.quick else Workload(),
        {axis: lengths[axis] for axis in flags.only},
    )
    outcome = measure(chosen, flags.rounds, flags.cores)
    outcome["machine"] = machine.describe(PACKAGES, flags.cores)
    if flags.figure:
        draw(outcome, flags.figure)
    everyone = [each for point in outcome["points"] for each in point["contestants"].values()]
    footer = results.footer(outcome | {"absent": {}}, everyone)
    results.publish(outcome, f"{table(outcome)}\n\n{footer}", flags.json)


if __name__ == "__main__":
    sys.exit(main())
