"""Tests of predictions by a cross-validated workdir: the folds' ensemble, with intervals."""

import csv
import json
import shutil

import numpy as np
import pytest
import skimage.data
import workdirs
from PIL import Image

import hmhn_jax
from hmhn_jax import config as config_lib
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.prediction import conformal, ensemble, predict, residuals
from hmhn_jax.serve.predictor import describe
from hmhn_jax.workdir import partition, stored_config
from hmhn_jax.workdir.people import People

SHIFT = 6.0
NUM_PEOPLE = 40


@pytest.fixture(scope="module")
def config():
    return workdirs.tiny_config()


@pytest.fixture(scope="module")
def validated(tmp_path_factory, config):
    """Makes a cross-validated workdir of two folds: errors of 1 to 40 quarters of a point."""
    workdir = tmp_path_factory.mktemp("validated") / "cv"
    names = [f"p{number:02}" for number in range(NUM_PEOPLE)]
    folds = {
        f"r0f{fold}": People("train", tuple(names[1 - fold :: 2]), (), tuple(names[fold::2]))
        for fold in range(2)
    }
    partition.write(
        partition.Partition("f" * 64, "subject", {name: name for name in names}, folds), workdir
    )
    stored_config.save(config, workdir)
    first, second = partition.read(workdir).workdirs(workdir).values()
    workdirs.make(first, config)
    workdirs.shifted(second, first, SHIFT)
    people = np.arange(NUM_PEOPLE)
    errors = (1 + people) / 4
    unseen = (people % 2)[:, None] == np.arange(2)
    shares = conformal.coverage(errors, people, people % 2)
    found = conformal.Residuals(errors, people, unseen, tuple(folds), 0.0, 63.0, "subject", shares)
    residuals.write(found, workdir)
    return workdir


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("inputs") / "photo.png"
    Image.fromarray(skimage.data.astronaut()).save(path)
    return path


def predicted(config, workdirs, picture, output):
    predict.predict(config, workdirs, str(picture), output)
    with (output / "predictions.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    return row


def test_the_score_is_the_folds_mean_with_the_intervals_of_cv_plus(
    config, validated, picture, tmp_path
):
    row = predicted(config, [validated], picture, tmp_path / "out")
    with (tmp_path / "out" / "frames.csv").open(newline="") as file:
        (frame,) = csv.DictReader(file)
    first, second = float(frame["score_1"]), float(frame["score_2"])
    assert second == pytest.approx(first + SHIFT, abs=1e-3)
    assert float(row["score"]) == pytest.approx((first + second) / 2, abs=1e-3)
    centres = np.array([first, second])[np.arange(NUM_PEOPLE) % 2]
    errors = (1 + np.arange(NUM_PEOPLE)) / 4
    for level, rank in ((80, 33), (95, 39)):  # of 40 people: ceil(0.8 * 41), ceil(0.95 * 41)
        high = np.sort(centres + errors)[rank - 1]
        low = np.sort(centres - errors)[NUM_PEOPLE - rank]
        assert float(row[f"high_{level}"]) == pytest.approx(high, abs=1e-3)
        assert float(row[f"low_{level}"]) == pytest.approx(max(low, 0), abs=1e-3)
    assert row["intervals_held"].startswith("80 % intervals held")
    assert row["intervals_held"].endswith("of 40 groups by subject")
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    assert about["intervals"] == row["intervals_held"]
    assert [each["workdir"][-4:] for each in about["members"]] == ["r0f0", "r0f1"]
    (made,) = hmhn_jax.load(validated).predict(picture)
    for each in made.intervals:
        assert each.low == pytest.approx(float(row[f"low_{100 * each.level:g}"]), abs=1e-3)
        assert each.high == pytest.approx(float(row[f"high_{100 * each.level:g}"]), abs=1e-3)
    assert len(made.intervals) == 2


def test_too_wide_an_interval_gives_the_reason_and_no_score(config, validated, picture, tmp_path):
    wide = config_lib.override(config, {"cv.widest_interval": 40.0})
    assert predicted(wide, [validated], picture, tmp_path / "wide")["score"]
    narrow = config_lib.override(config, {"cv.widest_interval": 10.0})
    row = predicted(narrow, [validated], picture, tmp_path / "narrow")
    assert (row["score"], row["band"], row["low_95"]) == ("", "", "")
    assert row["warnings"].startswith("no score: its 95 % interval ")
    assert "is wider than 10 points (config.cv.widest_interval)" in row["warnings"]


def test_the_page_is_told_of_the_intervals(config, validated, picture):
    members = ensemble.restore(config, [validated])
    found = residuals.read_for(validated, members)
    (made,) = predict.predict_files(members, [picture], 8, 1, residuals=found)
    values = describe(made, members, config.evaluate).values
    levels = [each["level"] for each in values["intervals"]]
    assert levels == [0.8, 0.95]


def test_what_has_no_intervals_is_one_line(config, validated, picture, tmp_path):
    narrow = config_lib.override(config, {"cv.widest_interval": 10.0})
    fold = validated / "folds" / "r0f0"
    with pytest.raises(UsageError, match="for a cross-validated --workdir alone"):
        predict.predict(narrow, [fold], str(picture), tmp_path / "out")
    unfinished = tmp_path / "unfinished"
    shutil.copytree(validated, unfinished)
    (unfinished / residuals.FILE).unlink()
    with pytest.raises(UserError, match="not finished; go on with --mode crossvalidate"):
        predict.predict(config, [unfinished], str(picture), tmp_path / "out")
    with pytest.raises(UserError, match="is cross-validated: use --mode crossvalidate"):
        partition.check_none(validated)
