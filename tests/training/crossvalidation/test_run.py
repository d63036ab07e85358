"""Whole cross-validations of small networks, on a dataset with planted identity."""

import csv
import json
import shutil

import coded_faces
import jax
import numpy as np
import pytest

from configs import default
from hmhn_jax import config as config_lib
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.evaluation.evaluate import evaluate
from hmhn_jax.input_pipeline.crops import read_crops
from hmhn_jax.prediction import conformal, ensemble
from hmhn_jax.training.crossvalidation import compare, plan
from hmhn_jax.training.crossvalidation.run import crossvalidate
from hmhn_jax.training.train import train
from hmhn_jax.workdir import partition, stored_config

NO_AUGMENTATION = {
    "augment.flip": False,
    **dict.fromkeys(
        [f"augment.{name}" for name in ("rotation", "zoom", "shift")]
        + [f"augment.{name}" for name in ("brightness", "contrast", "saturation")],
        0.0,
    ),
}
CONFIG = config_lib.override(
    config_lib.complete(default.get_config()),
    NO_AUGMENTATION
    | {
        "data.image_size": coded_faces.SIDE,
        "model.width": 8,
        "model.use_gwa": False,
        "model.use_dff": False,
        "model.use_mab": False,
        "model.dropout_rate": 0.0,
        "train.batch_size": 16,
        "train.num_epochs": 40,
        "train.checkpoint_every_epochs": 40,
        "evaluate.batch_size": 16,
        "report.faces": False,
        "cv.folds": 2,
    },
)


def run_here(builder):
    """Gives what does a fold's run, in this process: another one takes ten seconds to start."""

    def run(workdir, mode="train_and_evaluate"):
        config = stored_config.load(workdir)
        if mode != "evaluate":
            train(config, workdir, builder)
        if mode != "train":
            evaluate(config, workdir, builder, "test")

    return run


def crossvalidate_here(config, workdir, builder, **options):
    run = run_here(builder)
    for name in ("r0f0", "r0f1"):
        crossvalidate(config, workdir, builder, run, only=name)
    crossvalidate(config, workdir, builder, run, **options)


@pytest.fixture(scope="module")
def validated(people, tmp_path_factory):
    """Cross-validates by subject."""
    workdir = tmp_path_factory.mktemp("subjects") / "cv"
    crossvalidate_here(CONFIG, workdir, people)
    return workdir


def metrics(workdir):
    return json.loads((workdir / "evaluation" / "out-of-fold" / "metrics.json").read_text())


def rows(workdir):
    path = workdir / "evaluation" / "out-of-fold" / "predictions.csv"
    with path.open() as file:
        return list(csv.DictReader(file))


def test_folds_by_clip_look_people_up_and_folds_by_subject_do_not(coded, validated, tmp_path):
    by_clip = tmp_path / "clips"
    crossvalidate_here(CONFIG, by_clip, coded("clips", subject_is_clip=True))
    leaked, honest = metrics(by_clip), metrics(validated)
    assert leaked["num_subjects"] == honest["num_videos"] == 120
    assert honest["num_subjects"] == 20
    assert leaked["mae"] < 0.75 * leaked["baseline_mae"]
    assert honest["mae"] > 0.9 * honest["baseline_mae"]
    assert honest["r2"] < 0.2 < leaked["r2"]


def test_everybody_is_tested_once_by_networks_that_never_saw_them(validated):
    folds = partition.read(validated).folds
    tested = [name for fold in folds.values() for name in fold.test]
    assert sorted(tested) == [f"person{number:02}" for number in range(20)]
    for name, fold in folds.items():
        assert not {*fold.train, *fold.validation} & {*fold.test}
        own = ensemble.restore(stored_config.load(validated), [validated / "folds" / name])
        assert own[0].provenance.subject_means.keys() == {*fold.train}
    table = rows(validated)
    assert len(table) == 120
    assert all(row["subject_id"] in folds[row["fold"]].test for row in table)
    assert {row["repeat"] for row in table} == {"0"}


