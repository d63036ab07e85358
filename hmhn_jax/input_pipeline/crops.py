"""Batches of uint8 crops from prepared TFDS records."""

import dataclasses
import functools
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
from ml_collections import ConfigDict

from hmhn_jax.base import scales
from hmhn_jax.base.errors import UserError
from hmhn_jax.base.progress import track
from hmhn_jax.base.scale import Scale
from hmhn_jax.faces.media.jpeg import decode_crops


@dataclasses.dataclass(frozen=True)
class Video:
    """Video to predict, with its labels.

    Attributes:
      video_id, subject_id, task: as in `recordings.recording.Recording`.
      session_id: the same for the videos of one session, such as AVEC 2014's two tasks; where the
        dataset does not know sessions, each video is one.
      score: on the scale of the dataset.
    """

    video_id: str
    subject_id: str
    session_id: str
    task: str
    score: float


@dataclasses.dataclass(frozen=True)
class Detections:
    """What was seen of the faces in the frames that N crops are of.

    Attributes:
      time_s: f32[N], since the video's first frame.
      boxes: i32[N,4], left, top, right, bottom in pixels of the frame.
      eyes: f32[N,2,2], eye centres (x, y) in pixels of the frame, picture's left first.
      confidences: f32[N], the detector's scores.
    """

    time_s: np.ndarray
    boxes: np.ndarray
    eyes: np.ndarray
    confidences: np.ndarray

    def __getitem__(self, indices: np.ndarray) -> Self:
        """Selects some crops."""
        fields = (getattr(self, field.name)[indices] for field in dataclasses.fields(self))
        return type(self)(*fields)


@dataclasses.dataclass(frozen=True)
class Crops:
    """All face crops of one split, in a fixed order.

    The crops stay JPEG-encoded in memory (about 10 KB each), so that any order of any of them
    is at hand; where they fit, they are kept decoded.

    Attributes:
      jpegs: N encoded crops.
      video_of_crop: i32[N], index into `videos`.
      videos: the V videos, by id.
      image_size: side of the images that batches are made of, in pixels.
      decoded: u8[N,image_size,image_size,3], or None where that would take too much memory.
      scale: of the scores.
      detections: of the N crops; None where nothing is known of them.
    """

    jpegs: list[bytes]
    video_of_crop: np.ndarray
    videos: list[Video]
    image_size: int
    decoded: np.ndarray | None = None
    scale: Scale = dataclasses.field(default_factory=scales.default)
    detections: Detections | None = None

    def __len__(self) -> int:
        return len(self.jpegs)

    @functools.cached_property
    def scores(self) -> np.ndarray:
        """The score of each video, f32[V]."""
        return np.array([video.score for video in self.videos], np.float32)

    @property
    def subjects(self) -> np.ndarray:
        """Whose video each is, [V]."""
        return np.array([video.subject_id for video in self.videos])

    def images(self, indices: np.ndarray) -> np.ndarray:
        """Decodes crops, u8[len(indices),image_size,image_size,3]."""
        if self.decoded is not None:
            return self.decoded[indices]
        return decode_crops([self.jpegs[index] for index in indices], self.image_size)


def check_split(builder: Any, split: str) -> None:
    """Raises UserError for a split that a dataset does not have."""
    try:
        num_crops = builder.info.splits[split].num_examples
    except (KeyError, ValueError) as error:
        known = ", ".join(builder.info.splits)
        raise UserError(
            f"split {split!r} is not in {builder.info.full_name} (it has {known})"
        ) from error
    if not num_crops:
        raise UserError(f"split {split!r} of {builder.info.full_name} is empty")


def share_examples(builder: Any, split: str, other: str) -> bool:
    """Returns whether two splits, such as "train[:50%]" and "train+test", share an example."""

    def ranges(split):
        for part in builder.info.splits[split].file_instructions:
            end = part.examples_in_shard if part.take == -1 else part.skip + part.take
            yield part.filename, part.skip, end

    return any(
        file == other_file and start < other_end and other_start < end
        for file, start, end in ranges(split)
        for other_file, other_start, other_end in ranges(other)
    )


