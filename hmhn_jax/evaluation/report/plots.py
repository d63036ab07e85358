"""Figures of results."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmhn_jax.base import fonts
from hmhn_jax.base.scale import Scale


def predicted_against_true(
    path: Path, predictions: np.ndarray, scores: np.ndarray, scale: Scale, title: str
) -> None:
    """Draws one point a video and the line on which they are equal, into a PNG.

    Args:
      path: of the PNG.
      predictions: f[V].
      scores: f[V].
      scale: of both.
      title: above the figure.
    """
    figure = Figure(figsize=(4.6, 4.6), dpi=150, layout="constrained")
    axes = figure.subplots()
    draw_predictions(axes, predictions, scores, scale)
    axes.set_title(title, fontsize="medium", parse_math=False)
    fonts.save(figure, path)


def draw_predictions(axes: Axes, predictions: np.ndarray, scores: np.ndarray, scale: Scale) -> None:
    """Draws one point a video, both f[V], and the line on which prediction and score are equal."""
    margin = 0.02 * scale.span
    limits = (scale.least - margin, scale.greatest + margin)
    axes.plot(limits, limits, color="0.7", linewidth=1)
    axes.scatter(scores, predictions, s=18, alpha=0.7, linewidths=0, rasterized=len(scores) > 1000)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set_xlabel(f"true {scale.name} score", parse_math=False)
    axes.set_ylabel(f"predicted {scale.name} score", parse_math=False)


def sweep(
    path: Path,
    labels: list[str],
    values: dict[str, list[list[float]]],
    paper: dict[str, list[float | None]],
    baselines: dict[str, float],
    scale: Scale,
    title: str,
) -> None:
    """Draws the errors of a sweep's cells, side by side for each kind of error, into a PNG.

    Args:
      path: of the PNG.
      labels: of the C cells.
      values: by error, such as "mae", for each of the C cells one number a seed.
      paper: by error, for each of the C cells the paper's number or None.
      baselines: by error, the number of always predicting the training mean.
      scale: of the errors.
      title: above the figure.
    """
    figure = Figure(figsize=(9, 1.6 + 0.38 * len(labels)), dpi=150, layout="constrained")
    panels = figure.subplots(1, len(values), sharey=True)
    for axes, (name, cells) in zip(panels, values.items(), strict=True):
        for row, (seeds, theirs) in enumerate(zip(cells, paper[name], strict=True)):
            spread = np.std(seeds, ddof=1) if len(seeds) > 1 else 0.0
            axes.errorbar(np.mean(seeds), row, xerr=spread, fmt="o", color="C0", linewidth=2)
            axes.plot(seeds, [row + 0.25] * len(seeds), ".", color="0.5")  # below the mean
            if theirs is not None:
                axes.plot(theirs, row, "D", color="C1", fillstyle="none")
        axes.axvline(baselines[name], color="0.6", linestyle="--", linewidth=1)
        axes.set_xlabel(f"{name.upper()}, {scale.points}", parse_math=False)
        axes.set_xlim(0, 1.05 * max(baselines[name], *axes.get_xlim()))
        axes.set_ylim(-0.5, len(labels) - 0.25)
    panels[0].set_yticks(range(len(labels)), labels)
    panels[0].invert_yaxis()
    # Drawn outside of the data, for the legend alone.
    panels[0].errorbar([], [], xerr=[], fmt="o", color="C0", label="mean and sd over seeds")
    panels[0].plot([], [], ".", color="0.5", label="one seed")
    panels[0].plot([], [], "--", color="0.6", label="always the training mean")
    if any(theirs is not None for name in paper for theirs in paper[name]):
        panels[0].plot([], [], "D", color="C1", fillstyle="none", label="the paper")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.suptitle(title, fontsize="medium")
    fonts.save(figure, path)