def test_results_are_those_of_the_folds_with_their_own_baselines(validated):
    results, table = metrics(validated), rows(validated)
    errors = [abs(float(row["prediction"]) - float(row["score"])) for row in table]
    assert results["mae"] == pytest.approx(np.mean(errors), abs=1e-3)
    squares = sum(each**2 for each in errors)
    assert results["r2"] == pytest.approx(1 - squares / (120 * 20**2), abs=1e-3)
    means = {}
    for each in results["crossvalidation"]["folds"]:
        path = validated / "folds" / each["name"] / "evaluation" / "test" / "metrics.json"
        means[each["name"]] = json.loads(path.read_text())["trained"]["score_mean"]
    baseline = [abs(means[row["fold"]] - float(row["score"])) for row in table]
    assert results["baseline_mae"] == pytest.approx(np.mean(baseline))
    assert results["mae_low"] < results["mae"] < results["mae_high"]
    text = (validated / "evaluation" / "out-of-fold" / "report.html").read_text()
    for part in ("Cross-validation", "r0f1", "calibration slope", "Synthetic faces"):
        assert part in text


def test_no_score_of_a_test_person_reaches_its_folds_network(coded, validated, tmp_path):
    workdir = tmp_path / "cv"
    folds = partition.read(validated).folds
    other = dict.fromkeys(folds["r0f0"].test, 60.0)
    for name in (partition.FILE, "config.json"):  # the same division
        workdir.mkdir(exist_ok=True)
        shutil.copyfile(validated / name, workdir / name)
    changed = coded("changed", other_scores=other)
    crossvalidate(CONFIG, workdir, changed, run_here(changed), only="r0f0")
    weights = [
        ensemble.restore(CONFIG, [each / "folds" / "r0f0"])[0].variables
        for each in (validated, workdir)
    ]
    jax.tree.map(np.testing.assert_array_equal, *weights)
    result = json.loads((workdir / "folds/r0f0/evaluation/test/metrics.json").read_text())
    first = json.loads((validated / "folds/r0f0/evaluation/test/metrics.json").read_text())
    assert result["mae"] != first["mae"]  # they are scored by it all the same
    assert result["trained"]["score_mean"] == first["trained"]["score_mean"]


def test_the_networks_together_give_intervals_and_say_that_they_saw_these_people(
    people, validated, capsys
):
    config = stored_config.load(validated)
    result = evaluate(config, validated, people, "train")
    assert result["notices"] == ["The network was trained on some or all of these videos."]
    assert [member["workdir"][-4:] for member in result["ensemble"]["members"]] == ["r0f0", "r0f1"]
    assert [each["level"] for each in result["intervals"]] == list(conformal.LEVELS)
    assert "trained on some" in capsys.readouterr().out


def test_a_fold_is_evaluated_as_any_run(people, validated):
    workdir = validated / "folds" / "r0f0"
    before = (workdir / "evaluation" / "test" / "predictions.csv").read_bytes()
    result = evaluate(stored_config.load(workdir), workdir, people, "test")
    assert not result["notices"]
    assert (workdir / "evaluation" / "test" / "predictions.csv").read_bytes() == before
    with pytest.raises(UserError, match="split 'dev' is not in people"):
        evaluate(stored_config.load(workdir), workdir, people, "dev")


def test_pseudonyms_name_nobody(people, validated):
    config = config_lib.override(CONFIG, {"report.pseudonyms": True})
    crossvalidate(config, validated, people, run_here(people))
    folder = validated / "evaluation" / "out-of-fold"
    assert not any("person0" in path.read_text() for path in folder.glob("*.[hcj]*"))
    assert len({row["fold"] for row in rows(validated)}) == 2
    crossvalidate(CONFIG, validated, people, run_here(people))


