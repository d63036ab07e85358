"""Results of an evaluation without names, paths and other texts of the user."""

import dataclasses

import numpy as np

from hmhn_jax.base.pseudonyms import Pseudonyms
from hmhn_jax.config import FIELDS
from hmhn_jax.evaluation.output import Evaluation
from hmhn_jax.prediction.video_means import VideoMeans
from hmhn_jax.workdir.provenance import shared_facts

HIDDEN = "(not shown)"
_TEXTS_SHOWN = {
    *(name for name, field in FIELDS.items() if field.choices),
    "data.dataset",
    "data.train_split",
    "data.validation_split",
    "data.test_split",
}


def hide_names(names: Pseudonyms, evaluation: Evaluation) -> Evaluation:
    """Puts pseudonyms in the place of names, in the pseudonyms' order; no number changes.

    A task is left out unless errors are given by it.

    Args:
      names: of all videos.
      evaluation: with names.
    """
    crops, means, results = evaluation.crops, evaluation.means, evaluation.results
    order = names.order([video.video_id for video in crops.videos])
    has_tasks = any(grouping["column"] == "task" for grouping in results["groups"])
    videos = [
        dataclasses.replace(
            video,
            video_id=names.videos[video.video_id],
            subject_id=names.subjects[video.subject_id],
            session_id=names.videos[video.video_id],
            task=video.task if has_tasks else "",
        )
        for video in (crops.videos[index] for index in order)
    ]
    places = np.argsort(order).astype(crops.video_of_crop.dtype)
    baselines = results.get("baselines", {})
    hidden = {"notes": [names.hide(note) for note in baselines.get("notes", ())]}
    results = results | {"baselines": baselines | hidden}
    crops = dataclasses.replace(crops, videos=videos, video_of_crop=places[crops.video_of_crop])
    means = VideoMeans(means.sums[order], means.counts[order], means.squares[order])
    columns = {name: np.array(values)[order] for name, values in evaluation.columns.items()}
    head_maps, falls = (
        {names.videos[video]: maps for video, maps in by_video.items()}
        for by_video in (evaluation.head_maps, evaluation.occlusion_maps)
    )
    return Evaluation(crops, means, _redact(results), columns, head_maps, falls)


def _redact(results):
    trained = dict(results["trained"])
    del trained["subject_means"]
    trained |= {"config": _redact_config(trained["config"]), "data": shared_facts(trained["data"])}
    if trained["init_from"]:
        trained["init_from"] = trained["init_from"] | {"file": HIDDEN}
    changed = {
        "config": _redact_config(results["config"]),
        "data": shared_facts(results["data"]),
        "trained": trained,
    }
    if together := results.get("ensemble"):
        members = [
            member | {"workdir": f"network {number}"}
            for number, member in enumerate(together["members"], 1)
        ]
        changed["ensemble"] = together | {"members": members}
    return results | changed


def _redact_config(config, prefix=""):
    return {
        name: _redact_config(value, f"{prefix}{name}.")
        if isinstance(value, dict)
        else value
        if not value or f"{prefix}{name}" in _TEXTS_SHOWN or _is_numeric(value)
        else HIDDEN
        for name, value in config.items()
    }


def _is_numeric(value):
    if isinstance(value, list | tuple):
        return all(map(_is_numeric, value))
    return isinstance(value, bool | int | float)
