"""Tests of the caveat on pictures of the heads' maps."""

import json
from types import SimpleNamespace

import pytest

from hmhn_jax.prediction.output.pictures import NO_EXPLANATION, map_caveat

CHECK = {"checkpoint_step": 7, "attention_check": {"ratio": 0.8149}}


@pytest.mark.parametrize(
    ("results", "ratio"),
    [
        (CHECK, "0.81"),
        (CHECK | {"checkpoint_step": 8}, None),  # of another network
        (CHECK | {"attention_check": {"ratio": None}}, None),
        (CHECK | {"attention_check": None}, None),
        ({"checkpoint_step": 7}, None),
        ([], None),
        (None, None),
    ],
)
def test_caveat_is_as_measured(tmp_path, results, ratio):
    path = tmp_path / "evaluation" / "held_out" / "metrics.json"
    if results is not None:
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(results))
    provenance = SimpleNamespace(config={"data": {"test_split": "held_out"}})
    trained = SimpleNamespace(workdir=tmp_path, step=7, provenance=provenance)
    said = map_caveat(trained)
    assert said.startswith(NO_EXPLANATION)
    assert (f"moves it {ratio} times as far" in said) == (ratio is not None)
    assert ("times as far" in said) == (ratio is not None)
