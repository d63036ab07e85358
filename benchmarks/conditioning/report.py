"""Table and figure of benchmarks/conditioning/__main__.py."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

PANELS = {
    "mse": "MSE (squared BDI-II points)",
    "partition_loss": "partition loss",
    "grad_norm/trunk": "gradient norm, trunk",
    "grad_norm/mab": "gradient norm, MAB",
    "largest_share": "largest share of the softmax over heads",
    "map_overlap": "overlap of the heads' maps",
}
GOAL = 100  # squared BDI-II points; the training scores' variance is larger
LINEAR = ("largest_share", "map_overlap")


def table(results: list[dict]) -> str:
    """Formats results.jsonl as Markdown; a -> b: mean of the first ten steps, of the last ten.

    "Steps to MSE 100" is how many steps it takes until the mean of ten steps lies below.
    """
    lines = []
    for result in results:
        steps = result["steps"]
        changes = {
            name: f"{np.mean(steps[name][:10]):.2f} → {np.mean(steps[name][-10:]):.2f}"
            for name in ("partition_loss", "head_spread", "largest_share", "map_overlap")
        }
        cells = result["factors"] | {
            "gradient norm, first ten steps": f"{np.mean(steps['grad_norm'][:10]):,.0f}",
            f"steps to MSE {GOAL}": str(steps_to_goal(steps["mse"]) or "never"),
            "MSE, last epoch": f"{np.mean(steps['mse'][-result['steps_per_epoch'] :]):.0f}",
            **{name.replace("_", " "): change for name, change in changes.items()},
            "validation MAE": f"{result['validation_mae']:.1f}",
        }
        lines += [] if lines else [f"| {' | '.join(cells)} |", "|---" * len(cells) + "|"]
        lines.append(f"| {' | '.join(cells.values())} |")
    return "\n".join(lines)


def steps_to_goal(mse: list[float]) -> int | None:
    """Returns after how many steps the mean MSE of the last ten is below the goal, or None."""
    if len(mse) < 10:
        return None
    below = np.convolve(mse, np.full(10, 0.1), mode="valid") < GOAL
    return int(np.argmax(below)) + 10 if below.any() else None


def draw(results: list[dict], path: Path) -> None:
    """Draws the curves over steps, without warm-up and clipping, into a PNG.

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
