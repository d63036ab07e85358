"""Plan of a cross-validation: who is in which fold, and the config of each fold."""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from hmhn_jax import config as config_lib
from hmhn_jax.base import files
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.input_pipeline.crops import Video
from hmhn_jax.training.crossvalidation.folds import balanced_folds
from hmhn_jax.workdir import checkpoints, stored_config
from hmhn_jax.workdir import partition as partition_lib
from hmhn_jax.workdir import people as people_lib
from hmhn_jax.workdir.partition import Partition
from hmhn_jax.workdir.people import People

FOLDS_OF_PEOPLE = 5
USED_LATER = ("cv.widest_interval",)  # no fold depends on it
# A fold's workdir names people; the report over all folds has what `report` says. A fold's few test
# people are not enough for an audit.
OF_FOLDS = {"report.faces": False, "report.pseudonyms": False, "evaluate.audit": False}


@dataclasses.dataclass(frozen=True)
class Fold:
    """One fold: an ordinary run with people of its own.

    Attributes:
      name: such as "r0f3".
      config: of the run, checked.
      workdir: of the run.
      people: who is trained on, validated and tested.
    """

    name: str
    config: ConfigDict
    workdir: Path
    people: People


def splits(config: ConfigDict, builder: Any) -> str:
    """Returns the TFDS split that is divided into folds."""
    return config.cv.splits or "+".join(builder.info.splits)


def divide(videos: Sequence[Video], details: Mapping[str, Mapping], config: ConfigDict) -> dict:
    """Divides people into folds, once a repeat.

    Args:
      videos: of all people.
      details: what the dataset knows of videos, by id; `config.cv.group` is one of its columns.
      config: its `cv` says how, and `data.dataset` of what.

    Returns:
      `groups` {subject: group}, and `folds` {"r0f0": (train, validation, test)}, names of
      subjects.

    Raises:
      UsageError: for a column that is not there, or more folds than groups.
      UserError: somebody is in two groups or in none.
    """
    settings = config.cv
    scores = defaultdict(list)
    for video in videos:
        scores[video.subject_id].append(video.score)
    groups = _groups(videos, details, settings.group)
    number = len(set(groups.values()))
    if number < 2:
        raise UsageError(
            f"cross-validation takes two groups or more, got {number} in config.cv.group "
            f"{settings.group!r}"
        )
    by_person = settings.group == "subject"
    num_folds = settings.folds or (min(FOLDS_OF_PEOPLE, number) if by_person else number)
    if not 2 <= num_folds <= number:
        raise UsageError(
            f"config.cv.folds must be from 2 to the number of groups by {settings.group}, "
            f"{number}, got {num_folds}"
        )
    folds = {}
    for repeat in range(settings.repeats):
        seed = settings.seed + repeat
        fold_of = balanced_folds(scores, num_folds, seed, groups)
        for fold in range(num_folds):
            test = sorted(person for person in scores if fold_of[person] == fold)
            rest = {person: scores[person] for person in scores if fold_of[person] != fold}
            validation = _validation(rest, settings.validation_share, seed)
            train = sorted(rest.keys() - validation)
            folds[f"r{repeat}f{fold}"] = (train, sorted(validation), test)
    return {"groups": groups, "folds": folds}


def _groups(videos, details, column):
    if column == "subject":
        return {video.subject_id: video.subject_id for video in videos}
    known = sorted({name for each in details.values() for name in each})
    if column not in known:
        raise UsageError(
            f"config.cv.group must be subject or a column of the dataset "
            f"({', '.join(known) or 'it has none'}), got {column!r}"
        )
    groups = {}
    for video in videos:
        value = str(details.get(video.video_id, {}).get(column) or "").strip()
        if not value:
            raise UserError(f"{video.video_id}: no value in the column {column}")
        if groups.setdefault(video.subject_id, value) != value:
            raise UserError(
                f"{video.subject_id} is in two groups by {column}, {groups[video.subject_id]} and "
                f"{value}: a fold would be tested on people it has seen"
            )
    return groups


def _validation(scores, share, seed):
    """Draws people as one more balanced fold of those that are not tested."""
    if not share or len(scores) < 2:
        return set()
    num_folds = min(max(2, round(1 / share)), len(scores))
    fold_of = balanced_folds(scores, num_folds, seed)
    return {person for person in scores if fold_of[person] == 0}


def prepare(
    config: ConfigDict, workdir: Path, videos: Sequence[Video], metadata: Mapping, splits: str
) -> list[Fold]:
    """Divides people once for all starts in a workdir, and makes the folds' workdirs.

    Args:
      config: of the cross-validation, checked.
      workdir: of the cross-validation; gets config.json, folds.json and folds/NAME/people.json.
      videos: of all people.
      metadata: of the dataset.
      splits: of the dataset, that were read.

    Raises:
      UserError: the workdir is of another cross-validation, or of other data.
    """
    fingerprint = metadata.get("fingerprint", "")
    partition = partition_lib.read(workdir)
    if partition is None:
        if checkpoints.exist(workdir):
            raise UserError(f"{workdir} holds a single run; use another --workdir")
        divided = divide(videos, metadata.get("videos") or {}, config)
        people = {
            name: People(splits, *map(tuple, parts)) for name, parts in divided["folds"].items()
        }
        partition = Partition(fingerprint, config.cv.group, divided["groups"], people)
        stored_config.save(config, workdir)
        partition_lib.write(partition, workdir)
    elif partition.fingerprint != fingerprint:
        raise UserError(
            f"{workdir} was begun with other data (fingerprint {partition.fingerprint}) than are "
            f"in {config.data.dataset} now ({fingerprint}); use another --workdir"
        )
    stored = stored_config.load(workdir)
    changed = config_lib.differences(config, stored) if stored else []
    if changed := [line for line in changed if not line.startswith(USED_LATER)]:
        raise UserError(
            f"{workdir} is of another cross-validation: {'; '.join(changed)}; use another --workdir"
        )
    stored_config.save(config, workdir)
    folds = [
        Fold(name, fold_config(config, own, repeat_of(name)), folder, own)
        for (name, own), folder in zip(
            partition.folds.items(), partition.workdirs(workdir).values(), strict=True
        )
    ]
    for fold in folds:
        if not (fold.workdir / people_lib.FILE).exists():
            files.write_bytes(fold.workdir / people_lib.FILE, fold.people.content())
    return folds


def repeat_of(name: str) -> int:
    """Returns the repeat of a fold's name: 1 of "r1f3"."""
    return int(name[1:].split("f")[0])


def fold_config(config: ConfigDict, people: People, repeat: int) -> ConfigDict:
    """Returns the config of an ordinary run on a fold's people."""
    fields = {
        **{name: field.default for name, field in config_lib.FIELDS.items() if name[:3] == "cv."},
        **OF_FOLDS,
        "seed": config.seed + repeat,
        "data.people": people.sha256(),
        "data.train_split": "train",
        "data.validation_split": "validation" if people.validation else "",
        "data.test_split": "test",
    }
    if people.validation:
        fields["evaluate.checkpoint"] = "best"
    changed = config_lib.override(config, fields)
    config_lib.check(changed)
    return changed