def test_a_finished_one_is_only_collected_and_compared(people, validated, tmp_path, capsys):
    other = tmp_path / "other"
    shutil.copytree(validated, other)
    path = other / "folds/r0f0/evaluation/test/predictions.csv"
    with path.open() as file:
        table = list(csv.DictReader(file))
    for row in table:  # half of each error
        row["prediction"] = (float(row["prediction"]) + float(row["score"])) / 2
    with path.open("w") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)

    def never(*_, **__):
        raise AssertionError("nothing is left to run")

    crossvalidate(CONFIG, validated, people, never, other=other)
    result = json.loads((validated / compare.FILE).read_text())
    assert 0 < result["difference_low"] < result["difference"] < result["difference_high"]
    assert "difference +" in capsys.readouterr().out

    divided = partition.read(other)
    first, *rest = divided.folds.values()
    swapped = dict(zip(divided.folds, [*rest, first], strict=True))
    partition.write(
        partition.Partition(divided.fingerprint, "subject", divided.groups, swapped), other
    )
    with pytest.raises(UserError, match="has other folds than"):
        crossvalidate(CONFIG, validated, people, never, other=other)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"cv.group": "clinic"}, UsageError, "takes two groups or more, got 1"),
        ({"cv.group": "age"}, UsageError, r"a column of the dataset \(clinic, site\), got 'age'"),
        ({"cv.folds": 21}, UsageError, "from 2 to the number of groups by subject, 20, got 21"),
        ({"cv.group": "site", "cv.folds": 4}, UsageError, "number of groups by site, 3, got 4"),
        ({"cv.splits": "dev"}, UserError, "split 'dev' is not in coded_faces"),
        ({"cv.search": "/nowhere.py"}, UsageError, "no such file: /nowhere.py"),
    ],
)
def test_what_cannot_be_divided_is_one_line(people, tmp_path, fields, error, message):
    config = config_lib.override(CONFIG, fields)
    with pytest.raises(error, match=message):
        crossvalidate(config, tmp_path / "cv", people, run_here(people))
    assert not (tmp_path / "cv" / "folds").exists()


def test_another_cross_validation_or_fold_is_refused(people, validated):
    for fields in ({"cv.folds": 3}, {"train.num_epochs": 1}):
        with pytest.raises(UserError, match="is of another cross-validation: "):
            crossvalidate(config_lib.override(CONFIG, fields), validated, people, run_here(people))
    with pytest.raises(UsageError, match="--fold must be one of r0f0, r0f1, got 'r9f9'"):
        crossvalidate(CONFIG, validated, people, run_here(people), only="r9f9")


def sites(fields, videos):
    details = {video.video_id: {"site": "ABC"[int(video.subject_id[-2:]) % 3]} for video in videos}
    config = config_lib.override(CONFIG, {"cv.group": "site", "cv.folds": 0} | fields)
    return plan.divide(videos, details, config)


def test_leave_one_site_out(people):
    videos = read_crops(people, "train", CONFIG.data).videos
    divided = sites({}, videos)
    groups = divided["groups"]
    tested = [{groups[name] for name in test} for _, _, test in divided["folds"].values()]
    assert sorted(map(sorted, tested)) == [["A"], ["B"], ["C"]]
    for train_people, validation, test in divided["folds"].values():
        assert validation
        assert len(train_people) + len(validation) + len(test) == 20
    # Of two sites each is trained on once; who validates is drawn from the people of that site.
    two = [video for video in videos if int(video.subject_id[-2:]) % 3 < 2]
    assert len(sites({}, two)["folds"]) == 2
    details = {video.video_id: {"site": "AB"[index % 2]} for index, video in enumerate(videos)}
    with pytest.raises(UserError, match="person00 is in two groups by site, A and B"):
        plan.divide(videos, details, config_lib.override(CONFIG, {"cv.group": "site"}))
    with pytest.raises(UserError, match="person00-0: no value in the column site"):
        plan.divide(
            videos, {"other": {"site": "A"}}, config_lib.override(CONFIG, {"cv.group": "site"})
        )


def test_repeats_divide_and_train_differently(people):
    videos = read_crops(people, "train", CONFIG.data).videos
    folds = plan.divide(videos, {}, config_lib.override(CONFIG, {"cv.repeats": 2}))["folds"]
    assert list(folds) == ["r0f0", "r0f1", "r1f0", "r1f1"]
    assert folds["r0f0"][2] not in (folds["r1f0"][2], folds["r1f1"][2])
