"""Results: kept until they are deleted, shown and saved as what they are."""

import csv
import re
import urllib.parse
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from avec_trees import write
from html_pages import read_page

from hmhn_jax import config as config_lib
from hmhn_jax.base import scales
from hmhn_jax.base.errors import UserError
from hmhn_jax.prediction.conformal import Interval
from hmhn_jax.prediction.output.tables import FILE_COLUMNS
from hmhn_jax.prediction.result import Prediction
from hmhn_jax.serve import results
from hmhn_jax.serve.jobs import Outcome
from hmhn_jax.serve.predictor import describe

FOLDER = Path(__file__).parents[2] / "hmhn_jax" / "serve"
NAME = '<script>Ä</script>,"é".mp4'
PNG = cv2.imencode(".png", np.zeros((4, 12, 3), np.uint8))[1].tobytes()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Three seconds of grey, as bytes."""
    grey = [np.full((48, 64, 3), 128, np.uint8)] * 12
    return write(tmp_path_factory.mktemp("clip") / "clip.mp4", grey).read_bytes()


def made(score=19.45, **fields):
    """Returns what the page is told of a prediction."""
    trained = SimpleNamespace(model=SimpleNamespace(use_mab=True, num_heads=2))
    settings = config_lib.default().evaluate
    return describe(
        Prediction(Path("upload.mp4"), score=score, **fields), [trained], settings
    ).values


def predicting(**fields):
    frames = [{"time_s": float(n), "score": 15.0 + n} for n in range(9)]
    pictures = [{"time_s": 1.0, "score": 16.0}]
    values = made(**{"face_found_rate": 0.5, "warnings": ("a & b", "<i>c"), **fields})
    values |= {"frames": frames, "frames_used": 9, "pictures": pictures}
    return lambda path, progress: Outcome(values, (PNG,))


def test_an_interval_is_shown_with_what_it_is_worth():
    held = "80 % intervals held 81 % out of fold"
    about = {"evaluation": None, "intervals": held, "scale": scales.default()}
    outcome = Outcome(made(intervals=(Interval(0.8, 12.34, 30.0),)), ())
    job = SimpleNamespace(id="1", name="a.mp4", error=None, outcome=outcome)
    text = " ".join(results.fragment(results.make_environment(about), job).split())
    assert "80 % interval 12.3 to 30.0" in text
    assert held in text


def finish(client, clip, name=NAME):
    id = client.upload(clip, urllib.parse.quote(name))[2]["id"]
    return id, client.wait(id)


def test_a_result_is_there_until_it_is_deleted_and_told_to_nobody_else(serving, clip):
    with serving(predicting()) as client:
        first, job = finish(client, clip)
        second, _ = finish(client, clip, "two.mp4")
        assert job["name"] == NAME
        assert job["summary"] == f"{job['name']}: 19.4 on BDI-II, mild"
        # A browser that loads the page again asks for what it has kept the ids of.
        page = client.ask("GET", "/")[2].decode()
        assert all(each not in page for each in (first, second, "Ä</", "two.mp4"))
        for id in (first, second):
            assert client.ask("GET", f"/jobs/{id}/result")[0] == 200
        client.ask("DELETE", f"/jobs/{first}")
        for path in (f"/jobs/{first}/result", f"/results.csv?id={first}", "/results.html"):
            assert client.ask("GET", path)[0] == 404
        assert client.ask("GET", f"/jobs/{second}/result")[0] == 200


def test_the_result_is_shown_with_its_names_as_text(serving, clip):
    with serving(predicting()) as client:
        id, _ = finish(client, clip)
        _, headers, content = client.ask("GET", f"/jobs/{id}/result")
    assert headers.get_content_type() == "text/html"
    page = read_page(content.decode())
    assert "script" not in page.tags
    assert page.tags.count("svg") == 3  # where in the bands, over time, the colours of hiding
    assert page.images == [f"jobs/{id}/pictures/0"]
    for words in (
        "<script>Ä</script>",
        "19.4 of 63 points: mild (14 to 19 in whole points)",
        "off by 3.5 points on average on its test videos; 95 % limits of agreement",
        "a & b <i>c",
        "face found 50 % of frames",
        "The only frame: 16.0 points, at 1.0 s",
        "do not explain the score",
    ):
        assert words in page.text
    # The policy of the page would refuse them.
    assert page.styles == ""
    assert "data:" not in content.decode()


@pytest.mark.parametrize("score", [0.0, 13.449, 13.451, 19.449, 19.45, 19.451, 28.46, 63.0])
def test_the_level_is_that_of_the_score_as_it_is_shown(serving, clip, score):
    with serving(predicting(score=score)) as client:
        id, job = finish(client, clip)
        text = read_page(client.ask("GET", f"/jobs/{id}/result")[2].decode()).text
    shown, band, low, high = re.search(
        r"([\d.]+) of 63 points: ([a-z ]+) \((\d+) to (\d+) in whole points\)", text
    ).groups()
    (found,) = (each for each in scales.default().bands if each.name == band)
    assert (found.least, found.greatest) == (int(low), int(high))
    assert int(low) <= int(float(shown) + 0.5) <= int(high)
    assert f"{shown} on BDI-II, {band}" in job["summary"]


def test_no_score_has_a_reason_and_no_figure(serving, clip):
    def work(path, progress):
        return Outcome(made(None, warnings=("no score: no face",), face_found_rate=0.0))

    with serving(work) as client:
        id, job = finish(client, clip, "empty.mp4")
        page = read_page(client.ask("GET", f"/jobs/{id}/result")[2].decode())
    assert job["summary"] == "empty.mp4: no score"
    assert "No score no score: no face" in page.text
    assert "svg" not in page.tags


def test_several_are_saved_as_one_table(serving, clip):
    def work(path, progress):
        if path.stat().st_size == len(clip):
            return predicting()(path, progress)
        raise UserError("no such thing")

    with serving(work) as client:
        ids = [finish(client, body)[0] for body in (clip, clip + b" ")]
        query = "&".join(f"id={id}" for id in [*ids, "unknown"])
        status, headers, content = client.ask("GET", f"/results.csv?{query}")
    assert (status, headers.get_content_type()) == (200, "text/csv")
    assert headers.get_filename() == "results.csv"
    good, bad = csv.DictReader(content.decode().splitlines())
    assert list(good)[: len(FILE_COLUMNS)] == FILE_COLUMNS
    assert (good["file"], good["score"], good["band"]) == (
        NAME,
        "19.4500",
        "mild",
    )
    assert good["warnings"] == "a & b; <i>c"
    assert (bad["score"], bad["error"]) == ("", "no such thing")
    assert good["network"] == bad["network"] == "trained on <b>invented</b>"


def test_the_saved_page_stands_alone_and_says_what_it_is(serving, clip):
    with serving(predicting()) as client:
        ids = [finish(client, clip, name)[0] for name in ("one.mp4", "two.mp4")]
        content = client.ask("GET", f"/results.html?id={ids[0]}&id={ids[1]}")[2].decode()
    page = read_page(content)
    assert [link[:22] for link in page.links] == ["data:image/png;base64,"] * 2
    assert "script" not in page.tags
    assert not re.search(r"url\(|@import", page.styles)
    assert page.text.index("one.mp4") < page.text.index("two.mp4")
    for words in ("not a diagnosis", "Trained on synthetic faces", "off by 3.5 points"):
        assert words in page.text


def test_progress_ends_when_the_work_does(serving, clip):
    def work(path, progress):
        progress(0.5)
        if path.stat().st_size > len(clip):
            raise UserError("no such thing")
        return Outcome({"score": None})

    with serving(work) as client:
        jobs = [finish(client, body)[1] for body in (clip, clip + b" ")]
    assert [(job["state"], job["progress"]) for job in jobs] == [("done", 1.0), ("failed", 1.0)]
    assert jobs[1]["summary"].endswith(": no such thing")


@pytest.mark.parametrize("path", ["/jobs/x/result", "/results.csv?id=x", "/results.html?id=x"])
def test_other_peoples_pages_cannot_ask_for_results(serving, path):
    with serving(pytest.fail) as client:
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            status, answered, _ = client.ask("GET", path, None, headers)
            assert status == 403
            assert answered["cross-origin-resource-policy"] == "same-origin"


def test_what_is_going_on_can_be_heard(serving):
    with serving(pytest.fail) as client:
        page = client.ask("GET", "/")[2].decode()
    assert re.search(r'<progress role="progressbar" aria-label="[^"]+"', page)
    assert re.search(r'id="news"[^>]* role="status" aria-live="polite"', page)
    assert re.search(r'<input type="file" [^>]*multiple', page)


def test_the_script_finds_all_that_it_looks_for():
    script, page = ((FOLDER / name).read_text() for name in ("page.js", "page.html"))
    selectors = set(re.findall(r'find\("([^"]+)"', script))
    assert {"#row", "#news", "#results", "progress"} <= selectors
    for selector in selectors:
        for part in selector.split():
            kind, name = part[0], part[1:]
            looked_for = {"#": f'id="{name}"', ".": f'class="{name}"'}.get(kind, f"<{part}")
            assert looked_for in page, selector
