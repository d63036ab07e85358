"""Tests of ensembles: joint scores, and one line for networks that do not match."""

import numpy as np
import pytest
import workdirs

from hmhn_jax.base import scales
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.input_pipeline.crops import Crops, Video
from hmhn_jax.prediction import ensemble


@pytest.fixture(scope="module")
def config():
    return workdirs.tiny_config()


@pytest.fixture(scope="module")
def first(tmp_path_factory, config):
    return workdirs.make(tmp_path_factory.mktemp("first") / "run", config)


@pytest.fixture(scope="module")
def crops():
    images = np.random.default_rng(0).integers(0, 256, (11, 64, 64, 3), dtype=np.uint8)
    videos = [Video(f"v{i}", f"s{i}", f"v{i}", "talking", 10.0) for i in range(3)]
    return Crops([b""] * 11, np.repeat(np.arange(3, dtype=np.int32), (4, 1, 6)), videos, 64, images)


def test_score_is_the_mean_of_the_members(config, first, crops, tmp_path):
    second = workdirs.shifted(tmp_path / "second", first, points=6.0)
    members = ensemble.restore(config, [first, second])
    scores = ensemble.score_frames(members, crops.decoded[:8])
    assert scores.shape == (2, 8)
    np.testing.assert_allclose(scores[1] - scores[0], 6.0, atol=1e-3)

    means, of_members = ensemble.score_videos(members, crops, 8)
    alone, _ = ensemble.score_videos(members[:1], crops, 8)
    np.testing.assert_allclose(
        means.compute(scales.default()), alone.compute(scales.default()) + 3.0, atol=1e-3
    )
    np.testing.assert_allclose(of_members[0], alone.compute(scales.default()), atol=1e-3)
    np.testing.assert_allclose(ensemble.spread(of_members), 6 / np.sqrt(2), atol=1e-3)
    assert ensemble.spread(of_members[:1]) is None


def test_members_may_have_other_architectures(config, first, tmp_path):
    wider = workdirs.make(tmp_path / "wider", workdirs.tiny_config(**{"model.width": 6}))
    members = ensemble.restore(config, [first, wider])
    assert [member.model.width for member in members] == [4, 6]


def test_another_image_size_is_one_line(config, first, tmp_path):
    fields = {"data.image_size": 96}
    other = workdirs.make(tmp_path / "other", workdirs.tiny_config(**fields))
    with pytest.raises(UserError, match=r"expected image size 64 .*, got 96 in .*other"):
        ensemble.restore(config, [first, other])


def test_another_padding_is_one_line(config, first, tmp_path):
    crops = workdirs.DATA["crops"] | {"padding": 0.5}
    other = workdirs.make(tmp_path / "other", config, workdirs.DATA | {"crops": crops})
    with pytest.raises(UserError, match=r"expected padding of the crops 0\.25 .*, got 0\.5"):
        ensemble.restore(config, [first, other])


def test_the_same_workdir_twice_is_one_line(config, first):
    with pytest.raises(UsageError, match="expected different workdirs"):
        ensemble.restore(config, [first, first.parent / "." / first.name])


def test_a_member_without_a_checkpoint_is_one_line(config, first, tmp_path):
    with pytest.raises(UserError, match=r"expected a checkpoint in .*empty"):
        ensemble.restore(config, [first, tmp_path / "empty"])
    assert not (tmp_path / "empty").exists()
