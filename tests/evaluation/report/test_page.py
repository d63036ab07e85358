"""Tests of the report: self-contained, escaped, and complete."""

import base64
import dataclasses
import re
from configparser import ConfigParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from html_pages import read_page

from configs import default
from hmhn_jax.base import scales
from hmhn_jax.evaluation import baselines
from hmhn_jax.evaluation.protocols import evaluate_protocols
from hmhn_jax.evaluation.report import faces
from hmhn_jax.evaluation.report.page import describe, write_report
from hmhn_jax.faces.media.jpeg import thumbnail
from hmhn_jax.input_pipeline.crops import Crops, Video
from hmhn_jax.prediction.video_means import VideoMeans

NUM_VIDEOS = 24
SCRIPT = "<script>alert('x')</script>"
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def crops():
    """Makes 24 videos of 12 people, two crops each, the last with one; odd names."""
    rng = np.random.default_rng(0)
    videos = [
        Video(f"v{i:02}{SCRIPT}", f"<b>s{i // 2}", f"x{i // 2}", f"<i>{i % 2}", float(i))
        for i in range(NUM_VIDEOS)
    ]
    video_of_crop = np.repeat(np.arange(NUM_VIDEOS, dtype=np.int32), 2)[:-1]
    decoded = rng.integers(0, 256, (len(video_of_crop), 16, 16, 3), dtype=np.uint8)
    return Crops([b""] * len(decoded), video_of_crop, videos, 16, decoded)


@pytest.fixture(scope="module")
def means(crops):
    # Errors grow with the video's number, but for the first, which is the worst of all.
    frames = 1.2 * crops.scores[crops.video_of_crop] + np.arange(len(crops)) % 2
    frames[:2] = 50
    return VideoMeans.empty(NUM_VIDEOS).add(frames, crops.video_of_crop, np.ones(len(crops), bool))


SEEN = {"<b>s0": 3.0, "<b>s1": 4.0}


def make_results(crops, means, seen=SEEN, **changes):
    predictions = means.compute(crops.scale)
    protocols = evaluate_protocols(crops.videos, predictions, 15.0, seen)
    details = {video.video_id: {"<u>sex": "fm"[i % 2]} for i, video in enumerate(crops.videos)}
    config, data = default.get_config().to_dict(), {"synthetic": True, "fingerprint": "f" * 64}
    versions = {"jax": "1.2.3"}
    trained = {"config": config, "data": data, "score_mean": 15.0, "init_from": None}
    return {
        "dataset": "avec_faces/synthetic",
        "split": "test",
        "synthetic": True,
        **protocols["clips"],
        "protocols": protocols,
        **describe(crops, predictions, details),
        "num_frames": len(crops),
        "num_parameters": 1234567,
        "checkpoint_step": 20,
        "seed": 4711,
        "config": config,
        "data": data,
        "trained": trained | {"versions": versions},
        "versions": versions,
    } | changes


@pytest.fixture
def make(tmp_path, crops, means):
    """Returns make(changes of the results, **arguments of write_report) -> the page's HTML."""

    def make(changes=None, crops=crops, means=means, **arguments):
        path = tmp_path / "report.html"
        write_report(path, crops, means, make_results(crops, means, **(changes or {})), **arguments)
        return path.read_text(encoding="utf-8")

    return make


SCALARS = [{"step": step, "loss": 300.0 / step, "validation_mae": 9.0} for step in (10, 20)]


def test_the_page_loads_nothing_from_elsewhere(make):
    html = make(scalars=SCALARS)
    page = read_page(html)
    assert page.links
    assert all(link.startswith("data:image/") for link in page.links)
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert not re.search(r"url\(|@import", page.styles)
    for image in page.images:
        content = base64.b64decode(image.split(",", 1)[1], validate=True)
        if image.startswith("data:image/svg+xml"):
            assert not re.search(rb'(href|src)="(?!#)', content)
        else:
            decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
            assert decoded.shape == (96, 96, 3)
    assert len(page.images) == 4 + 5 * 2 - 1  # figures, and crops of the five worst videos
    assert len(html) < 1_000_000


def test_a_scale_without_bands_has_no_table_of_them(make, crops):
    own = scales.parse({"name": "<b>Own", "least": 0, "greatest": 90, "worse": "low"}, "here")
    page = read_page(make(crops=dataclasses.replace(crops, scale=own)))
    assert "Severity" not in page.text
    assert "true severity" not in page.text
    assert "predicted <b>Own scores" in page.text
    assert "from 0 to 90 points; low scores are worse" in page.text
    assert "Severity" in read_page(make()).text


