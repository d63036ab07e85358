"""Dataset with planted identity: a code of each person in the corner of all of their clips.

The faces are the same few for everybody, so nothing but the code tells people apart, and nothing
tells their scores.
"""

import dataclasses

import cv2
import numpy as np
import tensorflow_datasets as tfds

from hmhn_jax.recordings.synthetic.clips import Clip

SIDE, CELL = 32, 6
NUM_CLIPS, NUM_FACES = 6, 6


@dataclasses.dataclass(eq=False, kw_only=True)
class CodedConfig(tfds.core.BuilderConfig):
    """Settings.

    Attributes:
      num_people: how many; scores are 5 and 45 by turns.
      subject_is_clip: calls every clip a person of its own, as folds by clip do.
      other_scores: {subject: score}, changed.
    """

    num_people: int = 20
    subject_is_clip: bool = False
    other_scores: dict = dataclasses.field(default_factory=dict)


class CodedFaces(tfds.core.GeneratorBasedBuilder):
    """One crop a clip, with what `read_crops` reads."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        text = tfds.features.Text()
        names = dict.fromkeys(("video_id", "subject_id", "task"), text)
        image = tfds.features.Image(shape=(SIDE, SIDE, 3), encoding_format="jpeg")
        numbers = {"score": np.float32, "frame_index": np.int32}
        sites = {
            f"person{person:02}-{clip}": {"site": "ABC"[person % 3], "clinic": "only"}
            for person in range(self.builder_config.num_people)
            for clip in range(NUM_CLIPS)
        }
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict({"image": image, **names, **numbers}),
            metadata=tfds.core.MetadataDict(
                fingerprint="c" * 64, synthetic=True, videos=sites, crops={}
            ),
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        config, rng = self.builder_config, np.random.default_rng(0)
        faces = [_face(index) for index in range(NUM_FACES)]
        for person in range(config.num_people):
            code = rng.integers(0, 256, (2, 2, 3), np.uint8).repeat(CELL, 0).repeat(CELL, 1)
            for clip in range(NUM_CLIPS):
                image = faces[int(rng.integers(NUM_FACES))].copy()
                image[: 2 * CELL, : 2 * CELL] = code
                name = f"person{person:02}"
                video = f"{name}-{clip}"
                yield (
                    video,
                    {
                        "image": image,
                        "video_id": video,
                        "subject_id": video if config.subject_is_clip else name,
                        "task": "talking",
                        "frame_index": 0,
                        "score": config.other_scores.get(name, (5.0, 45.0)[person % 2]),
                    },
                )


def _face(index):
    (frame,) = Clip(0, index, 1, 4, (640, 480)).frames()
    return cv2.resize(frame[:, 80:560], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
