"""Tests of the page with a real network, and of the command that serves it."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import workdirs

from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.prediction import ensemble
from hmhn_jax.prediction.predict import predict_files
from hmhn_jax.recordings.synthetic.clips import Clip, encode
from hmhn_jax.serve import server
from hmhn_jax.serve.predictor import make_work

ROOT = Path(__file__).parents[2]
SIZE, FPS, NUM_FRAMES = (320, 240), 2, 6
BATCH = 1  # as a picture needs, so that the network is compiled once


@pytest.fixture(scope="module")
def config():
    hidden = {"evaluate.occlusion_patch": 0.5, "evaluate.occlusion_stride": 0.5}
    return workdirs.tiny_config(**{"evaluate.batch_size": BATCH}, **hidden)


@pytest.fixture(scope="module")
def workdir(config, tmp_path_factory):
    workdir = workdirs.make(tmp_path_factory.mktemp("run"), config)
    workdirs.evaluate(workdir, config)
    return workdir


@pytest.fixture(scope="module")
def members(config, workdir):
    return ensemble.restore(config, [workdir])


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Renders three seconds of a synthetic face."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    path.write_bytes(encode(Clip(0, 0, NUM_FRAMES, FPS, SIZE).frames(), FPS, SIZE))
    return path


@pytest.fixture
def run_page(serving, members, config):
    """Returns what the page shows for a file."""

    def run_page(path, max_duration_s=60.0):
        with serving(make_work(members, config.evaluate, max_duration_s)) as client:
            id = client.upload(path.read_bytes(), path.name)[2]["id"]
            job = client.wait(id)
            count = len(job["result"]["pictures"]) if job["result"] else 0
            return job, [client.ask("GET", f"/jobs/{id}/pictures/{n}")[2] for n in range(count)]

    return run_page


def test_the_page_says_what_prediction_says(run_page, members, clip):
    job, pictures = run_page(clip)
    result = job["result"]
    (expected,) = predict_files(members, [clip], BATCH, num_processes=1)
    assert result["score"] == pytest.approx(expected.score)
    assert result["band"] == expected.band
    assert result["score_std"] == pytest.approx(expected.score_std)
    assert result["warnings"] == list(expected.warnings)
    assert [each["time_s"] for each in result["frames"]] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    scores = [each["score"] for each in result["frames"]]
    assert scores == pytest.approx(list(expected.mean_scores))
    assert np.std(scores) > 0

    shown = sorted(scores, reverse=True)
    assert [each["score"] for each in result["pictures"]] == [shown[0], shown[3], shown[5]]
    assert result["largest_fall"] > 0
    for picture in pictures:  # the face, two heads' maps and what hiding does
        decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape == (64, 4 * 64, 3)


def test_a_picture_has_one_frame(run_page, tmp_path):
    face = next(Clip(0, 0, 1, FPS, SIZE).frames())
    cv2.imwrite(str(tmp_path / "face.png"), face[..., ::-1])
    job, pictures = run_page(tmp_path / "face.png")
    assert len(job["result"]["frames"]) == len(pictures) == 1
    assert job["result"]["duration_s"] is None
    assert [each["time_s"] for each in job["result"]["pictures"]] == [None]
    assert 0 <= job["result"]["score"] <= 63


def test_without_a_face_there_is_no_score_but_a_reason(run_page, tmp_path):
    grey = [np.full((48, 64, 3), 128, np.uint8)] * 4
    (tmp_path / "grey.mp4").write_bytes(encode(grey, 4, (64, 48)))
    job, pictures = run_page(tmp_path / "grey.mp4")
    assert job["state"] == "done"
    assert job["result"]["score"] is None
    assert "no face" in job["result"]["warnings"][0]
    assert pictures == []


def test_a_video_longer_than_it_says_ends_where_it_may(run_page, clip):
    job, _ = run_page(clip, max_duration_s=1.5)
    assert job["error"] == "longer than 0.025 minutes"


@pytest.fixture
def command(workdir, environment, tmp_path):
    """Starts `run.py --mode serve` on a free port; returns the process."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, ROOT / "run.py", "--workdir", workdir, "--mode=serve", "--port=0"],
        env=environment | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.wait()


def test_the_command_serves_until_it_is_interrupted(command, tmp_path):
    first = command.stdout.readline()
    assert "http://127.0.0.1:" in first, command.stderr.read()
    assert "synthetic" in command.stdout.readline()
    assert "not a diagnosis" in command.stdout.readline()
    port = int(first.split(":")[2].split()[0])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        page = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    assert page.startswith("HTTP/1.1 200")
    assert "off by\n  3.5 points" in page
    command.send_signal(signal.SIGINT)
    assert command.wait(60) == 0
    assert command.stderr.read() == ""
    assert list((tmp_path / "temporary").glob("hmhn-*")) == []


def test_a_port_that_is_taken_is_named(config, workdir):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--host 127.0.0.1 --port {port}: "):
            server.serve(config, workdir, "127.0.0.1", port)


def test_without_the_packages_one_line_says_what_to_install(config, workdir, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(UserError, match=r"uvicorn.*pip install 'hmhn-jax\[serve\]'"):
        server.serve(config, workdir, "127.0.0.1", 0)


def test_an_address_that_others_reach_causes_a_warning(config, workdir, monkeypatch, capsys):
    monkeypatch.setattr("uvicorn.Server.run", lambda *_, **__: None)
    server.serve(config, workdir, "0.0.0.0", 0)
    assert "warning: anyone who can reach 0.0.0.0" in capsys.readouterr().out
