"""Tests that the server's shutdown is not cut short; test_app.py has the rest."""

import signal

import uvicorn

from hmhn_jax.serve.ending import Server


def test_a_second_interrupt_does_not_skip_the_removal_of_uploads():
    server = Server(uvicorn.Config("none:app"))
    for _ in range(2):
        server.handle_exit(signal.SIGINT, None)
    assert server.should_exit
    assert not server.force_exit
