"""Tests of the occlusion check, for maps that matter and maps that do not."""

import numpy as np
import pytest
import workdirs

from hmhn_jax.evaluation import occlusion
from hmhn_jax.input_pipeline.crops import Crops, Video
from hmhn_jax.models import factory
from hmhn_jax.prediction import ensemble

SIDE, CELLS = 20, 5  # pixels of an image and cells of a map, along each side
NUM_CROPS = 48


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (NUM_CROPS, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def places():
    """Draws for each crop the five cells that matter, a column; f[N,5,5]."""
    maps = np.zeros((NUM_CROPS, CELLS, CELLS), np.float32)
    maps[np.arange(NUM_CROPS), :, np.arange(NUM_CROPS) % CELLS] = 1.0
    return maps


def score_of(places):
    """Returns a function that scores images by the spread of brightness in those places alone."""
    pixels = np.kron(places, np.ones((SIDE // CELLS, SIDE // CELLS)))[..., None]
    return lambda images: (images * pixels).std(axis=(1, 2, 3))


def check(score, images, maps):
    found = occlusion.changes(score, images, maps, np.random.default_rng(0))
    return occlusion.summarise(*found, np.arange(NUM_CROPS) // 4)


def test_shows_a_head_that_looks_at_what_matters(images, places):
    other = np.roll(places, 2, axis=2)
    result = check(score_of(places), images, np.stack([places, other], axis=1))
    good, bad = result["heads"]
    assert good["ratio"] > 3
    assert bad["top"] == pytest.approx(0, abs=1e-9)
    assert bad["random"] > 0
    assert result["top"] == pytest.approx((good["top"] + bad["top"]) / 2)
    low, high = result["ratio_interval"]
    assert low < result["ratio"] < high
    assert (result["num_crops"], result["num_videos"]) == (NUM_CROPS, NUM_CROPS // 4)


def test_a_score_that_ignores_the_image_has_no_ratio(images, places):
    result = check(lambda images: np.full(len(images), 7.0), images, places[:, None])
    assert (result["top"], result["random"]) == (0.0, 0.0)
    assert result["ratio"] is None
    assert result["ratio_interval"] is None


def test_maps_that_point_anywhere_have_a_ratio_of_one(images):
    maps = np.random.default_rng(1).random((NUM_CROPS, 4, CELLS, CELLS)).astype(np.float32)
    low, high = check(score_of(np.ones((NUM_CROPS, CELLS, CELLS))), images, maps)["ratio_interval"]
    assert low < 1 < high


def test_a_head_that_is_never_active_does_not_count(images, places):
    alone = check(score_of(places), images, places[:, None])
    maps = np.stack([places, np.zeros_like(places)], axis=1)
    both = occlusion.changes(score_of(places), images, maps, np.random.default_rng(0))
    result = occlusion.summarise(*both, np.arange(NUM_CROPS) // 4)
    assert result["heads"][1] == {"top": None, "random": None, "ratio": None}
    assert result["top"] == pytest.approx(alone["top"])


def test_top_cells_are_the_largest():
    maps = np.random.default_rng(0).random((3, 2, 7, 7))
    cells = occlusion.top_cells(maps)
    assert (cells.sum(axis=(2, 3)) == 10).all()  # of 49, a fifth
    lowest_in = np.where(cells, maps, np.inf).min(axis=(2, 3))
    highest_out = np.where(cells, -np.inf, maps).max(axis=(2, 3))
    assert (lowest_in > highest_out).all()
    assert occlusion.top_cells(np.zeros((1, 2, 2))).sum() == 1


def test_moved_keeps_the_shape_and_leaves_the_place():
    cells = np.zeros((500, 3, 4), bool)
    cells[:, 0, :2] = True
    elsewhere = occlusion.moved(cells, np.random.default_rng(0))
    assert (elsewhere.sum(axis=(1, 2)) == 2).all()
    assert not (elsewhere == cells).all(axis=(1, 2)).any()
    share = elsewhere.mean(axis=0)[1:]  # rows that the shape was not in: all alike
    np.testing.assert_allclose(share, 2 / 11, atol=0.06)


def test_hide_paints_the_cells_only(images):
    cells = np.zeros((NUM_CROPS, CELLS, CELLS), bool)
    cells[:, 1, 4] = True
    hidden = occlusion.hide(images, cells)
    expected = images.copy()
    expected[:, 4:8, 16:] = np.rint(images.mean(axis=(1, 2)))[:, None, None]
    np.testing.assert_array_equal(hidden, expected)


@pytest.fixture(scope="module")
def crops():
    rng = np.random.default_rng(0)
    videos = [Video(f"v{i}", f"s{i}", f"v{i}", "talking", 10.0) for i in range(11)]
    images = rng.integers(0, 256, (22, 64, 64, 3), dtype=np.uint8)
    return Crops([b""] * 22, np.repeat(np.arange(11, dtype=np.int32), 2), videos, 64, images)


def test_a_network_is_checked_on_a_split(tmp_path, crops):
    config = workdirs.tiny_config()
    (trained,) = ensemble.restore(config, [workdirs.make(tmp_path / "run", config)])
    result = occlusion.occlusion_check(trained, crops, 8, num_crops=11)
    assert (result["num_crops"], result["num_videos"]) == (11, 11)
    assert result["top"] > 0
    assert len(result["heads"]) == 2
    assert result == occlusion.occlusion_check(trained, crops, 8, num_crops=11)


@pytest.mark.parametrize("fields", [{"data.image_size": 32}, {"model.use_mab": False}])
def test_without_places_to_compare_there_is_no_check(crops, fields):
    config = workdirs.tiny_config(**fields)
    model = factory.make_model(config)
    trained = ensemble.Trained(None, model, None, None, 1, config.data.image_size)
    assert occlusion.occlusion_check(trained, crops, 8) is None
