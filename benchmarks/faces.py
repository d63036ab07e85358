"""Cropping speed: the cropping engine compared with a straightforward script.

    python -m benchmarks.faces [--quick] [--json FILE]

Two to four minutes on two cores; prints a Markdown table and then the same as JSON. The videos are
rendered faces of 640 x 480 pixels at 25 frames a second, cut together into videos of several scenes
with another subject each; five frames a second are cropped. The naive script decodes all frames by
OpenCV into a list, and in the sampled ones takes the largest face that dlib's HOG detector finds in
the whole frame, upsampled once ("upsample") or as it is ("full size"), with the same landmarks and
dlib's own cutting out. All take turns on the same videos, in one process each, and the medians of
the rounds count. Where the machine has other work, trust the ratios in CPU time more. "Eye error"
is how far the engine's eyes are from the naive script's, in percent of the distance between the
eyes. At lower sampling rates both spend more of their time on decoding, and the ratios are smaller.
"""

import argparse
import dataclasses
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import dlib
import numpy as np

from benchmarks.contest import machine
from hmhn_jax.faces import jobs
from hmhn_jax.faces.crop import CropSettings
from hmhn_jax.faces.detection.detector import load_detector
from hmhn_jax.recordings.recording import Recording
from hmhn_jax.recordings.synthetic.clips import Clip, encode

FPS = 25
FRAMES_PER_SAMPLE = 5
SETTINGS = CropSettings(rate_hz=FPS / FRAMES_PER_SAMPLE, max_frames_per_video=None)
SIZE = (640, 480)
PACKAGES = ("av", "dlib-bin", "opencv-python-headless", "numpy")
ENGINE, ENGINE_TWO = "engine", "engine, two processes"
UPSAMPLE, FULL_SIZE = "naive, upsample", "naive, full size"

# Starting two processes takes a second or two, once for a whole dataset. They crop the same videos
# several times over, so that it weighs little here too.
REPEATS_FOR_TWO = 8

Eyes = list[np.ndarray | None]  # float[2, 2] of each sampled frame, None without a face


@dataclasses.dataclass(frozen=True)
class Scale:
    """Size of the benchmark."""

    num_videos: int = 4
    scenes_per_video: int = 4
    frames_per_scene: int = 50
    rounds: int = 3


QUICK = Scale(num_videos=2, scenes_per_video=2, frames_per_scene=15, rounds=1)


def render_videos(folder: Path, scale: Scale) -> list[Recording]:
    """Renders videos with a scene cut to another subject every `frames_per_scene` frames."""
    recordings = []
    for video in range(scale.num_videos):
        first = video * scale.scenes_per_video
        subjects = range(first, first + scale.scenes_per_video)
        clips = [Clip(7, subject, scale.frames_per_scene, FPS, SIZE) for subject in subjects]
        frames = (frame for clip in clips for frame in clip.frames())
        path = folder / f"{video}.mp4"
        path.write_bytes(encode(frames, FPS, SIZE))
        recordings.append(Recording(path, path.stem, path.stem, "talking", "train", 0.0))
    return recordings


def naive(recordings: list[Recording], upsample: int) -> Eyes:
    """Crops as a straightforward script would."""
    detector = load_detector()
    eyes = []
    for recording in recordings:
        video = cv2.VideoCapture(str(recording.path))
        frames = []
        while (decoded := video.read())[0]:
            frames.append(cv2.cvtColor(decoded[1], cv2.COLOR_BGR2RGB))
        for rgb in frames[::FRAMES_PER_SAMPLE]:
            boxes = detector.faces(rgb, upsample)
            if not boxes:
                eyes.append(None)
                continue
            landmarks = detector.landmarks(rgb, max(boxes, key=lambda box: box.area()))
            chip = dlib.get_face_chip(rgb, landmarks, size=SETTINGS.size, padding=SETTINGS.padding)
            cv2.imencode(".jpg", chip[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, SETTINGS.jpeg_quality])
            points = np.array([(point.x, point.y) for point in landmarks.parts()][:4], float)
            eyes.append(np.stack([points[2:].mean(axis=0), points[:2].mean(axis=0)]))
    return eyes


def engine(recordings: list[Recording], scale: Scale, num_processes: int) -> Eyes:
    """Crops as `tfds build` does."""
    eyes: Eyes = []
    for _, result in jobs.crop_videos(recordings, SETTINGS, num_processes):
        found = {crop.frame_index: crop.eyes for crop in result.crops}
        num_frames = scale.scenes_per_video * scale.frames_per_scene
        eyes += [found.get(index) for index in range(0, num_frames, FRAMES_PER_SAMPLE)]
    return eyes