def test_names_are_escaped(make):
    html = make()
    assert SCRIPT not in html
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in html
    text = read_page(html).text
    for name in (f"v00{SCRIPT}", "<b>s0", "<i>0", "<u>sex"):
        assert name in text


def test_required_statements_are_present(make, crops, means):
    text = read_page(make(scalars=SCALARS)).text.replace("\u2212", "-")  # the minus sign
    results = make_results(crops, means)
    clips, limits = results["protocols"]["clips"], results["agreement"]
    for name in ("mae", "rmse", "pearson", "concordance", "r2"):
        assert f"{clips[name]:.2f} {clips[f'{name}_low']:.2f} to" in text
    for expected in (
        "24 videos of 12 people, 47 face crops",
        "Research software, not a diagnosis",
        "always the training mean (15.00)",
        f"{clips['baseline_mae']:.2f} {clips['baseline_rmse']:.2f}",
        "clips sessions sessions seen sessions unseen",
        "number 24 12 2 10",
        f"Bias {limits['bias']:.2f} (line)",
        f"to {limits['limit_high']:.2f} (dashed)",
        "seed 4711",
        "f" * 64,
        "jax 1.2.3",
        "step 20",
    ):
        assert expected in text
    assert text.count("Research software") == 1
    right = sum(results["severities"]["counts"][i][i] for i in range(4))
    assert f"{right} of 24 are predicted in the right level" in text


def test_the_same_persons_mean_is_a_baseline_of_people_seen_in_training_only(make):
    text = read_page(make()).text
    assert "the same person's mean in training, where there is one" in text
    assert "same person: MAE, RMSE" in text
    text = read_page(make({"seen": {}})).text
    assert "where there is one" not in text
    assert "same person: MAE" not in text
    assert "No person of this split is in the training videos" in text


def test_config_is_told_by_its_differences(make):
    text = read_page(make()).text
    short, whole = text.split("The whole config")
    assert "model.width 16 64" in short
    assert "model.num_heads" not in short
    assert "model.num_heads 4" in whole


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "Synthetic faces, not clinical data"),
        ({"synthetic": False}, "trained on synthetic faces"),
    ],
)
def test_synthetic_faces_are_announced(make, changes, label):
    assert label in read_page(make(changes)).text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"dataset": "avec_faces/avec2014"}, None),  # rendered in the layout of the real
        ({"dataset": "avec_faces/folder", "synthetic": False}, None),
        ({"dataset": "avec_faces/avec2013", "synthetic": False}, "HMHN end to end 6.05 7.38"),
        ({"dataset": "avec_faces/avec2014", "synthetic": False}, "HMHN end to end 6.01 7.60"),
    ],
)
def test_published_errors_are_shown_for_the_same_data_only(make, changes, expected):
    text = read_page(make(changes)).text
    assert ("Published errors" in text) == (expected is not None)
    assert "6.05 7.38" not in text or expected == "HMHN end to end 6.05 7.38"
    assert expected is None or expected in text


def test_faces_of_people_are_said_to_be_so(make):
    assert "real people" in read_page(make({"synthetic": False})).text
    assert "real people" not in read_page(make()).text


def test_lost_scalars_and_a_single_video_do_no_harm(make, crops):
    one = Crops([b""], np.zeros(1, np.int32), crops.videos[:1], 16, crops.decoded[:1])
    means = VideoMeans.empty(1).add(np.array([3.0]), np.zeros(1, int), np.ones(1, bool))
    page = read_page(make(crops=one, means=means))
    assert "There is no scalars.jsonl" in page.text
    assert "Pearson correlation not defined no interval" in page.text
    assert "limits of agreement not defined" in page.text
    assert "nan" not in page.text.lower()
    assert len(page.images) == 3


def test_maps_are_below_the_crops_of_their_video(make, crops):
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    without = read_page(make())
    # Of the worst video and of a good one: two heads, three crops.
    heads = np.broadcast_to(red, (2, 3, 8, 8, 3))
    maps = {crops.videos[index].video_id: heads for index in (0, 5)}
    page = read_page(make(head_maps=maps))
    assert page.text.count("What each head attends to") == 1
    assert len(page.images) == len(without.images) + 6
    assert page.images[5:11] == [thumbnail(red, 96)] * 6


