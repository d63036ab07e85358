"""Figures of a prediction: the score over time, and maps over the face."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from ml_collections import ConfigDict

from hmhn_jax.base import files, fonts
from hmhn_jax.base.errors import one_line
from hmhn_jax.base.notices import NOTICE, SYNTHETIC
from hmhn_jax.faces.media.jpeg import decode_crops
from hmhn_jax.prediction import ensemble, occlusion_map
from hmhn_jax.prediction.attention import overlays
from hmhn_jax.prediction.ensemble import Trained
from hmhn_jax.prediction.result import Prediction

LETTERS_AN_INCH = 15  # in the size of the notice


def scores_over_time(path: Path, made: Prediction, synthetic: bool) -> None:
    """Draws the frames' scores of a video, their mean and the bands of the scale, into a PNG.

    Args:
      path: of the PNG.
      made: with a score.
      synthetic: whether the network was trained on synthetic faces, which the figure then says.

    Raises:
      UserError: when it cannot be written.
    """
    figure = Figure(figsize=(8, 3.4), dpi=120, layout="constrained")
    axes = figure.subplots()
    times = [crop.time_s for crop in made.crops]
    scale = made.scale
    for index, band in enumerate(scale.bands):
        low, high = scale.extent(band)
        axes.axhspan(low, high, color="0.85" if index % 2 else "0.95", linewidth=0)
        place = (1.01, (low + high) / 2)
        units = ("axes fraction", "data")
        axes.annotate(band.name, place, xycoords=units, va="center", parse_math=False)
    if len(made.frame_scores) > 1:
        axes.plot(times, made.frame_scores.T, color="C0", alpha=0.25, linewidth=0.8)
    axes.plot(times, made.mean_scores, "o-", color="C0", markersize=3, linewidth=1)
    if made.score is not None:
        axes.axhline(made.score, color="C1", linestyle="--", linewidth=1.2)
    axes.set(ylim=scale.extent(scale), xlabel="time, s")
    axes.set_ylabel(f"{scale.name} score", parse_math=False)
    axes.set_title(_title(made), fontsize="medium", parse_math=False)
    _add_notice(figure, synthetic)
    _save(figure, path)


def attention_sheet(
    path: Path,
    made: Prediction,
    members: Sequence[Trained],
    settings: ConfigDict,
    synthetic: bool,
    caveat: str,
) -> None:
    """Draws maps over the face in the frames of the highest, the median and the lowest score.

    First the heads' maps, then the occlusion map with its colour bar.

    Args:
      path: of the PNG.
      made: with a score.
      members: the networks; the first one's heads are shown.
      settings: `config.evaluate`, for the occlusion maps.
      synthetic: as in `scores_over_time`.
      caveat: what the heads' maps are worth, which the figure says.

    Raises:
      UserError: when it cannot be written.
    """
    chosen = extreme_frames(made.mean_scores)
    crops = [made.crops[frame] for frame in chosen]
    images = decode_crops([crop.jpeg for crop in crops], members[0].image_size)
    falls = occlusion_map.occlusion_maps(ensemble.mean_score(members), images, settings)
    largest = max(float(np.abs(falls).max()), 0.1)
    maps = occlusion_map.overlay(images, falls, largest)[:, None]
    if (heads := overlays(members[0], images)) is not None:
        maps = np.concatenate([heads, maps], axis=1)
    columns = maps.shape[1] + 1
    size = (1.7 * columns + 1.2, 1.75 * len(chosen) + 0.9)
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    grid = figure.subplots(len(chosen), columns, squeeze=False)
    for row, frame, crop, image, overlaid in zip(grid, chosen, crops, images, maps, strict=True):
        for axes, picture in zip(row, (image, *overlaid), strict=True):
            axes.imshow(picture)
            axes.set(xticks=[], yticks=[])
        row[0].set_ylabel(f"{made.mean_scores[frame]:.1f} at {crop.time_s:.1f} s")
    heads_named = (f"head {number}" for number in range(1, columns - 1))
    for axes, name in zip(grid[0], ["face", *heads_named, "hidden"], strict=True):
        axes.set_title(name, fontsize="medium")
    scale = ScalarMappable(Normalize(-largest, largest), occlusion_map.COLOURS)
    figure.colorbar(scale, ax=grid[:, -1], label="points the score falls when hidden")
    figure.suptitle(_title(made), fontsize="medium", parse_math=False)
    _add_notice(figure, synthetic, *([] if heads is None else [caveat]))
    _save(figure, path)


def extreme_frames(scores: np.ndarray) -> list[int]:
    """Returns the frames of the highest, the median and the lowest score, each once."""
    order = np.argsort(-scores, kind="stable").tolist()
    return list(dict.fromkeys([order[0], order[len(order) // 2], order[-1]]))


def _title(made):
    # A file's name may hold anything, such as dollars: they begin no formula.
    band = f" ({made.band})" if made.band else ""
    return f"{one_line(made.path.name)}: {made.score:.1f}{band}"


def _add_notice(figure, synthetic, *others):
    notices = [*others, f"{NOTICE}; {SYNTHETIC}" if synthetic else NOTICE]
    width = int(figure.get_figwidth() * LETTERS_AN_INCH)
    text = "\n".join(textwrap.fill(notice, width) for notice in notices)
    figure.supxlabel(text, fontsize="small", color="0.35")


def _save(figure, path):
    with files.replacing(path) as temporary:
        fonts.save(figure, temporary)
