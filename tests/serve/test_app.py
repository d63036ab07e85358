"""Tests of the page over HTTP: results, refusals, and deletion of uploads."""

import hashlib
import http.client
import io
import json
import re
import threading
import time

import numpy as np
import pytest
from avec_trees import write
from html_pages import read_page
from PIL import Image

from hmhn_jax.base.errors import UserError
from hmhn_jax.base.formats import SUFFIXES
from hmhn_jax.faces.media.video import VideoError
from hmhn_jax.serve.jobs import Outcome

EVALUATION = {"num_videos": 40, "split": "test", "mae": 3.47, "baseline_mae": 9.91}
PNG = b"\x89PNG a picture"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Encodes three seconds of grey, as bytes."""
    grey = [np.full((48, 64, 3), 128, np.uint8)] * 12
    return write(tmp_path_factory.mktemp("clip") / "clip.mp4", grey).read_bytes()


def digest(path, progress):
    """Returns the file's hash and path, in place of a network's result."""
    progress(0.5)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Outcome({"sha256": sha256, "path": str(path)}, (PNG,))


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


class Held:
    """Work that continues until it is released or cancelled."""

    def __init__(self):
        self.at_once = self.most_at_once = 0
        self.released = threading.Event()

    def __call__(self, path, progress):
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            for _ in range(2000):  # not for ever, or a test that fails would hang
                if self.released.wait(0.01):
                    break
                progress(0.25)
        finally:
            self.at_once -= 1
        return Outcome({"bytes": path.stat().st_size})


def test_an_upload_becomes_a_result(serving, temporary, clip):
    with serving(digest) as client:
        status, _, answer = client.upload(clip)
        assert status == 202
        job = client.wait(answer["id"])
        assert job["state"] == "done"
        assert job["error"] is None
        assert job["result"]["sha256"] == hashlib.sha256(clip).hexdigest()
        status, headers, picture = client.ask("GET", f"/jobs/{answer['id']}/pictures/0")
        assert (status, headers["content-type"], picture) == (200, "image/png", PNG)
        for number in ("1", "-1", "x", "1" * 5000):
            assert client.ask("GET", f"/jobs/{answer['id']}/pictures/{number}")[0] == 404
        assert files_in(temporary) == []
    assert list(temporary.iterdir()) == []


def test_the_senders_file_name_is_no_path(serving, temporary, clip):
    with serving(digest) as client:
        _, _, answer = client.upload(clip, name="..%2F..%2Fevil.mp4")
        path = client.wait(answer["id"])["result"]["path"]
    assert re.fullmatch(rf"{temporary}/hmhn-\w+/[\w-]+/upload\.mp4", path)


def test_the_page_has_all_it_needs_and_says_what_it_is(serving):
    with serving(digest) as client:
        for path, kind in (("/", "html"), ("/page.js", "javascript"), ("/page.css", "css")):
            status, headers, content = client.ask("GET", path)
            assert status == 200
            assert headers.get_content_type() == f"text/{kind}"
            assert headers["content-security-policy"].startswith("default-src 'self';")
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            # Of other places only the name that SVG goes by.
            assert set(re.findall(rb"https?://[^/\"]+", content)) <= {b"http://www.w3.org"}
            if path == "/":
                page = content.decode()
    assert "not a diagnosis" in page
    assert "Trained on synthetic faces" in page
    assert "off by\n  3.5 points" in page
    assert "avec_faces/&lt;b&gt;invented" in page


def read_words(client):
    return read_page(client.ask("GET", "/")[2].decode()).text


def test_the_page_shows_the_networks_error_and_its_occlusion_check(serving):
    with serving(pytest.fail) as client:
        words = read_words(client)
    assert "off by 3.5 points on average on its test videos; 95 % limits of agreement" in words
    assert "\u22129.4 to 7.5." in words
    assert "do not explain the score: on the network's test videos" in words
    assert "0.81 times as far as hiding another place (95 % interval 0.70 to 0.94)." in words


def test_maps_with_a_high_ratio_carry_no_disclaimer(serving):
    check = {"ratio": 1.5, "ratio_interval": [1.2, 1.9]}
    with serving(pytest.fail, EVALUATION | {"attention_check": check}) as client:
        words = read_words(client)
    assert "1.50 times as far" in words
    assert "explain" not in words


@pytest.mark.parametrize(
    ("evaluation", "error"),
    [
        (None, "How far off this network is has not been measured."),
        # As of an earlier version, or of a network without heads.
        (EVALUATION, "off by 3.5 points on average on its test videos."),
    ],
)
def test_the_page_says_what_was_not_measured(serving, evaluation, error):
    with serving(pytest.fail, evaluation) as client:
        words = read_words(client)
    assert error in words
    assert "no explanation of the score" in words
    assert "limits of agreement" not in words


def test_refusals_have_the_headers_too(serving):
    with serving(digest) as client:
        for path in ("/none", "/jobs/none", "/jobs/none/pictures/0"):
            status, headers, answer = client.ask("GET", path)
            assert status == 404
            assert answer["error"]
            assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "body", "status", "words"),
    [
        ("notes.txt", b"text", 415, "expected a video or a picture"),
        ("clip", b"text", 415, "got 'no'"),
        ("clip.mp4", b"no video at all", 415, "not a readable video"),
        ("face.png", b"no picture at all", 415, "not a readable video or picture"),
        ("clip.mp4", b"", 400, "empty"),
        ("clip.mp4", b"x" * 200_000, 413, "expected at most 0.1 MB"),
        ("face.png", b"x" * 60_000, 413, "expected at most 0.05 MB"),
        ("clip.mp4", (b"x" * 50_000 for _ in range(4)), 413, "expected at most 0.1 MB"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(serving, temporary, name, body, status, words):
    with serving(pytest.fail, max_bytes=100_000, max_picture_bytes=50_000) as client:
        got, _, answer = client.upload(body, name)
        assert (got, set(answer)) == (status, {"error"})
        assert words in answer["error"]
        assert "\n" not in answer["error"]
        assert files_in(temporary) == []


def test_all_that_predict_takes_is_taken(serving, clip):
    with serving(digest) as client:
        for suffix in SUFFIXES:
            status, _, answer = client.upload(clip, f"clip{suffix}")
            assert (status, set(answer)) == (202, {"id"})
            client.wait(answer["id"])


def test_a_picture_is_one_under_any_name(serving):
    buffer = io.BytesIO()
    Image.new("RGB", (150, 150)).save(buffer, "BMP")  # 67 kB
    for most, expected in ((50_000, 413), (100_000, 202)):
        with serving(digest, max_bytes=100_000, max_picture_bytes=most) as client:
            assert client.upload(buffer.getvalue(), "clip.mp4")[0] == expected


def test_a_long_video_is_refused(serving, clip):
    with serving(pytest.fail, max_duration_s=2.4) as client:
        status, _, answer = client.upload(clip)
    assert status == 422
    assert answer["error"] == "expected at most 0.04 minutes of video, got 0.1"


def test_two_at_once_wait_for_each_other_and_a_third_hears_busy(serving, clip):
    work = Held()
    with serving(work, max_jobs=2) as client:
        ids = [client.upload(clip)[2]["id"] for _ in range(2)]
        assert client.wait(ids[0], ["working"])["position"] == 0
        waiting = client.wait(ids[1], ["waiting"])
        assert waiting["position"] == 1
        status, headers, answer = client.upload(clip)
        assert status == 503
        assert "busy" in answer["error"]
        assert int(headers["retry-after"]) > 0

        work.released.set()
        for id in ids:
            assert client.wait(id)["result"] == {"bytes": len(clip)}
        assert client.upload(clip)[0] == 202
    assert work.most_at_once == 1


def test_only_the_last_results_are_kept(serving, clip):
    with serving(digest, max_results=2) as client:
        ids = []
        for _ in range(3):
            ids.append(client.upload(clip)[2]["id"])
            client.wait(ids[-1])
        assert [client.ask("GET", f"/jobs/{id}")[0] for id in ids] == [404, 200, 200]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UserError("no such thing"), "no such thing"),
        (VideoError("/tmp/secret/upload.mp4", "cut off"), "cut off"),
        (ZeroDivisionError("inside"), "not your file"),
    ],
)
def test_work_that_fails_says_so_and_leaves_nothing(serving, temporary, clip, error, words, capfd):
    def work(path, progress):
        raise error

    with serving(work) as client:
        job = client.wait(client.upload(clip)[2]["id"])
        assert job["state"] == "failed"
        assert words in job["error"]
        assert "secret" not in job["error"]
        assert files_in(temporary) == []
        assert client.upload(clip)[0] == 202  # it goes on
    assert ("ZeroDivisionError" in capfd.readouterr().err) == isinstance(error, ArithmeticError)


def test_a_discarded_job_ends_and_leaves_nothing(serving, temporary, clip):
    work = Held()
    with serving(work) as client:
        first, second = (client.upload(clip)[2]["id"] for _ in range(2))
        client.wait(first, ["working"])
        for id in (second, first):
            assert client.ask("DELETE", f"/jobs/{id}")[0] == 204
            assert client.ask("GET", f"/jobs/{id}")[0] == 404
        until(lambda: not work.at_once and not files_in(temporary))


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_upload_that_breaks_off_leaves_nothing(serving, temporary):
    with serving(pytest.fail) as client:
        connection = begin_upload(client, length=100_000)
        until(lambda: files_in(temporary))
        connection.close()
        until(lambda: not files_in(temporary))


def begin_upload(client, length):
    """Starts an upload of which some is missing."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port)
    connection.putrequest("POST", "/jobs?name=clip.mp4")
    connection.putheader("Content-Length", str(length))
    connection.endheaders(b"x" * (length // 2))
    return connection


def test_an_upload_that_stalls_is_given_up(serving, temporary):
    with serving(pytest.fail, stall_s=0.1) as client:
        connection = begin_upload(client, length=100_000)
        assert connection.getresponse().status == 408
        connection.close()
        assert files_in(temporary) == []


def test_the_end_of_the_server_ends_all_work_and_leaves_nothing(serving, temporary, clip, capfd):
    work = Held()
    with serving(work) as client:
        client.wait(client.upload(clip)[2]["id"], ["working"])
        client.upload(clip)
        connection = begin_upload(client, length=100_000)
        until(lambda: len(files_in(temporary)) == 3)
    assert list(temporary.iterdir()) == []
    assert work.at_once == 0
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)) == (503, {"error": "the page's program has ended"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    connection.close()
    assert capfd.readouterr().err == "ended with a request under way; nothing of it is kept\n"


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Host": "evil.example"}, "'evil.example'"),
        ({"Host": "evil.example:8000"}, "'evil.example:8000'"),
        ({"Host": "192.168.0.7"}, "'192.168.0.7'"),
        ({"Host": "localhost.evil.example"}, "evil"),
        ({"Origin": "http://evil.example"}, "'http://evil.example'"),
        ({"Origin": "null"}, "'null'"),
        ({"Host": "localhost:8000", "Origin": "http://localhost:9000"}, "9000"),
    ],
)
def test_other_peoples_pages_are_refused(serving, clip, headers, words):
    with serving(pytest.fail) as client:
        for method, path, body in (("POST", "/jobs?name=clip.mp4", clip), ("GET", "/", None)):
            status, answered, answer = client.ask(method, path, body, headers)
            assert status == 403
            assert words in answer["error"]
            assert answered["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:8000", "Origin": "http://localhost:8000"},
        {"Host": "127.0.0.1:8000"},
        {"Host": "[::1]:8000"},
    ],
)
def test_requests_of_the_own_page_are_answered(serving, clip, headers):
    with serving(digest) as client:
        assert client.ask("POST", "/jobs?name=clip.mp4", clip, headers)[0] == 202
