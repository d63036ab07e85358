"""Results of a contest, as JSON and as Markdown."""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np

from benchmarks.contest import machine
from benchmarks.contest.contest import Result


def summarise(results: dict[str, Result], absent: dict[str, str], peers: tuple[str, ...]) -> dict:
    """Computes medians, spreads and ratios.

    Args:
      results, absent: of `contest.hold`.
      peers: that all are compared with. Where one is absent, so are its ratios.

    Returns:
      {"contestants": {name: {...}}, "absent": {name: why}}. Ratios are of medians, "time" and
      "cpu", and of peak "memory"; "difference" is the largest one between both
      outputs, relative to the peer's largest number.
    """
    contestants = {}
    for name, result in results.items():
        values = dataclasses.asdict(result)
        output = values.pop("output")
        contestants[name] = {
            "median_s": float(np.median(result.seconds)),
            "quartiles_s": np.quantile(result.seconds, (0.25, 0.75)).tolist(),
            "median_cpu_s": float(np.median(result.cpu_seconds)),
            **values,
            "against": {peer: _against(result, results[peer]) for peer in peers if peer in results},
        }
        if not output.ndim:
            contestants[name]["output"] = output.item()
        else:
            for peer, ratios in contestants[name]["against"].items():
                theirs = results[peer].output
                ratios["difference"] = float(np.abs(output - theirs).max() / np.abs(theirs).max())
    return {"contestants": contestants, "absent": absent}


def _against(result, peer):
    return {
        "time": float(np.median(result.seconds) / np.median(peer.seconds)),
        "cpu": float(np.median(result.cpu_seconds) / np.median(peer.cpu_seconds)),
        "memory": result.peak_mib / peer.peak_mib,
    }


def table(headers: tuple[str, ...], rows: list[tuple]) -> str:
    """Formats a Markdown table from finished cells."""
    lines = [headers, ("---",) * len(headers), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def milliseconds(values: dict) -> str:
    """Formats median and quartiles."""
    low, high = values["quartiles_s"]
    return f"{1e3 * values['median_s']:.0f} ({1e3 * low:.0f} to {1e3 * high:.0f})"


def ratio(values: dict, peer: str, kind: str) -> str:
    """Formats one of the ratios; empty where the peer is absent."""
    ratios = values["against"].get(peer)
    return f"{ratios[kind]:.2f}" if ratios else ""


def footer(outcome: dict, contestants: list[dict]) -> str:
    """Names the contestants that are missing, with reasons, the load meanwhile, and the machine."""
    lines = [f"Not measured: {name}, {why}." for name, why in outcome["absent"].items()]
    others = [part for each in contestants for part in each["others"]]
    if others:
        lines.append(
            f"Other programs used {np.mean(others):.0%} of the cores meanwhile, in the worst turn "
            f"{max(others):.0%}."
        )
    lines.append(", ".join(f"{name} {value}" for name, value in outcome["machine"].items()))
    return "\n\n".join(lines)


def parse_flags(
    description: str, rounds: int, packages: tuple[str, ...]
) -> tuple[argparse.Namespace, dict]:
    """Parses the flags that every contest has, and describes the machine."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="tiny; its ratios mean nothing")
    parser.add_argument("--rounds", type=int, default=rounds, help="turns of each (%(default)s)")
    parser.add_argument("--cores", type=int, default=2, help="that each may use (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the results here too")
    parser.add_argument("--other", help="also ours by this Python, which has other packages")
    flags = parser.parse_args()
    return flags, machine.describe(packages, flags.cores)


def publish(outcome: dict, text: str, path: Path | None) -> None:
    """Prints the table, and writes the JSON if asked."""
    print(text, flush=True)
    if path:
        path.write_text(json.dumps(outcome, indent=2) + "\n")
