import itertools

import jax
import numpy as np
import pytest

from benchmarks.conditioning import __main__, report
from benchmarks.head_overlap import mean_overlap
from hmhn_jax import config as config_lib


@pytest.fixture(scope="module")
def configs(tiny_dataset):
    """Returns configs as printed in the paper and as built, small."""
    fields = {
        "data.dataset": "avec_faces/tiny",
        "data.data_dir": str(tiny_dataset),
        "data.image_size": 32,
        "model.width": 4,
        "model.use_gwa": False,
        "model.use_dff": False,
        "model.num_heads": 2,
        "model.kernels": ((1, 1),),
        "augment.rotation": 0.0,
        "augment.zoom": 0.0,
        "augment.shift": 0.0,
        "train.batch_size": 8,
        "evaluate.batch_size": 8,
    }
    configs = __main__.combinations(config_lib.override(__main__.paper_setting(), fields))
    return [configs[0], configs[-1]]


def test_all_combinations_are_there():
    configs = __main__.combinations(__main__.paper_setting())
    described = [tuple(__main__.describe(config).values()) for config in configs]
    expected = itertools.product(("sum", "mean"), *[("no", "yes")] * 3)
    assert described == list(expected)
    for config in configs:
        config_lib.check(config)


def test_runs_are_recorded_once(configs, tmp_path, monkeypatch):
    path = tmp_path / "out" / "results.jsonl"
    __main__.train_all(configs, path, num_steps=2)
    results = __main__.read(path)
    assert [tuple(each["factors"].values()) for each in results] == [
        ("sum", "no", "no", "no"),
        ("mean", "yes", "yes", "yes"),
    ]
    for result in results:
        steps = {name: np.array(values) for name, values in result["steps"].items()}
        assert {len(values) for values in steps.values()} == {2}
        blocks = [values for name, values in steps.items() if name.startswith("grad_norm/")]
        assert len(blocks) == 3
        # Before clipping, and nothing is left out.
        assert steps["grad_norm"].min() > 1
        np.testing.assert_allclose(np.linalg.norm(blocks, axis=0), steps["grad_norm"], rtol=1e-3)
        np.testing.assert_allclose(steps["loss"], steps["mse"] + steps["partition_loss"], rtol=1e-3)
        assert 0 < result["validation_mae"] < 64

    def never(*args):
        raise AssertionError("trained twice")

    monkeypatch.setattr(__main__, "train", never)
    __main__.train_all(configs, path, num_steps=2)

    lines = report.table(results).splitlines()
    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1
    report.draw(results, tmp_path / "conditioning.png")
    assert (tmp_path / "conditioning.png").stat().st_size > 10_000


def test_measures_agree_with_their_definitions():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(5, 4, 7)).astype(np.float32)
    maps = rng.uniform(size=(5, 4, 2, 3)).astype(np.float32)
    measured = __main__.measure({"heads": jax.nn.log_softmax(vectors, axis=1), "attention": maps})
    # The spread before the log-softmax is that after it.
    assert measured["head_spread"] == pytest.approx(vectors.std(axis=1, ddof=1).mean(), rel=1e-5)
    softmax = np.exp(vectors) / np.exp(vectors).sum(axis=1, keepdims=True)
    assert measured["largest_share"] == pytest.approx(softmax.max(axis=1).mean(), rel=1e-5)
    assert measured["map_overlap"] == pytest.approx(mean_overlap(maps), rel=1e-5)


def test_steps_until_the_error_is_low():
    assert report.steps_to_goal([300.0] * 20 + [0.0] * 20) == 27
    assert report.steps_to_goal([300.0] * 40) is None
    assert report.steps_to_goal([0.0] * 9) is None


def test_shares_cover_all_runs():
    runs = list(range(5))
    shares = [runs[__main__._share(text)] for text in ("1/2", "2/2")]
    assert sorted(shares[0] + shares[1]) == runs
    assert runs[__main__._share("1/1")] == runs
