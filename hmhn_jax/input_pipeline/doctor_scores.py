"""Scores as the doctor shows them: how many in each band, and a histogram against the bands."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from hmhn_jax.base.scale import Scale
from hmhn_jax.recordings.recording import SPLITS, Recording

MOST_PARTS = 14  # of a histogram: as many lines of a terminal


def describe(recordings: Sequence[Recording], scale: Scale) -> dict[str, Any]:
    """Describes the scores in JSON values.

    Returns:
      scale: as `Scale.to_json` gives it.
      severities: {split: {band: videos}}.
      histogram: see `histogram`.
    """
    counts = Counter((each.split, scale.band_name(each.score)) for each in recordings)
    return {
        "scale": scale.to_json(),
        "severities": {
            split: {band.name: counts[split, band.name] for band in scale.bands} for split in SPLITS
        },
        "histogram": histogram([each.score for each in recordings], scale),
    }


def histogram(scores: Sequence[float], scale: Scale) -> list[dict[str, Any]]:
    """Counts scores in equal parts of the range.

    Returns:
      For each part `least` and `greatest`, the number of `videos`, and the `bands` that it touches.
    """
    whole = int(scale.whole)
    width = math.ceil((scale.span + 1) / MOST_PARTS) if whole else scale.span / MOST_PARTS
    starts = [
        scale.least + width * part
        for part in range(MOST_PARTS)
        if scale.least + width * part < scale.greatest + whole
    ]
    ends = [*(start - whole for start in starts[1:]), scale.greatest]
    places = np.floor((np.asarray(scores) - scale.least) / width).astype(int)
    counts = np.bincount(np.clip(places, 0, len(starts) - 1), minlength=len(starts))
    return [
        {
            "least": start,
            "greatest": end,
            "videos": int(count),
            "bands": [
                band.name for band in scale.bands if band.least <= end and start <= band.greatest
            ],
        }
        for start, end, count in zip(starts, ends, counts, strict=True)
    ]
