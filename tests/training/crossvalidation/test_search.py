"""Tests of what is run, in which order and again, with stand-ins for the runs."""

import json
import os

import fold_runs
import pytest

from configs import default
from hmhn_jax import config as config_lib
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.training.crossvalidation.run import crossvalidate

CONFIG = config_lib.override(
    config_lib.complete(default.get_config()), {"data.image_size": 32, "report.faces": False}
)
SEARCH = "def get_config():\n    return {'optimizer.learning_rate': (0.1, 0.2)}\n"


def metrics(workdir):
    return json.loads((workdir / "evaluation" / "out-of-fold" / "metrics.json").read_text())


def test_a_failed_fold_stops_no_other_and_is_tried_again(people, tmp_path, capsys):
    config = config_lib.override(CONFIG, {"cv.folds": 3})
    with pytest.raises(UserError) as error:
        crossvalidate(config, tmp_path, people, fold_runs.run_others)
    message = str(error.value)
    assert message.startswith("2 of 3 folds failed; the same command tries them again: r0f0: exp")
    assert "r0f1: its process was ended from outside" in message
    assert not (tmp_path / "evaluation").exists()
    (done,) = tmp_path.glob("folds/*/process.txt")
    assert done.parent.name == "r0f2"
    before = done.read_text()
    assert before != str(os.getpid())

    crossvalidate(config, tmp_path, people, fold_runs.run)
    assert done.read_text() == before
    assert metrics(tmp_path)["mae"] == pytest.approx(20)
    assert not list(tmp_path.glob("folds/*.npy"))
    assert "fold 3/3: r0f1, " in capsys.readouterr().out


def test_each_fold_chooses_by_its_own_validation(people, tmp_path):
    path = tmp_path / "rates.py"
    path.write_text(SEARCH)
    config = config_lib.override(CONFIG, {"cv.folds": 2, "cv.search": str(path)})
    crossvalidate(config, tmp_path / "cv", people, fold_runs.run)
    folds = metrics(tmp_path / "cv")["crossvalidation"]["folds"]
    rates = [each["chosen"]["optimizer.learning_rate"] for each in folds]
    assert rates == [0.2, 0.1]
    for name, rate in zip(("r0f0", "r0f1"), rates, strict=True):
        fold = tmp_path / "cv" / "folds" / name
        assert (fold / "checkpoints" / "1" / "rate.txt").read_text() == str(rate)
        stored = json.loads((fold / "config.json").read_text())
        assert stored["optimizer"]["learning_rate"] == rate
        tried = json.loads((fold / "search.json").read_text())["tried"]
        assert [each["set"]["optimizer.learning_rate"] for each in tried] == [0.1, 0.2]
    # Test people are scored by what was chosen alone.
    assert len(list(tmp_path.glob("cv/folds/*/evaluation"))) == 2
    report = (tmp_path / "cv" / "evaluation" / "out-of-fold" / "report.html").read_text()
    assert "Chosen inside each fold" in report

    path.write_text(SEARCH.replace("0.1", "0.3"))
    with pytest.raises(UserError, match=r"of another search: optimizer\.learning_rate 0\.3"):
        crossvalidate(config, tmp_path / "cv", people, fold_runs.run)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("{'data.image_size': (32, 64)}", r"data\.image_size is no field that is searched"),
        ("{'train.num_epochs': 3}", r"must give \{field: \(value, value\)\}"),
        ("{'train.num_epochs': (3,)}", "2 to 12 combinations, got 1"),
        ("{'train.num_epochs': (0, 3)}", r"config\.train\.num_epochs must be at least 1, got 0"),
        ("{'train.num_epochs': tuple(range(1, 20))}", "2 to 12 combinations, got 19"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_what_is_no_search_is_one_line(people, tmp_path, returned, message):
    path = tmp_path / "search.py"
    path.write_text(f"def get_config():\n    return {returned}\n")
    config = config_lib.override(CONFIG, {"cv.search": str(path)})
    with pytest.raises(UsageError, match=message):
        crossvalidate(config, tmp_path / "cv", people, fold_runs.run)
    nobody = config_lib.override(config, {"cv.validation_share": 0.0})
    with pytest.raises(UsageError):
        crossvalidate(nobody, tmp_path / "cv", people, fold_runs.run)
