"""Evaluation of trained networks on a split: scores of its videos, errors, report."""

import collections
import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from hmhn_jax import config as config_lib
from hmhn_jax.base import pseudonyms
from hmhn_jax.baselines.extract import extract
from hmhn_jax.baselines.video import read_summary
from hmhn_jax.evaluation import baselines, intervals, output
from hmhn_jax.evaluation.anonymity import hide_names
from hmhn_jax.evaluation.audit import identity
from hmhn_jax.evaluation.audit.audit import audit
from hmhn_jax.evaluation.occlusion import occlusion_check
from hmhn_jax.evaluation.output import Evaluation
from hmhn_jax.evaluation.protocols import errors, evaluate_protocols
from hmhn_jax.evaluation.report import faces, page
from hmhn_jax.faces.crop import CropSettings
from hmhn_jax.input_pipeline import split as split_lib
from hmhn_jax.input_pipeline.crops import share_examples
from hmhn_jax.prediction import attention, ensemble, occlusion_map
from hmhn_jax.prediction import residuals as residuals_lib
from hmhn_jax.prediction.conformal import Residuals
from hmhn_jax.runtime import devices, processes
from hmhn_jax.workdir import people as people_lib
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
    residuals = None if others else residuals_lib.read_for(workdir, members)
    trained_config = stored_config.from_dict(members[0].provenance.config)
    changed = config_lib.differences(config, trained_config)
    if changed and members[0].workdir == workdir:  # not a fold's
        print(f"note: evaluating with a changed config: {'; '.join(changed)}", flush=True)
    evaluation = compute(config, members, builder, split, residuals)
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
    config: ConfigDict,
    members: Sequence[ensemble.Trained],
    builder: Any,
    split: str,
    residuals: Residuals | None = None,
) -> Evaluation:
    """Computes scores of a split and how good they are.

    Arguments as of `evaluate`; `residuals`, of a cross-validation, add intervals.
    """
    trained, provenance = members[0], members[0].provenance
    crops = split_lib.read(config, trained.workdir, builder, split)
    provenance.check_same_scale(crops.scale, config.data.dataset, trained.workdir)
    crops = dataclasses.replace(crops, scale=trained.scale)
    means, member_scores = ensemble.score_videos(members, crops, config.evaluate.batch_size)
    predictions = means.compute(trained.scale)
    training_mean = fmean(member.provenance.score_mean for member in members)
    seen = collections.ChainMap(*(dict(each.provenance.subject_means) for each in members))
    protocols = evaluate_protocols(crops.videos, predictions, training_mean, dict(seen))
    data = dict(builder.info.metadata)
    results = {
        "dataset": config.data.dataset,
        "split": split,
        "synthetic": bool(data.get("synthetic")),
        "scale": trained.scale.to_json(),
        "notices": _notices(builder, split, config, members, crops),
        "verdicts": baselines.verdicts(protocols["clips"], predictions, crops.scores),
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
        "audit": _audit(config, builder, members, crops, predictions),
    }
    columns: dict[str, Any] = {}
    if residuals is None:  # the folds have been compared, each with those of its own people
        found, notes = _baselines(config, builder, trained, crops)
        rows = baselines.compare(found, crops.scores, crops.subjects, predictions)
        results["baselines"] = {"rows": rows, "notes": notes}
        columns |= {f"{baselines.COLUMN}{name}": list(each) for name, each in found.items()}
    if len(members) > 1:
        results["ensemble"] = _describe_members(members, member_scores, crops)
        columns["prediction_members_std"] = ensemble.spread(member_scores)
    if residuals is not None:
        results["intervals"] = intervals.held(residuals, member_scores, crops)
        columns |= intervals.columns(residuals, member_scores)
    # What cannot be checked has no heads, or maps of one cell.
    has_maps = results["attention_check"] and config.report.faces
    head_maps = _head_maps(trained, crops, predictions) if has_maps else {}
    falls = _occlusion_maps(config, members, crops, predictions) if config.report.faces else {}
    return Evaluation(crops, means, results, columns, head_maps, falls)


def _baselines(config, builder, trained, crops):
    """Predicts by what is fitted to the same people without a network."""
    if not (config.evaluate.baselines or config.evaluate.features) or not processes.is_first():
        return {}, []
    if trained.provenance.data.get("fingerprint") != builder.info.metadata.get("fingerprint"):
        return {}, ["the network was trained on other data than these"]
    own = stored_config.from_dict(trained.provenance.config).data
    fields = {"data.people": own.people, "data.cache_gib": 0.0}  # each crop is decoded once
    settings = config_lib.override(config, fields)
    train = split_lib.read(settings, trained.workdir, builder, own.train_split)
    return baselines.predict(config, read_summary(builder), train, crops)


def _audit(config, builder, members, crops, predictions):
    if not config.evaluate.audit:
        return None
    tables = extract(["conditions"], crops, read_summary(builder), "recording conditions")
    return audit(
        ensemble.mean_score(members),
        functools.partial(identity.features, members[0]),
        crops,
        predictions,
        tables.get("conditions"),
        padding=builder.info.metadata.get("crops", {}).get("padding", CropSettings.padding),
        limits=crops.scale.ends,
        batch_size=config.evaluate.batch_size,
    )


def _notices(builder, split, config, members, crops):
    """Lists what makes the errors look better than those on new videos would be."""
    people = people_lib.read(config, members[0].workdir)
    split = people.splits if people else split

    def uses(member, name):
        trained = stored_config.from_dict(member.provenance.config)
        if not (own := trained.data[f"{name}_split"]):
            return False
        if (theirs := people_lib.read(trained, member.workdir)) is None:
            return share_examples(builder, split, own)
        seen = {video.subject_id for video in crops.videos} & set(theirs.part(own))
        return bool(seen) and share_examples(builder, split, theirs.splits)

    fingerprint = builder.info.metadata.get("fingerprint")
    members = [each for each in members if each.provenance.data.get("fingerprint") == fingerprint]
    if any(uses(member, "train") for member in members):
        return ["The network was trained on some or all of these videos."]
    if config.evaluate.checkpoint == "best" and any(uses(each, "validation") for each in members):
        return ["The checkpoint was chosen by its error on some or all of these videos."]
    return []


def _describe_members(members, member_scores, crops):
    subjects = crops.subjects
    return {
        "members": [
            each.summary() | errors(scores, crops.scores, subjects, {})
            for each, scores in zip(members, member_scores, strict=True)
        ],
        "mean_members_std": float(ensemble.spread(member_scores).mean()),
    }


def _occlusion_maps(config, members, crops, predictions):
    """The occlusion maps f32[N,S,S] over the crops that the report shows, by video."""
    shown = faces.worst_crops(crops, predictions)
    images = crops.images(np.concatenate(list(shown.values())))
    maps = occlusion_map.occlusion_maps(ensemble.mean_score(members), images, config.evaluate)
    places = np.cumsum([len(indices) for indices in shown.values()])[:-1]
    names = [crops.videos[video].video_id for video in shown]
    return dict(zip(names, np.split(maps, places), strict=True))


def _head_maps(trained, crops, predictions):
    """The heads' maps over the crops that the report shows, by video: a row of crops a head."""
    rows = {}
    for video, indices in faces.worst_crops(crops, predictions).items():
        overlays = attention.overlays(trained, crops.images(indices))
        rows[crops.videos[video].video_id] = overlays.swapaxes(0, 1)
    return rows
