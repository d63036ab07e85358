"""Evaluation of trained networks on a split: scores of its videos, errors, report."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from hmhn_jax import config as config_lib
from hmhn_jax.base import pseudonyms
from hmhn_jax.evaluation import output
from hmhn_jax.evaluation.anonymity import hide_names
from hmhn_jax.evaluation.occlusion import occlusion_check
from hmhn_jax.evaluation.output import Evaluation
from hmhn_jax.evaluation.protocols import errors, evaluate_protocols
from hmhn_jax.evaluation.report import faces, page
from hmhn_jax.input_pipeline.crops import read_crops, share_examples
from hmhn_jax.prediction import attention, ensemble
from hmhn_jax.runtime import devices, processes
from hmhn_jax.workdir import scalars, stored_config, versions


def evaluate(
    config: ConfigDict, workdir: Path, builder: Any, split: str, others: Sequence[Path] = ()
) -> dict:
    """Scores a split with the weights of a workdir and writes DIR/evaluation/SPLIT/.

    With other workdirs it is the mean of all, and DIR/evaluation/SPLIT_ensemble/: in addition to
    the single network's results, never in their place.

    Args:
      config: checked; its model must be that of the checkpoint.
      workdir: of a training run.
      builder: the prepared TFDS builder of `config.data`.
      split: which videos.
      others: workdirs whose networks score too.

    Returns:
      The content of metrics.json.

    Raises:
      UserError: there is no checkpoint, or one of another architecture or another scale.
    """
    devices.check_batch_size("evaluate.batch_size", config.evaluate.batch_size)
    members = ensemble.restore(config, [workdir, *others])
    trained_config = stored_config.from_dict(members[0].provenance.config)
    if changed := config_lib.differences(config, trained_config):
        print(f"note: evaluating with a changed config: {'; '.join(changed)}", flush=True)
    evaluation = compute(config, members, builder, split)
    if processes.is_first():
        if config.report.pseudonyms:
            names = pseudonyms.assign(
                workdir / pseudonyms.FILE,
                [(video.subject_id, video.video_id) for video in evaluation.crops.videos],
                earlier=Path(builder.data_path) / pseudonyms.FILE,
            )
            evaluation = hide_names(names, evaluation)
        directory = workdir / "evaluation" / (f"{split}_ensemble" if others else split)
        output.write(directory, evaluation, scalars.read(workdir))
        output.announce(evaluation.results, directory)
    return evaluation.results


def compute(
    config: ConfigDict, members: Sequence[ensemble.Trained], builder: Any, split: str
) -> Evaluation:
    """Computes scores of a split and how good they are; arguments as of `evaluate`."""
    trained, provenance = members[0], members[0].provenance
    crops = read_crops(builder, split, config.data)
    provenance.check_same_scale(crops.scale, config.data.dataset, trained.workdir)
    crops = dataclasses.replace(crops, scale=trained.scale)
    means, member_scores = ensemble.score_videos(members, crops, config.evaluate.batch_size)
    predictions = means.compute(trained.scale)
    protocols = evaluate_protocols(
        crops.videos, predictions, provenance.score_mean, provenance.subject_means
    )
    data = dict(builder.info.metadata)
    results = {
        "dataset": config.data.dataset,
        "split": split,
        "synthetic": bool(data.get("synthetic")),
        "scale": trained.scale.to_json(),
        "notices": _notices(builder, split, config, provenance),
        **protocols["clips"],
        "protocols": protocols,
        **page.describe(crops, predictions, data.get("videos") or {}, config.report.pseudonyms),
        "num_frames": len(crops),
        "num_parameters": sum(leaf.size for leaf in jax.tree.leaves(trained.variables["params"])),
        "checkpoint_step": trained.step,
        "seed": provenance.config["seed"],
        "config": config.to_dict(),
        "data": data,
        "trained": dataclasses.asdict(provenance),
        "versions": versions.installed(),
        "attention_check": occlusion_check(trained, crops, config.evaluate.batch_size),
    }
    if len(members) > 1:
        results["ensemble"] = _describe_members(members, member_scores, crops)
    # What cannot be checked has no heads, or maps of one cell.
    has_maps = results["attention_check"] and config.report.faces
    head_maps = _head_maps(trained, crops, predictions) if has_maps else {}
    return Evaluation(crops, means, results, ensemble.spread(member_scores), head_maps)


def _notices(builder, split, config, provenance):
    """Lists what makes the errors look better than those on new videos would be."""
    if provenance.data.get("fingerprint") != builder.info.metadata.get("fingerprint"):
        return []
    trained = provenance.config["data"]
    if share_examples(builder, split, trained["train_split"]):
        return ["The network was trained on some or all of these videos."]
    chooses = config.evaluate.checkpoint == "best" and trained["validation_split"]
    if chooses and share_examples(builder, split, trained["validation_split"]):
        return ["The checkpoint was chosen by its error on some or all of these videos."]
    return []


def _describe_members(members, member_scores, crops):
    subjects = np.array([video.subject_id for video in crops.videos])
    return {
        "members": [
            each.summary() | errors(scores, crops.scores, subjects, {})
            for each, scores in zip(members, member_scores, strict=True)
        ],
        "mean_members_std": float(ensemble.spread(member_scores).mean()),
    }


def _head_maps(trained, crops, predictions):
    """The heads' maps over the crops that the report shows, by video: a row of crops a head."""
    rows = {}
    for video, indices in faces.worst_crops(crops, predictions).items():
        overlays = attention.overlays(trained, crops.images(indices))
        rows[crops.videos[video].video_id] = overlays.swapaxes(0, 1)
    return rows