def test_the_attention_check_is_a_number_with_its_meaning(make):
    assert "Do the heads' maps mean anything" not in read_page(make()).text
    check = {
        "num_crops": 192,
        "num_videos": 40,
        "top_share": 0.2,
        "top": 1.25,
        "random": 1.0,
        "ratio": 1.25,
        "ratio_interval": [1.1, 1.5],
        "heads": [{"top": 1.25, "random": 1.0, "ratio": 1.25}],
    }
    text = read_page(make({"attention_check": check})).text
    assert "1.25 times as far" in text
    assert "1.10 to 1.50" in text
    assert text.index("1.25 times as far") < text.index("Largest errors")  # and their maps
    nothing = dict.fromkeys(("top", "random", "ratio", "ratio_interval"))
    assert "not defined" in read_page(make({"attention_check": check | nothing})).text


def test_videos_of_the_training_are_announced(make):
    assert "Errors on new videos" not in read_page(make()).text
    notice = "The network was trained on some or all of these videos."
    assert notice in read_page(make({"notices": [notice]})).text


def test_an_ensemble_says_who_is_in_it(make):
    member = {"workdir": "runs/<a>", "seed": 3, "checkpoint_step": 480, "mae": 4.0, "rmse": 5.0}
    together = {"members": [member, member], "mean_members_std": 0.75}
    page = read_page(make({"ensemble": together}))
    assert "runs/<a>" in page.text
    assert "0.75 points" in page.text


def test_the_worst_videos_and_crops_spread_over_them():
    videos = [Video(f"v{i}", "s", "x", "t", 10.0) for i in range(3)]
    crops = Crops([b""] * 14, np.repeat([0, 1, 2], (1, 11, 2)), videos, 16)
    predictions = np.array([11.0, 3.0, 14.0])
    chosen = faces.worst_crops(crops, predictions, num_videos=2, num_crops=3)
    assert {video: rows.tolist() for video, rows in chosen.items()} == {1: [1, 6, 11], 2: [12, 13]}


def test_equal_results_give_equal_files(make):
    assert make(scalars=SCALARS) == make(scalars=SCALARS)


@pytest.mark.parametrize("name", ["contact_sheet.html", "report.html", "model_card.md"])
def test_the_template_is_shipped(name):
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    patterns = config["options.package_data"]["hmhn_jax.base"].split()
    shipped = {path for pattern in patterns for path in (ROOT / "hmhn_jax" / "base").glob(pattern)}
    assert ROOT / "hmhn_jax" / "base" / "templates" / name in shipped


AUDIT = {
    "conditions": [
        {
            "condition": "face size",
            "r": 0.61,
            "r_low": 0.3,
            "r_high": 0.8,
            "p": 0.001,
            "score_r": 0.1,
        }
    ],
    "views": [{"view": "border only", "r": None, "r_low": None, "r_high": None, "change": 12.5}],
    "person": None,
    "found": ["predictions follow face size, r = 0.61 (0.30 to 0.80)"],
    "verdict": "predictions follow face size, r = 0.61 (0.30 to 0.80)",
    "num_crops": 47,
    "num_people": 12,
    "false_alarms": 0.05,
}


def test_the_audit_and_the_baselines_are_shown(make, crops, means):
    values = {"motion": np.full(NUM_VIDEOS, 12.0), "texture": crops.scores + 0.1}
    subjects = np.array([video.subject_id for video in crops.videos])
    rows = baselines.compare(values, crops.scores, subjects, means.compute(crops.scale))
    notes = ["features: a <file> is not there"]
    html = make({"audit": AUDIT, "baselines": {"rows": rows, "notes": notes}})
    text = read_page(html).text.replace("\u2212", "-")
    assert "Predictions follow face size, r = 0.61 (0.30 to 0.80)." in text
    assert "face size 0.61 0.30 to 0.80 0.10" in text
    assert "border only not defined no interval 12.50" in text
    assert "names one in 5 % of audits" in text
    for row in rows:
        assert row["sentence"] in text
        assert f"{row['gain']:.2f} {row['gain_low']:.2f} to {row['gain_high']:.2f}" in text
    assert "Baseline features: a <file> is not there." in text
    assert "Shortcut audit" not in read_page(make()).text


def test_occlusion_maps_have_a_row_and_one_colour_bar(make, crops, means):
    worst = faces.worst_crops(crops, means.compute(crops.scale))
    maps = {
        crops.videos[video].video_id: np.full((len(indices), 16, 16), 1.5)
        for video, indices in worst.items()
    }
    without, page = read_page(make()), read_page(make(occlusion_maps=maps))
    assert len(page.images) == len(without.images) + 1 + sum(map(len, worst.values()))
    assert page.text.count("What hiding each place does to the score") == len(worst)