def eye_errors(found: Eyes, expected: Eyes) -> np.ndarray:
    """Computes the mean distance of both eyes, in percent of the eye distance, per shared frame."""
    return np.array(
        [
            100
            * np.linalg.norm(ours - theirs, axis=1).mean()
            / np.linalg.norm(theirs[0] - theirs[1])
            for ours, theirs in zip(found, expected, strict=True)
            if ours is not None and theirs is not None
        ]
    )


def measure(scale: Scale, folder: Path) -> dict:
    """Runs all measurements; the keys of the result are those of the printed JSON."""
    recordings = render_videos(folder, scale)
    programs: dict[str, Callable[[], Eyes]] = {
        ENGINE: lambda: engine(recordings, scale, 1),
        ENGINE_TWO: lambda: engine(recordings * REPEATS_FOR_TWO, scale, 2),
        FULL_SIZE: lambda: naive(recordings, 0),
        UPSAMPLE: lambda: naive(recordings, 1),
    }
    engine(recordings[:1], scale, 1)  # loads what is loaded once
    rates: dict[str, list[float]] = {name: [] for name in programs}
    cpu_ms: dict[str, list[float]] = {name: [] for name in programs}
    eyes: dict[str, Eyes] = {}
    for _ in range(scale.rounds):
        for name, program in programs.items():
            start, cpu_start = time.perf_counter(), _cpu_seconds()
            eyes[name] = program()
            rates[name].append(len(eyes[name]) / (time.perf_counter() - start))
            cpu_ms[name].append(1000 * (_cpu_seconds() - cpu_start) / len(eyes[name]))
    return {
        "scale": dataclasses.asdict(scale),
        "machine": machine.describe(PACKAGES),
        "programs": {
            name: {
                "crops_per_second": statistics.median(rates[name]),
                "cpu_ms_per_crop": statistics.median(cpu_ms[name]),
                "speedup_of_engine": _median_ratio(rates[ENGINE], rates[name]),
                "cpu_speedup_of_engine": _median_ratio(cpu_ms[name], cpu_ms[ENGINE]),
                "frames": len(eyes[name]),
                "without_face": sum(each is None for each in eyes[name]),
            }
            for name in programs
        },
        "two_processes_speedup": _median_ratio(rates[ENGINE_TWO], rates[ENGINE]),
        "eye_error_percent": {
            name: _summary(eye_errors(eyes[ENGINE], eyes[name])) for name in (UPSAMPLE, FULL_SIZE)
        },
    }


def table(results: dict) -> str:
    """Formats the results as Markdown."""
    lines = [
        "| program | crops/s | CPU ms/crop | engine gains | in CPU time | eye error, mean | max |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, values in results["programs"].items():
        error = results["eye_error_percent"].get(name)
        shown = f"{error['mean']:.2f} % | {error['max']:.2f} %" if error else "|"
        lines.append(
            f"| {name} | {values['crops_per_second']:.1f} | {values['cpu_ms_per_crop']:.1f} "
            f"| {values['speedup_of_engine']:.2f}x | {values['cpu_speedup_of_engine']:.2f}x "
            f"| {shown} |"
        )
    about = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    lines += [
        "",
        f"Two processes against one: {results['two_processes_speedup']:.2f}x. Without a face: "
        + ", ".join(f"{name} {each['without_face']}" for name, each in results["programs"].items()),
        "",
        about,
    ]
    return "\n".join(lines)


def _cpu_seconds() -> float:
    """Returns the CPU seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _median_ratio(numerators: list[float], denominators: list[float]) -> float:
    """Returns the median ratio of neighbours in time, which other load slows alike."""
    return statistics.median(np.divide(numerators, denominators).tolist())


def _summary(errors: np.ndarray) -> dict[str, float]:
    return {
        "mean": float(errors.mean()),
        "p95": float(np.percentile(errors, 95)),
        "max": float(errors.max()),
    }


def main() -> None:
    """Measures, prints, and writes the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="seconds; its ratios mean little")
    parser.add_argument("--json", type=Path, help="write the results here too")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(QUICK if flags.quick else Scale(), Path(folder))
    print(table(results), "\n")
    print(json.dumps(results, indent=2))
    if flags.json:
        flags.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