def read_crops(builder: Any, split: str, settings: ConfigDict) -> Crops:
    """Reads a split, such as "train+validation", of a prepared builder of `avec_faces`.

    Crops are scaled to the side `settings.image_size`, and decoded once and for all if they take no
    more than `settings.cache_gib`; the settings are `config.data`. Raises UserError for a split
    that the dataset does not have, or an unreadable record.
    """
    import tensorflow as tf
    import tensorflow_datasets as tfds

    check_split(builder, split)
    try:
        records = builder.as_dataset(split, decoders={"image": tfds.decode.SkipDecoding()})
        records = [
            (record["image"], record["video_id"].decode(), int(record["frame_index"]), record)
            for record in tfds.as_numpy(records)
        ]
    except tf.errors.OpError as error:
        reason = re.sub(r"\{\{.*?\}\}", "", error.message).strip()  # names of TensorFlow's nodes
        raise UserError(f"cannot read {builder.data_path}: {reason}") from error
    # Shards may be read in any order; this one depends on the data only.
    records.sort(key=lambda record: record[1:3])
    details = builder.info.metadata.get("videos", {})
    videos: list[Video] = []
    video_of_crop: list[int] = []
    for _, video_id, _, record in records:
        if not videos or videos[-1].video_id != video_id:
            videos.append(
                Video(
                    video_id,
                    record["subject_id"].decode(),
                    details.get(video_id, {}).get("session") or video_id,
                    record["task"].decode(),
                    float(record["score"]),
                )
            )
        video_of_crop.append(len(videos) - 1)
    crops = Crops(
        [record[0] for record in records],
        np.array(video_of_crop, np.int32),
        videos,
        settings.image_size,
        scale=scales.of(builder.info.metadata),
        detections=_detections([record for *_, record in records]),
    )
    return keep_decoded(crops, settings.cache_gib, split)


def _detections(records):
    names = ("time_s", "box", "eyes", "confidence")
    if not records or not set(names) <= records[0].keys():
        return None
    return Detections(*(np.array([record[name] for record in records]) for name in names))


def keep_decoded(crops: Crops, cache_gib: float, name: str) -> Crops:
    """Decodes all crops for good, if they take no more memory; `name` is for the progress."""
    if len(crops) * crops.image_size**2 * 3 > cache_gib * 2**30:
        return crops
    batches = np.array_split(np.arange(len(crops)), max(1, len(crops) // 256))
    decoded = [crops.images(indices) for indices in track(batches, f"decoding {name}")]
    return dataclasses.replace(crops, decoded=np.concatenate(decoded))


def training_indices(
    num_crops: int, batch_size: int, seed: int, first_step: int
) -> Iterator[np.ndarray]:
    """Yields endless batches of crop indices, i[B]: every epoch all crops in a new order.

    The order is one stream of shuffled epochs, so no crop is dropped where an epoch does not end
    with a batch. It depends on (seed, step) only: a run resumed at `first_step` sees what the
    uninterrupted run would have seen.
    """
    epoch, offset = divmod(first_step * batch_size, num_crops)
    stream = _shuffled(num_crops, seed, epoch)[offset:]
    while True:
        while len(stream) < batch_size:
            epoch += 1
            stream = np.concatenate([stream, _shuffled(num_crops, seed, epoch)])
        yield stream[:batch_size]
        stream = stream[batch_size:]


def _shuffled(num_crops, seed, epoch):
    return np.random.default_rng([seed, epoch]).permutation(num_crops)


def training_batches(
    crops: Crops,
    batch_size: int,
    seed: int,
    first_step: int,
    put: Callable[[dict], dict] = lambda batch: batch,
    rows: slice = slice(None),
) -> Iterator[dict]:
    """Yields endless batches {"images": u8[B,S,S,3], "scores": f32[B]}, made one ahead of use.

    The thread that makes a batch also hands it to `put`, such as `devices.put_batch`, and what
    that returns is yielded: the next batch is on its way to the devices while they work on one.
    Of each batch of `batch_size` only these rows are made, those of one process.
    """
    with ThreadPoolExecutor(1) as thread:

        def load(indices):
            indices = indices[rows]
            scores = crops.scores[crops.video_of_crop[indices]]
            return put({"images": crops.images(indices), "scores": scores})

        indices = training_indices(len(crops), batch_size, seed, first_step)
        upcoming = thread.submit(load, next(indices))
        while True:
            batch, upcoming = upcoming, thread.submit(load, next(indices))
            yield batch.result()


def evaluation_batches(
    crops: Crops, batch_size: int, rows: slice = slice(None)
) -> Iterator[np.ndarray]:
    """Yields each crop once, in order, u8[B,S,S,3]: these rows of each batch.

    The last batch is padded by repeating its last crop.
    """
    for start in range(0, len(crops), batch_size):
        places = np.arange(start, start + batch_size)[rows]
        yield crops.images(np.minimum(places, len(crops) - 1))
