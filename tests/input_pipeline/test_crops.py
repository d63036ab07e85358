"""Tests of batches: every crop, in an order that survives interruption."""

import itertools
import threading

import jax
import numpy as np
import pytest
import tensorflow_datasets as tfds
from ml_collections import ConfigDict

from hmhn_jax.base.errors import UserError
from hmhn_jax.input_pipeline.crops import (
    evaluation_batches,
    read_crops,
    share_examples,
    training_batches,
    training_indices,
)
from hmhn_jax.runtime import devices


@pytest.fixture(scope="module")
def builder(tiny_dataset):
    return tfds.builder("avec_faces/tiny", data_dir=tiny_dataset)


def settings(**fields):
    return ConfigDict({"image_size": 32, "cache_gib": 1.0, **fields})


def test_reads_every_crop_with_its_video(builder):
    crops = read_crops(builder, "train", settings())
    assert len(crops) == builder.info.splits["train"].num_examples == 35
    assert [video.video_id for video in crops.videos] == sorted(
        video.video_id for video in crops.videos
    )
    assert len(crops.videos) == 7
    np.testing.assert_array_equal(np.bincount(crops.video_of_crop), 5)

    scores = {}
    for example in tfds.as_numpy(builder.as_dataset("train")):
        scores[example["video_id"].decode()] = example["score"]
    assert {video.video_id: video.score for video in crops.videos} == scores


def test_splits_can_be_joined(builder):
    joined = read_crops(builder, "train+validation", settings())
    assert len(joined.videos) == 9


def test_unknown_split_is_named(builder):
    with pytest.raises(UserError, match=r"'dev' is not in .*train, validation"):
        read_crops(builder, "dev", settings())


def test_decoded_ahead_or_when_needed_is_the_same(builder):
    ahead = read_crops(builder, "test", settings())
    later = read_crops(builder, "test", settings(cache_gib=0.0))
    assert ahead.decoded is not None
    assert later.decoded is None
    indices = np.array([3, 0, 7])
    np.testing.assert_array_equal(ahead.images(indices), later.images(indices))


def test_images_are_the_crops_made_smaller(builder):
    crops = read_crops(builder, "test", settings(image_size=28))  # an eighth of 224
    examples = {}
    for example in tfds.as_numpy(builder.as_dataset("test")):
        examples[example["video_id"].decode(), int(example["frame_index"])] = example["image"]
    expected = examples[min(examples)].astype(float).reshape(28, 8, 28, 8, 3).mean(axis=(1, 3))
    image = crops.images(np.array([0]))[0]
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image, expected, atol=4)  # two JPEG decoders


def test_an_epoch_has_every_crop_once():
    batches = itertools.islice(training_indices(35, 8, seed=0, first_step=0), 35)
    stream = np.concatenate(list(batches))
    epochs = stream.reshape(8, 35)
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(35))
    assert not np.array_equal(epochs[0], epochs[1])


@pytest.mark.parametrize("step", [0, 1, 4, 5, 30])
def test_order_goes_on_at_any_step(step):
    whole = list(itertools.islice(training_indices(35, 8, seed=3, first_step=0), 40))
    resumed = list(itertools.islice(training_indices(35, 8, seed=3, first_step=step), 10))
    np.testing.assert_array_equal(resumed, whole[step : step + 10])


def test_order_depends_on_the_seed():
    first, second = (next(training_indices(35, 35, seed, 0)) for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_a_batch_larger_than_an_epoch():
    batch = next(training_indices(3, 8, seed=0, first_step=0))
    np.testing.assert_array_equal(np.bincount(batch[:6]), 2)


def test_training_batches_hold_images_with_their_scores(builder):
    crops = read_crops(builder, "train", settings())
    batches = training_batches(crops, 8, seed=0, first_step=2)
    indices = training_indices(len(crops), 8, seed=0, first_step=2)
    for batch, expected in itertools.islice(zip(batches, indices, strict=False), 6):
        np.testing.assert_array_equal(batch["images"], crops.images(expected))
        np.testing.assert_array_equal(batch["scores"], crops.scores[crops.video_of_crop[expected]])
    assert jax.tree.map(lambda array: array.dtype, batch) == {
        "images": np.uint8,
        "scores": np.float32,
    }


def test_training_batches_are_put_by_the_thread_that_makes_them(builder):
    crops = read_crops(builder, "train", settings())
    threads = []

    def put(batch):
        threads.append(threading.get_ident())
        return devices.put_batch(batch)

    placed = training_batches(crops, 8, seed=0, first_step=0, put=put)
    plain = training_batches(crops, 8, seed=0, first_step=0)
    for batch, expected in itertools.islice(zip(placed, plain, strict=True), 3):
        assert all(isinstance(array, jax.Array) for array in batch.values())
        assert batch["images"].shape == (devices.count(), 8 // devices.count(), 32, 32, 3)
        np.testing.assert_array_equal(batch["images"].reshape(8, 32, 32, 3), expected["images"])
        np.testing.assert_array_equal(batch["scores"].reshape(8), expected["scores"])
    assert threading.get_ident() not in threads


def test_evaluation_has_every_crop_once_in_order(builder):
    crops = read_crops(builder, "train", settings())
    images = np.concatenate(list(evaluation_batches(crops, 8)))
    assert len(images) == 40  # the last batch is filled up
    np.testing.assert_array_equal(images[:35], crops.images(np.arange(35)))


@pytest.mark.parametrize("rows", [slice(0, 4), slice(4, 8)])
def test_a_process_makes_its_rows_of_every_batch(builder, rows):
    crops = read_crops(builder, "train", settings())
    for own, whole in zip(
        evaluation_batches(crops, 8, rows), evaluation_batches(crops, 8), strict=True
    ):
        np.testing.assert_array_equal(own, whole[rows])
    own = training_batches(crops, 8, seed=0, first_step=3, rows=rows)
    whole = training_batches(crops, 8, seed=0, first_step=3)
    for mine, all_of_it in itertools.islice(zip(own, whole, strict=True), 3):
        for name in ("images", "scores"):
            np.testing.assert_array_equal(mine[name], all_of_it[name][rows])


@pytest.mark.parametrize(("cell", "session"), [("2", "2"), ("", None), (None, None)])
def test_a_video_without_a_session_is_one_of_its_own(builder, monkeypatch, cell, session):
    ids = [video.video_id for video in read_crops(builder, "test", settings()).videos]
    details = {video_id: {} if cell is None else {"session": cell} for video_id in ids}
    monkeypatch.setitem(builder.info.metadata, "videos", details)
    videos = read_crops(builder, "test", settings()).videos
    assert [video.session_id for video in videos] == [session or video_id for video_id in ids]


@pytest.mark.parametrize(
    ("split", "other", "shared"),
    [
        ("train", "train", True),
        ("train[:50%]", "train[50%:]", False),
        ("train[:50%]", "train[40%:]", True),
        ("train", "test", False),
        ("train+validation", "validation[:1]", True),
    ],
)
def test_splits_with_examples_in_common(builder, split, other, shared):
    assert share_examples(builder, split, other) == shared == share_examples(builder, other, split)
