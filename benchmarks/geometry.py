"""Crops of the same faces, however they lie in the file.

    python -m benchmarks.geometry [--clips N] [--people N]

About two minutes on one core; prints two Markdown tables.
The first one encodes rendered clips anew in all eight orientations of a display matrix and with
three shapes of pixels. "Difference" is the mean over pixels, of 255, between crops of such a file
and those of the upright one with square pixels. Its first row is codec noise: the upright file
encoded at a lower quality. The second table turns people by quarters without saying so, as where a
flag was lost: in how many frames, and in how many single pictures, the face is found the right way
up, is wrong, or is not found.
"""

import argparse
import itertools
import struct
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from hmhn_jax.faces.crop import CropSettings, crop_video
from hmhn_jax.faces.detection.detector import Detector, load_detector
from hmhn_jax.faces.detection.orientation import face_in_picture, turn
from hmhn_jax.faces.detection.tracking import Track, follow
from hmhn_jax.faces.media.jpeg import decode_crops
from hmhn_jax.recordings.synthetic.clips import Clip

Matrix = tuple[int, int, int, int]  # takes a stored pixel (x, y) to (a x + c y, b x + d y)

UPRIGHT = (1, 0, 0, 1)
ORIENTATIONS = [
    *((a, 0, 0, d) for a, d in itertools.product((1, -1), repeat=2)),
    *((0, b, c, 0) for b, c in itertools.product((1, -1), repeat=2)),
]
RATIOS = [Fraction(1), Fraction(16, 11), Fraction(8, 9)]  # of a pixel's width to its height
SETTINGS = CropSettings(rate_hz=None)
FPS, NUM_FRAMES, SIZE = 4, 6, (640, 480)


def stored(shown: np.ndarray, matrix: Matrix) -> np.ndarray:
    """Returns the picture that a display matrix turns into `shown`, pixel by pixel."""
    a, b, c, d = matrix
    height, width = shown.shape[:2] if a else shown.shape[1::-1]
    rows, columns = np.mgrid[:height, :width]
    x, y = a * columns + c * rows, b * columns + d * rows
    return shown[y - y.min(), x - x.min()]


def write_video(
    path: Path,
    shown: Sequence[np.ndarray],
    matrix: Matrix = UPRIGHT,
    ratio: Fraction = Fraction(1),
    crf: int = 10,
    pix_fmt: str = "yuv420p",
) -> None:
    """Encodes frames u8[height, width, 3] so that players show them: turned back and stretched."""
    frames = [stored(rgb, matrix) for rgb in shown]
    height, width = frames[0].shape[:2]
    # Pixels that are wide or tall, of which there are fewer; an even number.
    width = width if ratio <= 1 else 2 * round(width / ratio / 2)
    height = height if ratio >= 1 else 2 * round(height * ratio / 2)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.sample_aspect_ratio = ratio
        for number, rgb in enumerate(frames):
            rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    content = path.read_bytes()
    plain = struct.pack(">5i", 1 << 16, 0, 0, 0, 1 << 16)
    a, b, c, d = (value << 16 for value in matrix)
    at = content.index(plain, content.index(b"tkhd"))
    path.write_bytes(content[:at] + struct.pack(">5i", a, b, 0, c, d) + content[at + 20 :])


def crop_differences(
    people: Sequence[Sequence[np.ndarray]], detector: Detector, folder: Path
) -> dict[str, dict[str, np.ndarray]]:
    """Crops each person's frames from files of every orientation and ratio.

    Returns:
      {row: {column: differences, f[crops], of 255}}; infinite where a face is not found.
    """
    kinds = {("codec noise", "1"): {"crf": 20}} | {
        (str(matrix), str(ratio)): {"matrix": matrix, "ratio": ratio}
        for matrix, ratio in itertools.product(ORIENTATIONS, RATIOS)
    }
    made: dict[str, dict[str, list]] = {}
    for frames in people:
        expected = _crops(frames, detector, folder / "clip.mp4")
        for (row, column), kind in kinds.items():
            crops = _crops(frames, detector, folder / "clip.mp4", **kind)
            differences = [
                np.abs(crops[each] - crop).mean() if each in crops else np.inf
                for each, crop in expected.items()
            ]
            made.setdefault(row, {}).setdefault(column, []).extend(differences)
    return {row: {name: np.array(x) for name, x in cells.items()} for row, cells in made.items()}


def _crops(frames, detector, path, **kind):
    write_video(path, frames, **kind)
    crops = crop_video(path, SETTINGS, detector).crops
    images = decode_crops([crop.jpeg for crop in crops], SETTINGS.size)
    return {crop.frame_index: rgb.astype(int) for crop, rgb in zip(crops, images, strict=True)}


def turned_faces(
    people: Sequence[Sequence[np.ndarray]], detector: Detector
) -> dict[int, dict[str, int]]:
    """Turns each person's frames by quarters, and counts in which turn their face is found.

    Returns:
      {quarter turns: {"frames right", "frames wrong", "frames without", "pictures right", ...}}.
    """
    counts = {}
    for turns in range(4):
        names = itertools.product(("frames", "pictures"), ("right", "wrong", "without", "unsure"))
        counts[turns] = dict.fromkeys((" ".join(name) for name in names), 0)
        for frames in people:
            track, faces = Track(), []
            for number, rgb in enumerate(frames):
                face, track = follow(turn(rgb, -turns), number / FPS, track, detector)
                faces.append(("frames", face))
            faces.append(("pictures", face_in_picture(turn(frames[0], -turns), detector)))
            for kind, face in faces:
                right = face and face.quarter_turns == turns
                found = "without" if face is None else "right" if right else "wrong"
                counts[turns][f"{kind} {found}"] += 1
                counts[turns][f"{kind} unsure"] += bool(face and face.is_turn_unsure)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--clips", type=int, default=4, help="encoded in each way")
    parser.add_argument("--people", type=int, default=40, help="turned without saying so")
    arguments = parser.parse_args()
    detector = load_detector()
    most = max(arguments.clips, arguments.people)
    clips = (Clip(0, index, NUM_FRAMES, FPS, SIZE) for index in range(most))
    people = [list(clip.frames()) for clip in clips]
    with tempfile.TemporaryDirectory() as folder:
        rows = crop_differences(people[: arguments.clips], detector, Path(folder))
    print("| display matrix | pixels 1:1 | " + " | ".join(f"{each}" for each in RATIOS[1:]) + " |")
    print("| --- " * 4 + "|")
    for row, cells in rows.items():
        texts = [f"{x.mean():.2f}, at most {x.max():.2f}" for x in cells.values()]
        print("| " + " | ".join([row, *texts, *[""] * (3 - len(texts))]) + " |")
    counts = turned_faces(people[: arguments.people], detector)
    print("\n| turned by | " + " | ".join(counts[0]) + " |")
    print("| --- " * (1 + len(counts[0])) + "|")
    for turns, numbers in counts.items():
        print("| " + " | ".join([f"{90 * turns}°", *map(str, numbers.values())]) + " |")


if __name__ == "__main__":
    main()
