import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from benchmarks import head_overlap
from hmhn_jax.base.errors import UserError
from hmhn_jax.input_pipeline.augment import standardise
from hmhn_jax.input_pipeline.crops import Crops
from hmhn_jax.models.afb import AFB
from hmhn_jax.models.mab import MAB


class SmallHMHN(nn.Module):
    """The parts of HMHN that heads need."""

    @nn.compact
    def __call__(self, images, train=False):
        features = nn.relu(nn.Conv(32, (8, 8), strides=(8, 8))(images))
        vectors, attention = MAB(3, ((1, 1),), name="mab")(features, train)
        fused, heads = AFB()(vectors)
        return fused.sum(axis=-1), {"attention": attention, "heads": heads}


def maps(*heads):
    """Makes one crop's maps, f32[1,K,1,W]."""
    return np.array(heads, np.float32)[None, :, None]


@pytest.mark.parametrize(
    ("heads", "overlap", "correlation"),
    [
        (([1, 0, 0, 0], [0, 0, 3, 0]), 0.0, -1 / 3),
        (([1, 2, 3, 4], [2, 4, 6, 8]), 1.0, 1.0),  # the scale does not count
        (([1, 1, 0, 0], [0, 1, 1, 0]), 0.5, 0.0),
        (([1, 0], [0, 1]), 0.0, -1.0),
        (([1, 0], [0, 1], [1, 0]), 1 / 3, -1 / 3),  # mean over three pairs
        (([1, 1], [1, 0]), 0.5, 0.0),  # a flat one correlates with none
        (([0, 0], [1, 0], [1, 0]), 1.0, 1.0),  # one that is 0 is left out
    ],
)
def test_overlap_and_correlation_of_known_maps(heads, overlap, correlation):
    assert head_overlap.mean_overlap(maps(*heads)) == pytest.approx(overlap, abs=1e-6)
    assert head_overlap.mean_correlation(maps(*heads)) == pytest.approx(correlation, abs=1e-6)


def test_heads_in_other_videos():
    """Checks heads that look at the same place, which is another one in the second video."""
    both = np.concatenate([maps([1, 0], [1, 0]), maps([0, 1], [0, 1])])
    values = head_overlap.describe(both, np.ones((2, 2, 3), np.float32))
    assert values["map overlap"] == pytest.approx(1)
    assert values["in another video"] == pytest.approx(0)
    assert values["own, in another video"] == pytest.approx(0)
    assert values["flatness"] == pytest.approx(0.5)

    # Now each head looks at a place of its own, always.
    fixed = np.concatenate([maps([1, 0], [0, 1])] * 2)
    values = head_overlap.describe(fixed, np.ones((2, 2, 3), np.float32))
    assert values["map overlap"] == pytest.approx(0)
    assert values["own, in another video"] == pytest.approx(1)


def test_chance_is_the_overlap_of_shuffled_maps():
    # Of four places a head sees one: the same one as another by chance in a quarter of the crops.
    seen = np.concatenate([maps([1, 0, 0, 0], [0, 1, 0, 0])] * 2000)
    values = head_overlap.describe(seen, np.ones((2000, 2, 3), np.float32))
    assert values["map overlap"] == 0
    assert values["by chance"] == pytest.approx(0.25, abs=0.04)


def test_blind_maps_are_counted_and_left_out():
    seen = np.concatenate([maps([1, 0], [0, 1]), maps([1, 0], [1e-5, 0])])
    vectors = np.array([[[3.0], [1.0]]] * 2)
    values = head_overlap.describe(seen, vectors)
    assert values["blind"] == 0.25
    assert values["map overlap"] == 0
    assert values["largest head"] == 0.75


def test_heads_are_those_of_the_network():
    model = SmallHMHN()
    images = np.random.default_rng(0).integers(0, 256, (33, 32, 32, 3)).astype(np.uint8)
    crops = Crops([b""] * 33, np.zeros(33, np.int32), [], 32, images)  # of two batches
    variables = jax.jit(model.init)(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    seen_maps, vectors = head_overlap.look(model, variables, crops, trained=True)
    aux = jax.jit(model.apply)(variables, standardise(images))[1]
    np.testing.assert_allclose(seen_maps, aux["attention"], rtol=1e-4)
    np.testing.assert_allclose(
        jax.nn.log_softmax(vectors, axis=1), aux["heads"], rtol=1e-4, atol=1e-6
    )


def test_examining_asks_for_several_heads(tmp_path, monkeypatch):
    config = ConfigDict({"model": {"use_mab": True, "num_heads": 1}})
    monkeypatch.setattr(head_overlap.checkpoints, "check_exists", lambda workdir: None)
    monkeypatch.setattr(head_overlap.stored_config, "load", lambda workdir: config)
    with pytest.raises(UserError, match="several heads"):
        head_overlap.examine(tmp_path)
