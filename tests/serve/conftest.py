"""Server in this process, and an HTTP client for it."""

import contextlib
import http.client
import json
import tempfile
import threading
import time
from pathlib import Path

import pytest
import uvicorn

from hmhn_jax.base import scales
from hmhn_jax.serve.app import make_app
from hmhn_jax.serve.ending import Server
from hmhn_jax.serve.limits import Limits

ABOUT = {
    "dataset": "avec_faces/<b>invented</b>",
    "network": "trained on <b>invented</b>",
    "synthetic": True,
    "evaluation": {
        "num_videos": 40,
        "split": "test",
        "mae": 3.47,
        "baseline_mae": 9.91,
        "agreement": {"bias": -0.95, "limit_low": -9.42, "limit_high": 7.53},
        "attention_check": {"ratio": 0.813, "ratio_interval": [0.7, 0.94]},
    },
    "scale": scales.default(),
}


class Client:
    """HTTP client with a connection per request."""

    def __init__(self, port: int):
        self.port = port

    def ask(self, method, path, body=None, headers=None):
        """Sends a request; returns status, headers and body, which is parsed if it is JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            content = answer.read()
            if answer.headers.get_content_type() == "application/json":
                content = json.loads(content)
            return answer.status, answer.headers, content

    def upload(self, body, name="clip.mp4"):
        return self.ask("POST", f"/jobs?name={name}", body)

    def wait(self, id, until=("done", "failed")):
        """Waits for one of these states; returns the job."""
        deadline = time.monotonic() + 60
        while True:
            _, _, job = self.ask("GET", f"/jobs/{id}")
            if job["state"] in until:
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.02)


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """Makes the folder for the server's temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


@pytest.fixture
def serving(temporary):
    """Returns serving(work, **limits), a context that serves a function's results for uploads.

    `evaluation` is what is known of the network's errors.
    """

    @contextlib.contextmanager
    def serving(work, evaluation=ABOUT["evaluation"], **limits):
        app = make_app(work, ABOUT | {"evaluation": evaluation}, Limits(**limits), "127.0.0.1")
        settings = uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1)
        server = Server(settings)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.005)
            yield Client(server.servers[0].sockets[0].getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()

    return serving
