"""Timelines that files have: generated recordings, sampled, and how much of each was looked at.

    python -m benchmarks.timelines [--files N] [--seed S] [--kept DIR]

Writes N small videos (MP4, also fragmented, Matroska, WebM, MPEG-TS, AVI; with and without B-frames
and sound, of constant and variable rate), most with something wrong: gaps, jumps far ahead, times
that go back or stand still, headers of a wrong length or none, edit lists, ends cut off, damaged
bytes. Each frame shows its number, so that the share of the recording that the sampled frames cover
is known: a stretch of frames counts as not covered where it is longer than two and a half
sampling intervals. Prints what was tried, and every file of which less than 95 % is covered without
a note that says so, or that a note calls unread though all is covered; ends with 1 if there is one.
"""

import argparse
import collections
import sys
import tempfile
from pathlib import Path

import av
import numpy as np

from benchmarks.timeline_files import Made, make, number_in
from hmhn_jax.faces.media.container import VideoError
from hmhn_jax.faces.media.video import sampled_frames

LEAST_COVERED = 0.95
LEAST_COVERED_OF_DAMAGED = 0.9  # some pictures decode, but show no number or a wrong one


def covered(made: Made, rate_hz: float, max_frames: int) -> tuple[float, tuple[str, ...]]:
    """Returns the share of a recording that the frames sampled of it cover, and the notes."""
    frames = sampled_frames(made.path, rate_hz, max_frames)
    interval = max(made.fps / rate_hz, made.num_frames / max_frames)
    found = [-1]
    for frame in frames:
        number = number_in(frame.rgb)  # of a damaged picture it may be any
        found.append(number if number < made.num_frames else found[-1] + interval)
    found = np.sort(found)
    stretches = np.diff(np.append(found, made.num_frames))
    missed = np.clip(stretches - 2.5 * interval - made.fps / 2, 0, None).sum()
    return 1 - missed / made.num_frames, frames.notes


def judged(made: Made, rng: np.random.Generator) -> str | None:
    """Returns what is wrong with how a file was sampled, None if nothing is."""
    rate_hz, max_frames = float(rng.choice([1, 4])), int(rng.choice([10, 40, 120]))
    share, notes = covered(made, rate_hz, max_frames)
    words = ["could not be", "could be found", "the file claims"]
    words += ["has no frames"] if "damage" in made.faults else []
    said = any(word in note for note in notes for word in words)
    unread = any("could not be decoded" in note for note in notes)
    least = LEAST_COVERED_OF_DAMAGED if "damage" in made.faults else LEAST_COVERED
    if share < least and not said:
        return f"{share:.0%} covered at {rate_hz:g} Hz, at most {max_frames}: {notes}"
    if unread and not {"cut", "damage"} & {*made.faults}:
        return f"{share:.0%} covered, but: {notes}"
    if made.faults == ("",) and notes and "sound" not in made.about:
        return f"nothing is wrong, but: {notes}"
    return None


def main(argv: list[str] | None = None) -> int:
    """Tries the files; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kept", type=Path, help="folder for all files")
    arguments = parser.parse_args(argv)
    av.logging.set_level(None)
    tried, failed = collections.Counter(), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.kept or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(arguments.files):
            rng = np.random.default_rng([arguments.seed, number])
            made = make(rng, folder, number)
            tried.update(
                f"{made.path.name.split('_')[1]}: {each or 'nothing'}" for each in made.faults
            )
            try:
                reason = judged(made, rng)
            except VideoError as error:  # said, too
                tried[f"refused: {error.reason}"] += 1
                reason = None if {"cut", "damage"} & {*made.faults} else str(error)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
            if reason:
                failed.append(f"{made.path.name}: {made.about}: {reason}")
            if not arguments.kept:
                made.path.unlink()
    for what, count in sorted(tried.items()):
        print(f"{count:4d} {what}")
    print(*failed, f"{len(failed)} of {arguments.files} files failed", sep="\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
