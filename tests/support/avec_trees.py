"""Short rendered videos, plain and awkward, in the folders of AVEC and of users."""

import functools
import shutil
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from hmhn_jax.recordings.synthetic.clips import Clip

FPS, NUM_FRAMES = 4, 12  # three seconds: at one frame a second three crops, of frames 0, 4, 8
CROPPED_FRAMES = [0, 4, 8]

# {session: (split, BDI-II points)}; subject 203 is in two splits, as some are in the release.
SESSIONS = {
    "203_1": ("train", 3),
    "206_1": ("train", 20),
    "207_1": ("train", 11),
    "204_1": ("validation", 31),
    "203_2": ("test", 12),
    "205_1": ("test", 45),
}
RELEASED = {"train": "Training", "validation": "Development", "test": "Testing"}
SHORT = {"train": "train", "validation": "dev", "test": "test"}
TASKS = ("Freeform", "Northwind")


@functools.cache
def frames(person: int) -> tuple[np.ndarray, ...]:
    return tuple(Clip(0, person, NUM_FRAMES, FPS, (640, 480)).frames())


def write(path, images, codec="libx264", pix_fmt="yuv420p", times_s=None, silence=False):
    """Encodes images in the container that the file's suffix names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.bit_rate = 2_000_000
        if times_s is not None:
            stream.codec_context.time_base = Fraction(1, 90_000)
        if silence:
            sound = container.add_stream("aac", rate=16_000, layout="mono")
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            if times_s is not None:
                frame.time_base, frame.pts = Fraction(1, 90_000), round(times_s[number] * 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if silence:
            samples = np.zeros((1, 16_000 * NUM_FRAMES // FPS), np.float32)
            quiet = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            quiet.sample_rate = 16_000
            container.mux(sound.encode(quiet))
            container.mux(sound.encode())
    return path


def write_rotated(path):
    """Writes a video whose pixels lie on their side, with a rotation flag, as phones write it."""
    write(path, [np.rot90(image) for image in frames(0)])
    content = path.read_bytes()
    upright, turned = [
        struct.pack(">9i", *[value << 16 for value in (*matrix, 0)][:8], 1 << 30)
        for matrix in ((1, 0, 0, 0, 1, 0, 0, 0), (0, 1, 0, -1, 0, 0, 0, 0))
    ]
    at = content.index(upright, content.index(b"tkhd"))
    path.write_bytes(content[:at] + turned + content[at + len(upright) :])


class Videos:
    """Plain videos, each person rendered once."""

    def __init__(self, folder: Path):
        self.folder = folder

    def put(self, path: Path, session: str) -> None:
        """Writes a video of a session's subject, in the format that the suffix names."""
        person = list(SESSIONS).index(session) % 3
        suffix = path.suffix.lower()
        made = self.folder / f"{person}{suffix}"
        if not made.exists():
            codec = {".avi": "mpeg4", ".wmv": "wmv2"}.get(suffix, "libx264")
            write(made, frames(person), codec)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made, path)


def put_labels(folder_of_split, sessions=None, change=None):
    """Writes a label file per session; `change` is {session: other score}."""
    for session, (split, score) in (sessions or SESSIONS).items():
        folder = folder_of_split(split)
        folder.mkdir(parents=True, exist_ok=True)
        score = (change or {}).get(session, score)
        (folder / f"{session}_Depression.csv").write_text(f"{score}\n")


def layout_a(root, videos):
    """Writes the release as published: nested labels, a missing clip, mixed case and formats."""
    suffixes = {("203_1", "Freeform"): ".MP4", ("207_1", "Freeform"): ".wmv"}
    for session, (split, _) in SESSIONS.items():
        for task in TASKS:
            if (session, task) == ("206_1", "Northwind"):
                continue
            name = f"{session}_{task}_video{suffixes.get((session, task), '.mp4')}"
            videos.put(root / RELEASED[split] / task / name, session)
    nested = root / "AVEC2014_DepressionLabels" / "AVEC2014_DepressionLabels"
    test = root / "AVEC2014_Labels_Testset" / "Testing" / "DepressionLabels"
    put_labels(
        lambda split: test if split == "test" else nested / f"{RELEASED[split]}_DepressionLabels"
    )
    (root / "Training" / "Freeform" / "._203_1_Freeform_video.mp4").write_bytes(b"macOS")


def layout_b(root, videos):
    for session, (split, _) in SESSIONS.items():
        for task in TASKS:
            videos.put(root / SHORT[split] / task / f"{session}_{task}_video.mp4", session)
    put_labels(lambda split: root / "label" / "DepressionLabels")


def layout_c(root, videos):
    for session, (split, _) in SESSIONS.items():
        for task in TASKS:
            videos.put(root / SHORT[split].upper() / f"{session}_{task}_video.avi", session)
    put_labels(lambda split: root / "label" / "DepressionLabels")


def avec2013(root, videos):
    """Writes the 2013 release, with the scores of 205_1 and 206_1 swapped."""
    for session, (split, _) in SESSIONS.items():
        folder = root / f"{RELEASED[split]}_AudioVisual" / RELEASED[split]
        videos.put(folder / f"{session}_cut_combined.mp4", session)
    put_labels(
        lambda split: root / f"{RELEASED[split]}_DepressionLabels",
        change={"205_1": 20, "206_1": 45},
    )


def folder_of_traps(root):
    """Writes awkward videos, as cameras and copying make them, and a table of them."""
    noise = np.random.default_rng(0).integers(0, 256, (NUM_FRAMES, 240, 320, 3), np.uint8)
    face = frames(0)
    write(root / "plain.mp4", face)
    write(root / "far" / "PLAIN2.MKV", frames(1))
    write(
        root / "odd_width.mp4",
        [np.pad(i, ((0, 0), (0, 1), (0, 0))) for i in face],
        pix_fmt="yuv444p",
    )
    write(root / "variable_rate.mp4", face, times_s=VARIABLE_TIMES)
    write(root / "silent.mp4", face, silence=True)
    two = [np.hstack(pair) for pair in zip(face, frames(1), strict=True)]
    write(root / "two_faces.mp4", two)
    write_rotated(root / "rotated.mp4")
    write(root / "no_face.mp4", noise)
    content = (root / "plain.mp4").read_bytes()
    (root / "corrupt.mp4").write_bytes(content[: len(content) // 2])
    (root / "empty.mp4").touch()
    _write_no_frames(root / "no_frames.mp4")
    (root / "unlisted.mp4").write_bytes(content)
    rows = ["file,subject,score,split,age,sex"]
    for number, (file, split) in enumerate(TRAPS.items()):
        rows.append(f"{file},p{number},{number},{split},{30 + number},{'fm'[number % 2]}")
    (root / "people.csv").write_text("\n".join(rows) + "\n")


VARIABLE_TIMES = [0, 0.1, 0.2, 0.3, 0.9, 1.1, 1.2, 1.25, 1.3, 1.9, 2.5, 2.9]
TRAPS = {  # in the order of the table
    "plain.mp4": "train",
    "far/PLAIN2.MKV": "train",
    "odd_width.mp4": "train",
    "variable_rate.mp4": "train",
    "silent.mp4": "validation",
    "two_faces.mp4": "validation",
    "rotated.mp4": "test",
    "no_face.mp4": "train",
    "corrupt.mp4": "train",
    "empty.mp4": "train",
    "no_frames.mp4": "test",
}


def _write_no_frames(path):
    """Writes a well-formed mp4 without frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        container.start_encoding()
