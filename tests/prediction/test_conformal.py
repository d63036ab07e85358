"""Tests of intervals for a person: against the paper's definition, and their coverage."""

import numpy as np
import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.prediction import conformal, residuals
from hmhn_jax.prediction.conformal import Residuals

pytestmark = pytest.mark.pure

SCALE = 1e6  # so that nothing is clipped


def residuals_of(folds, errors, groups=None, greatest=SCALE):
    folds = np.array(folds)
    groups = np.arange(len(errors)) if groups is None else np.array(groups)
    unseen = folds[:, None] == np.arange(folds.max() + 1)
    names = tuple(f"r0f{fold}" for fold in range(folds.max() + 1))
    return Residuals(np.array(errors, float), groups, unseen, names, 0.0, greatest, "subject")


def test_intervals_are_those_of_the_paper():
    # Barber et al. (2021), section 3: order statistics of the centre of i's fold minus, plus R_i.
    rng = np.random.default_rng(0)
    folds, errors = np.arange(59) % 5, rng.gamma(2, 3, 59)
    centres = 500 + rng.normal(0, 2, 5)
    found = residuals_of(folds, errors).intervals(centres[:, None])[0]
    for interval, alpha in zip(found, (0.2, 0.05), strict=True):
        below, above = np.sort(centres[folds] - errors), np.sort(centres[folds] + errors)
        assert interval.low == pytest.approx(below[int(np.floor(alpha * 60 + 1e-9)) - 1])
        assert interval.high == pytest.approx(above[int(np.ceil((1 - alpha) * 60 - 1e-9)) - 1])


def test_a_person_with_many_videos_counts_once():
    errors = np.array([1.0, 2.0, 3.0, 4.0, 50.0])
    once = residuals_of([0, 1, 0, 1, 0], errors).intervals(np.full((2, 1), 100.0))[0]
    often = np.repeat(np.arange(5), [1, 1, 1, 1, 30])
    many = residuals_of(np.array([0, 1, 0, 1, 0])[often], errors[often], often)
    assert many.intervals(np.full((2, 1), 100.0))[0] == once


def test_few_people_give_no_wide_interval_and_the_scale_limits_one():
    levels = [
        [
            each.level
            for each in residuals_of(np.arange(n) % 2, np.ones(n)).intervals(np.ones((2, 1)))[0]
        ]
        for n in (3, 4, 18, 19)
    ]
    assert levels == [[], [0.8], [0.8], [0.8, 0.95]]
    (interval, *_) = residuals_of([0, 1] * 5, np.full(10, 30.0), greatest=63.0).intervals(
        np.array([[50.0], [50.0]])
    )[0]
    assert (interval.low, interval.high) == (20.0, 63.0)


@pytest.mark.parametrize("videos", [1, 3])
def test_coverage_of_new_people(videos):
    # A straight line is fitted in each fold; noise is a person's own, and a video's.
    rng = np.random.default_rng(videos)
    within = []
    for _ in range(150):
        people = np.repeat(np.arange(60), videos)
        x = rng.normal(0, 1, 60)[people]
        y = 3 * x + rng.normal(0, 4, 60)[people] + rng.normal(0, 1, len(people))
        folds = people % 5
        lines = [np.polyfit(x[folds != fold], y[folds != fold], 1) for fold in range(5)]
        predicted = np.array([np.polyval(lines[f], each) for f, each in zip(folds, x, strict=True)])
        residuals = residuals_of(folds, np.abs(y - predicted), people)
        new = rng.normal(0, 1, 40)
        truth = 3 * new + rng.normal(0, 4, 40) + rng.normal(0, 1, 40) + 1000
        scores = np.array([np.polyval(line, new) for line in lines]) + 1000
        for intervals, value in zip(residuals.intervals(scores), truth, strict=True):
            within.append([each.low <= value <= each.high for each in intervals])
    low, high = np.mean(within, axis=0)
    assert 0.76 <= low <= 0.86
    assert 0.92 <= high <= 0.98


def test_coverage_out_of_fold_tells_a_site_that_is_harder():
    rng = np.random.default_rng(0)
    folds = np.arange(300) % 3
    errors = np.abs(rng.normal(0, 1, 300))
    groups = np.arange(300)
    assert conformal.coverage(errors, groups, folds)[0.8] == pytest.approx(0.8, abs=0.05)
    harder = np.where(folds == 0, 10 * errors, errors)
    assert conformal.coverage(harder, groups, folds)[0.95] < 0.85
    assert np.isnan(conformal.coverage(errors[:4], groups[:4], folds[:4])[0.95])


def test_residuals_are_read_back_in_the_order_of_the_networks(tmp_path):
    written = residuals_of([0, 1, 1], [1.0, 2.0, 3.0])
    residuals.write(written, tmp_path)
    read = residuals.read(tmp_path, ["r0f1", "r0f0"])
    np.testing.assert_array_equal(read.unseen, written.unseen[:, ::-1])
    assert (
        read.describe()
        == "how often intervals hold is not known out of fold, of 3 groups by subject"
    )
    (tmp_path / residuals.FILE).write_text("{}")
    with pytest.raises(UserError, match=r"cannot read .*residuals\.json"):
        residuals.read(tmp_path, ["r0f0"])
    (tmp_path / residuals.FILE).unlink()
    with pytest.raises(UserError, match="not finished; go on with --mode crossvalidate"):
        residuals.read(tmp_path, ["r0f0"])
