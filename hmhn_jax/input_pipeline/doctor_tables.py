"""Terminal tables of the doctor's report."""

import math
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hmhn_jax.base.errors import one_line

LONGEST_BAR = 30  # letters
LINES_SHOWN = 10  # of facts and the like; the file has all

WIDTH = 110  # columns, at least


def show(report: dict[str, Any]) -> None:
    """Prints the report of `doctor.examine`."""
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, WIDTH)  # into a file nothing need be cut off
    console.print(f"{_escape(report['dataset'])} in {_escape(report['folder'])}")
    console.print(_videos_table(report))
    console.print(_scores_table(report))
    console.print(_histogram(report))
    for task, r in report["correlations"].items():
        if r is not None:
            console.print(f"length and score, {_escape(task)}, train: r = {r:+.2f}")
    sections = {
        "unreadable": [
            f"{each['path']}: {each['unreadable']}"
            for each in report["videos"]
            if "unreadable" in each
        ],
        "other score in the other year's release": [
            f"session {each['session']}: {each['score']:g} here, {each['other_score']:g} in "
            f"{each['other_file']}"
            for each in report["years_differ"]
        ],
        **{name: report[name] for name in ("facts", "warnings", "problems")},
    }
    for title, lines in sections.items():
        if lines:
            console.print(f"{title} ({len(lines)})", style="bold")
        for line in lines[:LINES_SHOWN]:
            console.print(f"  {_escape(line)}")
        if len(lines) > LINES_SHOWN:
            console.print(f"  and {len(lines) - LINES_SHOWN} more in doctor.json")


def _escape(text):
    """Escapes untrusted text, so that neither the terminal nor Rich interprets it."""
    return escape(one_line(text))


def _videos_table(report):
    columns = ("split", "task", "videos", "released", "unreadable", "seconds", "fps", "size")
    table = Table(*columns, title="videos", title_justify="left")
    for split, counts in report["counts"].items():
        released = (report["expected"] or {}).get(split, {})
        for task in sorted({*counts, *released}):
            videos = [
                each for each in report["videos"] if (each["split"], each["task"]) == (split, task)
            ]
            table.add_row(
                split,
                _escape(task),
                str(len(videos)),
                str(released.get(task, "")),
                str(sum("unreadable" in each for each in videos)),
                _range(videos, "duration_s"),
                _range(videos, "fps"),
                _sizes(videos),
            )
    return table


def _scores_table(report):
    severities = map(_escape, report["severities"]["train"])
    columns = ("split", "subjects", *severities, "mean")
    title = f"{_escape(report['scale']['name'])} scores, videos"
    table = Table(*columns, title=title, title_justify="left")
    for split, counts in report["severities"].items():
        scores = [each["score"] for each in report["videos"] if each["split"] == split]
        mean = f"{np.mean(scores):.1f}" if scores else ""
        subjects = str(report["subjects"][split])
        table.add_row(split, subjects, *map(str, counts.values()), mean)
    return table


def _histogram(report):
    table = Table(title="all videos by score", title_justify="left", box=None)
    for name, justify in (("score", "right"), ("videos", "right"), ("", "left"), ("band", "left")):
        table.add_column(name, justify=justify)
    highest = max(part["videos"] for part in report["histogram"])
    for part in report["histogram"]:
        bar = "#" * math.ceil(LONGEST_BAR * part["videos"] / max(highest, 1))
        score = f"{part['least']:.3g} to {part['greatest']:.3g}"
        table.add_row(score, str(part["videos"]), bar, _escape(", ".join(part["bands"])))
    return table


def _range(videos, name):
    """Formats minimum, median and maximum, or the one value that all have."""
    values = [each[name] for each in videos if each.get(name)]
    if not values:
        return ""
    least, median, most = (f"{value:.3g}" for value in np.percentile(values, [0, 50, 100]))
    return least if least == most else f"{least} to {most}, median {median}"


def _sizes(videos):
    sizes = {(each["width"], each["height"]) for each in videos if "width" in each}
    shown = ", ".join(f"{width}x{height}" for width, height in sorted(sizes)[:2])
    return shown + (f" and {len(sizes) - 2} more" if len(sizes) > 2 else "")
