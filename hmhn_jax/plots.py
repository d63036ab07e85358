"""Figures of results."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from hmhn_jax.bdi import MAX_SCORE


def predicted_against_true(
    path: Path, predictions: np.ndarray, scores: np.ndarray, title: str
) -> None:
    """Draws one point a video and the line on which they are equal, into a PNG.

    Args:
      path: of the PNG.
      predictions: f[V] in BDI-II points.
      scores: f[V] in BDI-II points.
      title: above the figure.
    """
    figure = Figure(figsize=(4.6, 4.6), dpi=150, layout="constrained")
    axes = figure.subplots()
    limits = (-1, MAX_SCORE + 1)
    axes.plot(limits, limits, color="0.7", linewidth=1)
    axes.scatter(scores, predictions, s=18, alpha=0.7, linewidths=0)
    axes.set(xlim=limits, ylim=limits, aspect="equal", title=title)
    axes.set(xlabel="true BDI-II score", ylabel="predicted BDI-II score")
    axes.title.set_fontsize("medium")
    figure.savefig(path)
