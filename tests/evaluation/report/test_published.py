"""Tests of the paper's rows for each dataset."""

import pytest

from hmhn_jax.evaluation.report.published import methods

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("dataset", "number", "mae", "rmse"),
    [("avec_faces/avec2013", 19, 6.05, 7.38), ("avec_faces/avec2014", 18, 6.01, 7.60)],
)
def test_rows_of_both_tables(dataset, number, mae, rmse):
    rows = methods(dataset)
    assert len(rows) == number
    assert (rows[-1].mae, rows[-1].rmse) == (mae, rmse)
    assert [row.kind for row in rows].count("end to end") == 5


@pytest.mark.parametrize("dataset", ["avec_faces/synthetic", "avec_faces/folder"])
def test_other_datasets_have_no_rows(dataset):
    assert methods(dataset) == []
