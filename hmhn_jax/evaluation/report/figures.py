"""Figures of a report, as SVG in data URIs."""

import base64
import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib import ticker
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from hmhn_jax.base.scale import Scale
from hmhn_jax.evaluation.report.plots import draw_predictions
from hmhn_jax.prediction import occlusion_map

# In inches: about as wide as a phone shows them, so that their letters keep their size there.
_WIDTH, _HEIGHT = 4.4, 4.2


def predictions(predictions: np.ndarray, scores: np.ndarray, scale: Scale) -> str:
    """Draws predicted against true score; both f[V]."""
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    draw_predictions(figure.subplots(), predictions, scores, scale)
    return _data_uri(figure)


def calibration(predictions: np.ndarray, scores: np.ndarray, slope: float, start: float) -> str:
    """Draws the true score over the prediction, the line that fits it, and means of fifths.

    Args:
      predictions: f[V].
      scores: f[V].
      slope: of the line.
      start: where it meets a prediction of 0.
    """
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = figure.subplots()
    ends = np.array([predictions.min(), predictions.max()])
    axes.plot(ends, ends, color="0.7", linewidth=1)
    axes.plot(ends, start + slope * ends, color="C1", linewidth=1.3)
    many = len(scores) > 1000
    axes.scatter(predictions, scores, s=12, alpha=0.35, linewidths=0, rasterized=many)
    fifths = [
        each for each in np.array_split(np.argsort(predictions, kind="stable"), 5) if len(each)
    ]
    means = np.array(
        [[values[fifth].mean() for values in (predictions, scores)] for fifth in fifths]
    )
    axes.plot(*means.T, "D", color="C1", fillstyle="none")
    axes.set(xlabel="predicted score", ylabel="true score")
    return _data_uri(figure)


def differences(predictions: np.ndarray, scores: np.ndarray, limits: dict) -> str:
    """Draws Bland and Altman's figure.

    Args:
      predictions: f[V].
      scores: f[V].
      limits: from `agreement.limits_of_agreement`.
    """
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color="0.7", linewidth=1)
    for name, style in (("bias", "-"), ("limit_low", "--"), ("limit_high", "--")):
        if limits[name] is not None:
            axes.axhline(limits[name], color="C1", linestyle=style, linewidth=1)
    means, apart = (predictions + scores) / 2, predictions - scores
    many = len(scores) > 1000
    axes.scatter(means, apart, s=18, alpha=0.7, linewidths=0, rasterized=many)
    axes.set(xlabel="mean of predicted and true score", ylabel="predicted minus true score")
    return _data_uri(figure)


def colour_bar(largest: float) -> str:
    """Draws the colours of occlusion maps, from -largest to largest points."""
    figure = Figure(figsize=(_WIDTH, 0.7), layout="constrained")
    scale = ScalarMappable(Normalize(-largest, largest), occlusion_map.COLOURS)
    label = "points that the score falls when the place is hidden"
    figure.colorbar(scale, cax=figure.subplots(), orientation="horizontal", label=label)
    return _data_uri(figure)


def training(scalars: Sequence[dict[str, float]], chosen_step: int) -> str | None:
    """Draws training loss and validation MAE over steps; None where nothing was written.

    Args:
      scalars: from `scalars.read`.
      chosen_step: of the checkpoint, which is marked.
    """
    curves = {}
    for name in ("loss", "validation_mae"):
        points = [(each["step"], each[name]) for each in scalars if name in each]
        if points:
            curves[name] = np.array(points).T
    if not curves:
        return None
    figure = Figure(figsize=(_WIDTH, 1.9 * len(curves) + 0.4), layout="constrained")
    panels = figure.subplots(len(curves), sharex=True, squeeze=False)[:, 0]
    labels = {"loss": "training loss", "validation_mae": "validation MAE"}
    for axes, (name, (steps, values)) in zip(panels, curves.items(), strict=True):
        axes.plot(steps, values, "." if len(steps) == 1 else "-", linewidth=1.3)
        axes.axvline(chosen_step, color="0.6", linestyle="--", linewidth=1)
        axes.set_ylabel(labels[name])
        if name == "loss" and values.min() > 0:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter(ticker.NullFormatter())
        else:
            axes.set_ylim(bottom=0)
    panels[-1].set_xlabel("step")
    return _data_uri(figure)


def _data_uri(figure):
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="0.92", linewidth=0.8)
        axes.set_axisbelow(True)
    content = io.BytesIO()
    # Equal results give equal files: no date, no random ids.
    with matplotlib.rc_context({"svg.hashsalt": "report"}):
        figure.savefig(content, format="svg", dpi=150, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(content.getvalue()).decode()
