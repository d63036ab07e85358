"""Cropping speed of this version compared with another one, on the same videos in turns.

    python -m benchmarks.crop_speed OTHER_CLONE [--rounds N] [--video FILE]

OTHER_CLONE is a folder with another version of this repository. Both crop every frame of 30
rendered clips of 12 frames, and `--video`, such as of ten minutes, at 1 Hz. Prints medians over
rounds; above 1 this version is faster. Where the machine has other work, trust CPU time more.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from hmhn_jax.recordings.synthetic.clips import Clip, encode

NUM_CLIPS, NUM_FRAMES, FPS, SIZE = 30, 12, 4, (640, 480)

# Reads lines "RATE_HZ VIDEO ..." (tab-separated; 0 for every frame), writes wall and CPU seconds.
WORKER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import cv2
try:
    from hmhn_jax.faces.crop import CropSettings, crop_video
    from hmhn_jax.faces.detection.detector import load_detector
except ImportError:  # older names
    from hmhn_jax.faces.crops import CropSettings, crop_video
    from hmhn_jax.faces.detection import load_detector
cv2.setNumThreads(1)  # as in the processes that crop
detector = load_detector()
for line in sys.stdin:
    rate_hz, *videos = line.rstrip("\\n").split("\\t")
    wall, cpu = time.perf_counter(), time.process_time()
    for video in videos:
        crop_video(Path(video), CropSettings(rate_hz=float(rate_hz) or None), detector)
    print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)
"""


def seconds(worker: subprocess.Popen, job: str) -> list[float]:
    """Returns wall and CPU seconds of a job in a worker process."""
    print(job, file=worker.stdin, flush=True)
    return [float(each) for each in worker.stdout.readline().split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("other", type=Path, help="a folder with another version")
    parser.add_argument("--rounds", type=int, default=3, help="of two each, in either order")
    parser.add_argument("--video", type=Path, help="also crop this one, at 1 Hz")
    flags = parser.parse_args()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    roots = [flags.other.resolve(), Path(__file__).parents[1]]
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, root], **pipes) for root in roots]
    print("| videos | seconds | other version | this version | other / this |\n" + "|---" * 5 + "|")
    with tempfile.TemporaryDirectory() as folder:
        clips = [Path(folder, f"{index}.mp4") for index in range(NUM_CLIPS)]
        for index, clip in enumerate(clips):
            frames = Clip(0, index, NUM_FRAMES, FPS, SIZE).frames()
            clip.write_bytes(encode(frames, FPS, SIZE))
        jobs = {f"{len(clips)} clips": "\t".join(["0", *map(str, clips)])}
        jobs |= {flags.video.name: f"1\t{flags.video.resolve()}"} if flags.video else {}
        for name, job in jobs.items():
            rounds = []
            for step in [1, -1] * flags.rounds:
                rounds.append([seconds(each, job) for each in workers[::step]][::step])
            times = np.moveaxis(rounds[1:], 0, -1)  # [version, kind, round]; the first warms up
            rows = np.median([*times, times[0] / times[1]], axis=-1).T
            for kind, (other, this, ratio) in zip(("wall", "CPU"), rows, strict=True):
                print(f"| {name} | {kind} | {other:.2f} | {this:.2f} | {ratio:.3f} |")


if __name__ == "__main__":
    main()
