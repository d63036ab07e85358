"""Table and figure of a sweep: mean and standard deviation over seeds."""

import csv
import dataclasses
import statistics
from pathlib import Path

from hmhn_jax.base import files, scales
from hmhn_jax.evaluation.report import plots

ERRORS = ("mae", "rmse")
COLUMNS = [f"{name}_{what}" for what in ("mean", "sd", "paper") for name in ERRORS]


@dataclasses.dataclass(frozen=True)
class Cell:
    """The variation of one row of the table.

    Attributes:
      name: short; names its folder.
      label: what is varied, in words.
      set: the config fields it changes, {"model.num_heads": 2}.
      paper: (MAE, RMSE) that the paper has for it, by dataset: {"avec2014": (6.01, 7.60)}.
    """

    name: str
    label: str
    set: dict
    paper: dict[str, tuple[float, float]]


@dataclasses.dataclass(frozen=True)
class Row:
    """A cell, and what metrics.json holds for each seed that is finished."""

    cell: Cell
    results: list[dict]

    def values(self, name: str) -> list[float]:
        """Returns one number for each seed, such as its "mae"."""
        return [result[name] for result in self.results]

    def numbers(self) -> dict[str, float | None]:
        """Returns the `COLUMNS`, None where there is no number.

        The deviation is the sample's, from two seeds on; the paper's numbers are of the same data.
        """
        first = self.results[0] if self.results else {"dataset": ""}
        paper = self.cell.paper.get(first["dataset"].removeprefix("avec_faces/"), (None, None))
        numbers: dict[str, float | None] = {}
        for name, of_paper in zip(ERRORS, paper, strict=True):
            values = self.values(name)
            numbers[f"{name}_mean"] = statistics.fmean(values) if values else None
            numbers[f"{name}_sd"] = statistics.stdev(values) if len(values) > 1 else None
            numbers[f"{name}_paper"] = of_paper
        return numbers


def write(workdir: Path, title: str, rows: list[Row], num_seeds: int, command: str) -> None:
    """Writes table.md, table.csv and figure.png of the runs that are finished.

    A whole row has `num_seeds` runs; `command` is the one that makes the table.
    """
    files.write_text(workdir / "table.md", markdown(title, rows, num_seeds, command))
    with files.replacing(workdir / "table.csv") as path, path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["cell", "label", "num_seeds", *COLUMNS, "seeds", *ERRORS, "scale"])
        for row in rows:
            numbers = [_shown(row.numbers()[column], 4) for column in COLUMNS]
            lists = [" ".join(map(str, row.values(name))) for name in ("seed", *ERRORS)]
            name = scales.of(row.results[0]).name if row.results else ""
            writer.writerow(
                [row.cell.name, row.cell.label, len(row.results), *numbers, *lists, name]
            )
    finished = [row for row in rows if row.results]
    if finished:
        first = finished[0].results[0]
        kind = "\nsynthetic faces, not clinical data" if first["synthetic"] else ""
        with files.replacing(workdir / "figure.png") as path:
            plots.sweep(
                path,
                [row.cell.label for row in finished],
                {name: [row.values(name) for row in finished] for name in ERRORS},
                {name: [row.numbers()[f"{name}_paper"] for row in finished] for name in ERRORS},
                {name: first[f"baseline_{name}"] for name in ERRORS},
                scales.of(first),
                f"{title}: {first['dataset']}, {first['split']}{kind}",
            )


def markdown(title: str, rows: list[Row], num_seeds: int, command: str) -> str:
    """Formats the table and a note on its data."""
    results = [result for row in rows for result in row.results]
    if not results:
        return f"# {title}\n\nNo run is finished.\n"
    columns = ["", "", "MAE", "RMSE", "seeds", "parameters"]
    with_paper = any(row.numbers()["mae_paper"] for row in rows)
    if with_paper:
        columns += ["MAE, paper", "RMSE, paper"]
    lines = [_line(columns), _line(["---"] * len(columns))]
    for row in rows:
        cells, numbers = [row.cell.name, row.cell.label], row.numbers()
        for name in ERRORS:
            mean, deviation = (_shown(numbers[f"{name}_{what}"], 2) for what in ("mean", "sd"))
            cells.append(f"{mean} ± {deviation}" if deviation else mean)
        cells.append(f"{len(row.results)} of {num_seeds}")
        cells.append(f"{row.values('num_parameters')[0] / 1e6:.2f} M" if row.results else "")
        if with_paper:
            cells += [_shown(numbers[f"{name}_paper"], 2) for name in ERRORS]
        lines.append(_line(cells))
    first = results[0]
    return _PAGE.format(
        title=title,
        kind=_SYNTHETIC if first["synthetic"] else "",
        lines="\n".join(lines),
        command=command,
        points=scales.of(first).points,
        fingerprint=first["data"].get("fingerprint"),
        versions=", ".join(f"{name} {version}" for name, version in first["versions"].items()),
        **{name: first[name] for name in _PAGE_RESULTS},
    )


_PAGE_RESULTS = ("dataset", "split", "num_videos", "baseline_mae", "baseline_rmse")
_SYNTHETIC = "**Synthetic faces, not clinical data: the numbers say nothing about patients.**\n\n"
_PAGE = """# {title}

{kind}{lines}

{dataset}, {split} split: {num_videos} videos; mean ± standard deviation over seeds, in
{points}. Always predicting the training mean: MAE {baseline_mae:.2f}, RMSE {baseline_rmse:.2f}.
These are errors on the test split: to choose among the rows, use a validation split.

```
{command}
```

Data: {fingerprint}. {versions}.
"""


def _shown(value, digits):
    return "" if value is None else f"{value:.{digits}f}"


def _line(cells):
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
