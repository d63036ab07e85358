"""Check of a folder of recordings before a long job is started on it."""

import contextlib
import dataclasses
import json
import statistics
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from hmhn_jax.base import files
from hmhn_jax.base.errors import UsageError, UserError, one_line
from hmhn_jax.base.progress import track
from hmhn_jax.faces.crop import part_notes
from hmhn_jax.faces.media.probe import Header, probe
from hmhn_jax.faces.media.video import VideoError
from hmhn_jax.input_pipeline import doctor_scores, doctor_tables, doctor_warnings
from hmhn_jax.input_pipeline.dataset import DATASET, manual_directory
from hmhn_jax.recordings import avec, scale_fit, sources
from hmhn_jax.recordings.avec import AvecSettings
from hmhn_jax.recordings.avec_labels import disagreements
from hmhn_jax.recordings.recording import SPLITS, WHOLE, Found, Recording
from hmhn_jax.recordings.subjects import in_several_splits

PROBES_AT_ONCE = 8  # they wait for the disk more than they compute


def examine(
    settings: ConfigDict, workdir: Path, command: Sequence[str] = ("python", "run.py")
) -> None:
    """Checks the recordings of `config.data`, prints tables, and writes DIR/doctor.json.

    The dataset need not be prepared. From the command of this run that to run next is made. Raises
    UsageError when the dataset has no recordings to look at, UserError when no training on them
    would come to its end; all else is only reported.
    """
    builder_config = _builder_config(settings.dataset)
    manual_dir = manual_directory(settings)
    videos = sources.with_choices(builder_config.videos, settings)
    found = sources.find(videos, manual_dir)
    root = sources.find_root(videos, manual_dir)
    report = {"dataset": settings.dataset, "folder": str(root)}
    report |= describe(found, builder_config.videos, manual_dir)
    report["problems"] += _unusable(report, settings, builder_config.max_failed_share)
    of_build: list[str] = []
    if not report["problems"]:
        of_build, report["problems"] = doctor_warnings.of_build(settings)
    of_videos = doctor_warnings.of_videos(report["videos"], builder_config.crops)
    of_study = doctor_warnings.of_study(report["videos"], settings.test_split)
    of_scale = [] if found.question else scale_fit.warnings(found.recordings, found.scale)
    report["warnings"] = list(dict.fromkeys([*of_scale, *of_study, *of_videos, *of_build]))
    path = Path(workdir) / "doctor.json"
    files.write_text(path, json.dumps(report, indent=2) + "\n")
    doctor_tables.show(report)
    print(one_line(f"written: {path}"))
    print(one_line(doctor_warnings.next_command(command, not report["problems"])), flush=True)
    if report["problems"]:
        rest = len(report["problems"]) - 1
        more = f" (and {rest} more in {path})" if rest else ""
        raise UserError(f"not usable: {report['problems'][0]}{more}")


def describe(found: Found, source: sources.RealSettings, manual_dir: Path) -> dict[str, Any]:
    """Collects everything that the doctor finds, as JSON values.

    Returns:
      counts: {split: {task: videos}}, expected: the same of the release, or None.
      scale, severities, histogram: from `doctor_scores.describe`.
      subjects: {split: people}, subjects_in_two_splits: {subject: splits}.
      correlations: {task: Pearson's r of length with score, None for fewer than 3 videos}.
      years_differ: of AVEC 2013 and 2014, if both are there, see `avec_labels.disagreements`.
      videos: a dictionary a video, with its header's `duration_s`, `fps`, ... or `unreadable`.
      facts, problems: as in `Found`.
    """
    videos = _videos(found)
    expected = None
    if isinstance(source, AvecSettings):
        released = avec.RELEASED_PER_TASK.items()
        expected = {split: dict.fromkeys(avec.TASKS[source.year], n) for split, n in released}

    def count(split, name):
        return Counter(each[name] for each in videos if each["split"] == split)

    return {
        "counts": {split: dict(sorted(count(split, "task").items())) for split in SPLITS},
        "expected": expected,
        **doctor_scores.describe(found.recordings, found.scale),
        "subjects": {split: len(count(split, "subject_id")) for split in SPLITS},
        "subjects_in_two_splits": in_several_splits(found.recordings),
        "correlations": _correlations(videos),
        "years_differ": _years_differ(found, source, manual_dir),
        "videos": videos,
        "facts": list(found.facts),
        "problems": [*filter(None, [found.question]), *found.problems],
    }


