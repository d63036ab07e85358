"""Tests of the contact sheet."""

import base64
import re

import cv2
import numpy as np
import pytest

from hmhn_jax.faces.contact_sheet import write_contact_sheet
from hmhn_jax.faces.crop import CropFailure, CropSettings
from hmhn_jax.faces.jobs import crop_videos
from hmhn_jax.faces.report import report


@pytest.fixture(scope="module")
def reports(recordings):
    results = crop_videos(recordings[:2], CropSettings(rate_hz=None), num_processes=1)
    found = [report(recording, result) for recording, result in results]
    return [*found, report(recordings[2], CropFailure("no face <b>found</b>", None))]


def test_a_report_shows_first_middle_and_last_crop(reports):
    first = reports[0]
    assert (first.num_sampled, first.num_crops, first.found_rate) == (6, 6, 1.0)
    assert first.confidence > 0
    assert len(set(first.thumbnails)) == 3
    for uri in first.thumbnails:
        jpeg = base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))
        assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (112, 112, 3)


def test_the_page_holds_every_video_the_worst_first(reports, tmp_path):
    path = tmp_path / "contact_sheet.html"
    write_contact_sheet(path, "synthetic <faces>", reports)
    page = path.read_text()
    names = re.findall(r"<b>(.*?)</b>", page)
    assert sorted(names) == sorted(each.recording.video_id for each in reports)
    assert names[0] == reports[2].recording.video_id
    pictures = re.findall(r'src="([^"]+)"', page)
    assert sorted(pictures) == sorted(uri for each in reports for uri in each.thumbnails)
    assert "3 videos, 1 of them" in page


def test_the_page_needs_no_network_and_runs_no_names(reports, tmp_path):
    path = tmp_path / "contact_sheet.html"
    write_contact_sheet(path, "synthetic <faces>", reports)
    page = path.read_text()
    assert "http" not in page
    assert "synthetic &lt;faces&gt;" in page
    assert "no face &lt;b&gt;found" in page
