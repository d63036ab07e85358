"""Occlusion check: does hiding what a head attends to change the score more than another region?

A map that looks convincing over a face proves nothing. Here the cells that a head attends to most
are painted over with the crop's mean colour, and the score's change is compared with that when
the same shape is painted elsewhere. A ratio of 1 says that the map points at nothing in particular.
"""

from collections.abc import Callable

import numpy as np

from hmhn_jax.input_pipeline.crops import Crops
from hmhn_jax.prediction import attention, ensemble
from hmhn_jax.prediction.ensemble import Trained
from hmhn_jax.prediction.occlusion_map import mean_colours, paint

TOP_SHARE = 0.2  # of a map's cells, those of the largest values
NUM_DRAWS = 2  # other places a crop and head
NUM_CROPS = 192
NUM_RESAMPLES = 2000
MIN_VIDEOS = 10  # resampling fewer would promise too much


def top_cells(maps: np.ndarray, share: float = TOP_SHARE) -> np.ndarray:
    """Marks the cells of each map's largest values, at least one: f[...,H,W] -> bool[...,H,W]."""
    flat = maps.reshape(*maps.shape[:-2], -1)
    count = max(1, round(share * flat.shape[-1]))
    top = np.argsort(-flat, axis=-1, kind="stable")[..., :count]
    cells = np.zeros(flat.shape, bool)
    np.put_along_axis(cells, top, True, axis=-1)
    return cells.reshape(maps.shape)


def moved(cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Moves each shape bool[N,H,W] to another place, by a random number of cells.

    What leaves on one side comes back on the other, so that every cell is as likely as any
    other. No shift is 0.
    """
    height, width = cells.shape[1:]
    shifts = rng.integers(1, height * width, len(cells))
    pairs = zip(cells, map(int, shifts), strict=True)
    return np.stack([np.roll(each, divmod(shift, width), axis=(0, 1)) for each, shift in pairs])


def hide(images: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Paints cells bool[N,H,W], which divide an image evenly, over with each image's mean colour.

    Images are u8[N,S,S,3], before and after.
    """
    rows, columns = (
        np.arange(side) * count // side
        for side, count in zip(images.shape[1:3], cells.shape[1:], strict=True)
    )
    return paint(images, cells[:, rows[:, None], columns[None, :]], mean_colours(images))


def changes(
    score: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    maps: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Measures how far scores move when each head's top cells, or other cells, are hidden.

    Args:
      score: u8[N,S,S,3] -> f[N].
      images: u8[N,S,S,3].
      maps: f[N,K,H,W] of more than one cell.
      rng: draws the other places.

    Returns:
      f[N,K] twice: absolute changes of the score with the top cells hidden, and the mean of those
      with the shape elsewhere. nan where a map has no differences.
    """
    before, cells = score(images), top_cells(maps)
    # A head that is never active has a map of zeros, which points nowhere.
    points = np.ptp(maps, axis=(2, 3)) > 0
    top, random = np.where(points, 0.0, np.nan), np.where(points, 0.0, np.nan)
    for head in range(maps.shape[1]):
        top[:, head] += np.abs(score(hide(images, cells[:, head])) - before)
        for _ in range(NUM_DRAWS):
            elsewhere = hide(images, moved(cells[:, head], rng))
            random[:, head] += np.abs(score(elsewhere) - before) / NUM_DRAWS
    return top, random


def summarise(
    top: np.ndarray, random: np.ndarray, video_of_crop: np.ndarray, seed: int = 0
) -> dict:
    """Summarises the changes f[N,K] of `changes` for the report; each video counts alike.

    Returns:
      top, random: mean absolute change of the score; None where no map has differences.
      ratio: top / random; None where hiding anything changes nothing.
      ratio_interval: 95 %, percentiles over resampled videos; None like the ratio, or of fewer
        than `MIN_VIDEOS`.
      heads: [{"top", "random", "ratio"}] of each head.
      num_crops, num_videos, top_share.
    """
    of_heads = [
        _means(_per_video(top[:, head, None], random[:, head, None], video_of_crop))
        for head in range(top.shape[1])
    ]
    videos = _per_video(top, random, video_of_crop)
    result = _means(videos)
    interval = None
    if result["ratio"] is not None and len(videos) >= MIN_VIDEOS:
        rng = np.random.default_rng(seed)
        drawn = videos[rng.integers(len(videos), size=(NUM_RESAMPLES, len(videos)))].mean(axis=1)
        # A resample in which nothing changes anything says nothing of the ratio.
        drawn = drawn[drawn[:, 1] > 0]
        interval = np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5]).tolist()
    return {
        "num_crops": len(video_of_crop),
        "num_videos": len(videos),
        "top_share": TOP_SHARE,
        **result,
        "ratio_interval": interval,
        "heads": of_heads,
    }


def _per_video(top, random, video_of_crop):
    """Returns f[V,2], the means of a video's crops and heads; videos without any are left out."""
    pairs = []
    for video in np.unique(video_of_crop):
        of_video = np.stack([top[video_of_crop == video], random[video_of_crop == video]])
        of_video = of_video[:, ~np.isnan(of_video[0])]
        if of_video.size:
            pairs.append(of_video.mean(axis=1))
    return np.reshape(pairs, (-1, 2))


def _means(videos):
    if not len(videos):
        return {"top": None, "random": None, "ratio": None}
    top, random = videos.mean(axis=0).tolist()
    return {"top": top, "random": random, "ratio": top / random if random > 0 else None}


def occlusion_check(
    trained: Trained, crops: Crops, batch_size: int, num_crops: int = NUM_CROPS, seed: int = 0
) -> dict | None:
    """Checks the heads' maps on a split, of which `num_crops` are taken, evenly over all videos.

    Each is scored 1 + K (1 + `NUM_DRAWS`) times, `batch_size` at once, a multiple of the devices.
    See `summarise`; None of a network without heads, or whose maps are a single cell, which happens
    with images of 32 pixels and less.
    """
    cells = (-(-trained.image_size // 32)) ** 2  # the trunk halves the side five times
    if cells < 2:
        return None
    chosen = np.linspace(0, len(crops) - 1, min(num_crops, len(crops))).astype(int)
    rng = np.random.default_rng(seed)

    def score(images):
        return ensemble.score_frames([trained], images)[0]

    parts = []
    for start in range(0, len(chosen), batch_size):
        indices = chosen[start : start + batch_size]
        # The last batch repeats its first crops.
        images = crops.images(np.resize(indices, batch_size))
        head_maps = attention.maps(trained, images)
        if head_maps is None:  # a network without heads
            return None
        found = changes(score, images, head_maps, rng)
        parts.append([each[: len(indices)] for each in found])
    top, random = map(np.concatenate, zip(*parts, strict=True))
    return summarise(top, random, crops.video_of_crop[chosen], seed)