def _builder_config(dataset: str) -> Any:
    import tensorflow_datasets as tfds

    known = tfds.builder_cls(DATASET).builder_configs
    config = known.get(dataset.removeprefix(f"{DATASET}/").split(":")[0])
    if config is None or config.is_synthetic:
        real = ", ".join(f"{DATASET}/{name}" for name in known if not known[name].is_synthetic)
        raise UsageError(
            f"--mode doctor looks at recordings: config.data.dataset must be one of {real}, got "
            f"{dataset!r}"
        )
    return config


def _videos(found: Found) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(PROBES_AT_ONCE) as threads:
        probed = threads.map(_probe, found.recordings)
        headers = list(track(probed, "opening videos", total=len(found.recordings)))
    return [
        dataclasses.asdict(recording)
        | {"path": recording.file, "severity": found.scale.band_name(recording.score)}
        | {"details": found.details.get(recording.video_id, {})}
        | (dataclasses.asdict(header) if isinstance(header, Header) else {"unreadable": header})
        for recording, header in zip(found.recordings, headers, strict=True)
    ]


def _probe(recording: Recording) -> Header | str:
    """Of a recording that is a part of its file, the duration is the part's."""
    try:
        header = probe(recording.path)
    except VideoError as error:
        return error.reason
    duration_s = header.duration_s
    if recording.part == WHOLE or duration_s is None:
        return header
    length_s = min(duration_s, recording.end_s or duration_s) - recording.start_s
    if length_s <= 0:
        return f"has no frames from {recording.start_s:g} s on; it ends at {duration_s:.1f} s"
    notes = (*header.notes, *part_notes(recording.part, duration_s))
    return dataclasses.replace(header, duration_s=length_s, notes=notes)


def _correlations(videos: list[dict]) -> dict[str, float | None]:
    """Correlates length with score over the training videos, the only ones a model learns from."""
    correlations: dict[str, float | None] = {}
    for task in sorted({each["task"] for each in videos}):
        of_task = [each for each in videos if each["task"] == task and each["split"] == "train"]
        known = [each for each in of_task if each.get("duration_s")]
        lengths, scores = ([each[name] for each in known] for name in ("duration_s", "score"))
        correlations[task] = None
        if len(known) >= 3:
            with contextlib.suppress(statistics.StatisticsError):  # of what does not vary
                correlations[task] = statistics.correlation(lengths, scores)
    return correlations


def _years_differ(found: Found, source: sources.RealSettings, manual_dir: Path) -> list[dict]:
    if not isinstance(source, AvecSettings):
        return []
    try:
        other_year = 2013 if source.year == 2014 else 2014
        other_root = sources.find_root(AvecSettings(other_year), manual_dir)
    except sources.NoDataError:
        return []
    if other_root == manual_dir:  # there is one release only, and it is this one
        return []
    scores = {found.details[each.video_id]["session"]: each.score for each in found.recordings}
    return disagreements(scores, other_root)


def _unusable(report: dict, settings: ConfigDict, max_failed_share: float) -> list[str]:
    """Lists the reasons why training on these videos, or building them, cannot succeed."""
    reasons = []
    unreadable = [each for each in report["videos"] if "unreadable" in each]
    if len(unreadable) > max_failed_share * len(report["videos"]):
        first = unreadable[0]
        reasons.append(
            f"{len(unreadable)} of {len(report['videos'])} videos are unreadable, allowed are "
            f"{max_failed_share:.0%}: {first['path']}: {first['unreadable']}"
        )
    readable = {each["split"] for each in report["videos"] if "unreadable" not in each}
    if report["problems"]:  # what they are of may be in the splits that seem empty
        return reasons
    for field in ("train_split", "validation_split", "test_split"):
        for split in filter(None, settings[field].split("+")):
            if split in SPLITS and split not in readable:
                reasons.append(
                    f"config.data.{field}={settings[field]} needs videos in {split}, got none"
                )
    return reasons
