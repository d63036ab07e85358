"""Warnings of a build and of a prediction, the same for the same video."""

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from hmhn_jax.faces import cache, report
from hmhn_jax.faces.contact_sheet import write_contact_sheet
from hmhn_jax.faces.crop import Crop, CropSettings, VideoCrops, crop_video
from hmhn_jax.faces.warnings import warnings_of
from hmhn_jax.prediction import result as prediction
from hmhn_jax.recordings.recording import Recording

EVERY_FRAME = CropSettings(rate_hz=None)


def clip(people):
    return people[0]


def cut_to_another_person_in_the_same_place(people):
    return [*people[0][:3], *people[1][:3]]


def jump_of_a_small_face(people):
    small = [cv2.resize(frame, None, fx=0.5, fy=0.5) for frame in people[0]]
    left = [cv2.copyMakeBorder(frame, 0, 0, 0, 640, cv2.BORDER_REPLICATE) for frame in small[:3]]
    right = [cv2.copyMakeBorder(frame, 0, 0, 640, 0, cv2.BORDER_REPLICATE) for frame in small[3:]]
    return [*left, *right]


def two_people(people):
    return [np.concatenate(both, axis=1) for both in zip(people[0], people[1], strict=True)]


def mostly_nobody(people):
    empty = np.full_like(people[0][0], 128)
    return [*people[0][:4], *[empty] * 8]


def hardly_anybody(people):
    empty = np.full_like(people[0][0], 128)
    return [*people[0][:2], *[empty] * 8]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (clip, []),
        (cut_to_another_person_in_the_same_place, ["the whole picture changes once"]),
        (jump_of_a_small_face, ["the face jumps to another place once"]),
        (two_people, ["more than one face in at least "]),
        (mostly_nobody, ["a face in only 4 of 12 frames"]),
        (hardly_anybody, ["too little for a score: a face in 2 of 10 frames; expected at least 3"]),
    ],
)
def test_the_build_warns_of_what_a_prediction_warns_of(
    people, detector, write_video, recordings, tmp_path, make, expected
):
    frames = make(people)
    path = write_video("a.mp4", frames, np.arange(len(frames)) / 4)
    crops = crop_video(path, EVERY_FRAME, detector)
    cache.write(tmp_path / "a.crops", crops)
    recording = dataclasses.replace(recordings[0], path=path)
    for result in (crops, cache.read(tmp_path / "a.crops")):
        warnings = report.report(recording, result).warnings
        assert all(any(line in each for each in warnings) for line in expected), warnings
        assert bool(warnings) == bool(expected)
        scores = np.ones((1, len(result.crops)))
        assert prediction.summarise(path, result, scores, 3.0, {}).warnings == warnings


def video(num_frames, confidence=1.0):
    eyes = np.zeros((2, 2))
    crops = [Crop(b"", i, i / 2, (10, 10, 50, 50), eyes, confidence) for i in range(num_frames)]
    return VideoCrops(tuple(crops), num_frames, "")


def test_a_weak_detection_is_warned_of_in_videos_and_pictures():
    for is_picture in (False, True):
        weak, sure = (
            dataclasses.replace(video(5, confidence), is_picture=is_picture)
            for confidence in (0.1, 0.3)
        )
        (warning,) = warnings_of(weak)
        assert warning == "a weak detection: the median confidence of the face is 0.10"
        assert not list(warnings_of(sure))


def reported(name, num_frames, **fields):
    recording = Recording(Path(f"{name}.mp4"), name, name, "video", "train", 3.0)
    return report.CropReport(recording, "ab", num_frames, num_frames, 0.5, **fields)


def test_short_videos_are_warned_of_when_all_are_known():
    reports = [reported("a", 60), reported("b", 10), reported("c", 55, warnings=("loud",))]
    reports.append(report.CropReport(reports[0].recording, "ab", failure="damaged"))
    noted = report.with_short_ones_noted(reports)
    short = "short: 10 frames; videos for training have 42 on average"
    assert [each.warnings for each in noted] == [(), (short,), ("loud",), ()]


def test_the_page_shows_failures_and_warnings_first(tmp_path):
    reports = [reported("a", 9), reported("b", 8, warnings=("a <b>cut</b>",)), reported("c", 7)]
    failed = dataclasses.replace(reports[0].recording, video_id="d")
    reports.append(report.CropReport(failed, None, failure="damaged"))
    write_contact_sheet(tmp_path / "page.html", "crops", reports)
    page = (tmp_path / "page.html").read_text()
    order = [page.index(f"<b>{name}</b>") for name in "dbac"]
    assert order == sorted(order)
    assert "a &lt;b&gt;cut&lt;/b&gt;" in page
    assert json.loads(json.dumps(reports[1].summary()))["warnings"] == ["a <b>cut</b>"]
