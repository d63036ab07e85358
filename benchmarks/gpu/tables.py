"""Markdown tables of `benchmarks.gpu`."""

import numpy as np

from benchmarks.contest import flops, results

PLAIN = ", plain layers"  # ends the name of a program that computes each layer as Flax does
AGREEMENT_HEADERS = (
    "type",
    "fast",
    "batch",
    "features off",
    "scores off",
    "gradient off",
    "worst array off",
)
TRAIN_HEADERS = ("batch", "program", "step, ms (quartiles)", "images/s", "TFLOP/s", "peak MiB")
TRAIN_HEADERS += ("first step, s", "time against PyTorch", "against plain layers")


def text(outcome: dict) -> str:
    """Formats all tables, then the missing results and the machine."""
    parts = [agreement_table(outcome)]
    for kind in ("train", "infer"):
        parts.append(speed_table(outcome, kind))
    parts += [f"Not measured: {name}, {why}." for name, why in outcome["absent"].items()]
    devices = {row["device"] for rows in outcome["rows"].values() for row in rows}
    described = {"device": " / ".join(sorted(devices)) or "unknown"} | outcome["machine"]
    parts.append(", ".join(f"{name} {value}" for name, value in described.items()))
    return "\n\n".join(filter(None, parts))


def agreement_table(outcome: dict) -> str:
    """Formats distances from float64; empty when they were not measured."""
    lines = [
        (
            row["dtype"],
            row["fast"],
            row["batch_size"],
            f"{row['features']:.1e}",
            f"{row['scores']:.1e}",
            f"{row['gradient']:.1e}",
            f"{row['worst_gradient']:.1e}, `{row['worst_array']}`",
        )
        for rows in outcome["rows"].values()
        for row in rows
        if "worst_gradient" in row
    ]
    return results.table(AGREEMENT_HEADERS, lines) if lines else ""


def speed_table(outcome: dict, kind: str) -> str:
    """Formats programs of a kind, "train" or "infer", by size; empty when there are none."""
    found = {
        (row["batch_size"], name.removeprefix(f"{kind}: ")): row
        for name, rows in outcome["rows"].items()
        if name.startswith(f"{kind}: ")
        for row in rows
    }
    workload = outcome["workload"]
    operations = sum(flops.forward(workload["image_size"], **workload["fields"]).values())
    operations *= flops.TRAINING if kind == "train" else 1
    lines = []
    for (size, name), row in sorted(found.items(), key=lambda item: item[0][0]):
        seconds = float(np.median(row["seconds"]))
        lines.append(
            (
                size,
                name,
                _milliseconds(row["seconds"]),
                f"{size / seconds:.0f}",
                f"{1e-12 * operations * size / seconds:.3g}",
                f"{row['peak_mib']:.0f}" if row["peak_mib"] else "",
                f"{row['first_s']:.1f}",
                _ratio(seconds, found.get((size, "PyTorch, bfloat16"))),
                _ratio(seconds, found.get((size, name + PLAIN))),
            )
        )
    headers = TRAIN_HEADERS
    if kind == "infer":  # there is one way only
        headers, lines = headers[:-1], [line[:-1] for line in lines]
        headers = tuple(header.replace("step, ", "batch, ") for header in headers)
    return results.table(headers, lines) if lines else ""


def _milliseconds(seconds):
    """Formats median and quartiles."""
    low, middle, high = 1e3 * np.quantile(seconds, (0.25, 0.5, 0.75))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _ratio(seconds, other):
    return f"{seconds / np.median(other['seconds']):.2f}" if other else ""
