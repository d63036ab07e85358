"""Tests of crops read by TFDS: the same pixels as in training and evaluation."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from hmhn_jax import tfds as avec_faces
from hmhn_jax.faces.media.jpeg import decode_crops

SIZE = 224


@pytest.fixture(scope="module")
def builder(tiny_dataset):
    """Opens a dataset by our code; `tfds.load` does so for the configs that our code names."""
    return avec_faces.Builder(config=avec_faces.FacesConfig(name="tiny"), data_dir=tiny_dataset)


@pytest.fixture(scope="module")
def expected(builder):
    skip = {"image": tfds.decode.SkipDecoding()}
    records = tfds.as_numpy(builder.as_dataset("test", decoders=skip))
    return decode_crops([record["image"] for record in records], SIZE)


def images(dataset):
    return np.stack([example["image"] for example in tfds.as_numpy(dataset)])


def test_pixels_are_those_of_evaluation(builder, expected):
    np.testing.assert_array_equal(images(builder.as_dataset("test")), expected)
    supervised = tfds.as_numpy(builder.as_dataset("test", as_supervised=True))
    np.testing.assert_array_equal(np.stack([image for image, _ in supervised]), expected)
    partial = tfds.decode.PartialDecoding({"image": True, "score": True})
    dataset = builder.as_dataset("test", decoders=partial)
    assert set(dataset.element_spec) == {"image", "score"}
    np.testing.assert_array_equal(images(dataset), expected)


def test_a_dataset_that_is_opened_without_our_code(tiny_dataset, expected):
    arguments = {"data_dir": tiny_dataset, "split": "test"}
    exact = tfds.load("avec_faces/tiny", decoders=avec_faces.DECODERS, **arguments)
    np.testing.assert_array_equal(images(exact), expected)
    by_default = images(tfds.load("avec_faces/tiny", **arguments)).astype(int)
    assert 0 < np.abs(by_default - expected).max() < 32  # what the decoder is there for


def test_other_decoders_are_left_as_they_are(builder):
    only = tfds.decode.PartialDecoding({"score": True})
    assert set(builder.as_dataset("test", decoders=only).element_spec) == {"score"}
    skip = {"image": tfds.decode.SkipDecoding()}
    both = tfds.decode.PartialDecoding({"image": True}, decoders=skip)
    (example, *_) = tfds.as_numpy(builder.as_dataset("test", decoders=both))
    assert example["image"].startswith(b"\xff\xd8")
