"""The table and the figure of benchmarks/conditioning.py."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

PANELS = {
    "mse": "MSE (squared BDI-II points)",
    "partition_loss": "partition loss",
    "grad_norm/trunk": "gradient norm, trunk",
    "grad_norm/mab": "gradient norm, MAB",
    "largest_share": "largest share of the softmax over heads",
    "head_spread": "spread of the heads",
}
LINEAR = ("largest_share",)


def table(results: list[dict]) -> str:
    """Gives the lines of results.jsonl as Markdown."""
    columns = [
        *results[0]["factors"],
        "gradient norm, first ten steps",
        "MSE, last epoch",
        "partition loss, first ten",
        "last epoch",
        "largest share, first ten",
        "last epoch",
        "spread of heads, first ten",
        "last epoch",
        "validation MAE",
    ]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for result in results:
        epoch = result["steps_per_epoch"]
        first = {name: np.mean(values[:10]) for name, values in result["steps"].items()}
        last = {name: np.mean(values[-epoch:]) for name, values in result["steps"].items()}
        cells = [
            *result["factors"].values(),
            f"{first['grad_norm']:,.0f}",
            f"{last['mse']:.0f}",
            *(
                f"{mean[name]:.2f}"
                for name in ("partition_loss", "largest_share", "head_spread")
                for mean in (first, last)
            ),
            f"{result['validation_mae']:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(results: list[dict], path: Path) -> None:
    """Draws what happens over the steps, without warm-up and clipping, into a PNG.

    Args:
      results: lines of results.jsonl.
      path: of the PNG.
    """
    shown = [each for each in results if list(each["factors"].values())[2:] == ["no", "no"]]
    figure = Figure(figsize=(9, 8), dpi=110, layout="constrained")
    for axes, (name, title) in zip(figure.subplots(3, 2).flat, PANELS.items(), strict=True):
        for result in shown:
            reduce, norm = list(result["factors"].values())[:2]
            values = np.array(result["steps"][name])
            axes.plot(
                np.arange(1, len(values) + 1),
                values,
                color={"sum": "C3", "mean": "C0"}[reduce],
                linestyle={"no": ":", "yes": "-"}[norm],
                linewidth=1.3,
                label=f"{reduce}, {'with' if norm == 'yes' else 'no'} output norm",
            )
        axes.set_yscale("linear" if name in LINEAR else "log")
        axes.set_title(title, fontsize="medium")
        axes.grid(alpha=0.3)
    for axes in figure.axes[-2:]:
        axes.set_xlabel("step")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(path)
