"""Tests of the host names that count as this machine's."""

import socket

import pytest

from hmhn_jax.serve.guard import is_loopback, is_own_name

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.5.5.5", "::1"])
def test_loopback_names_are_always_own_names(name):
    assert is_loopback(name)
    for bound_to in ("127.0.0.1", "localhost", "0.0.0.0", "192.168.0.7"):
        assert is_own_name(name, bound_to)


def test_addresses_are_own_names_if_others_can_reach_them():
    assert not is_loopback("0.0.0.0")
    assert not is_own_name("192.168.0.7", "127.0.0.1")
    assert is_own_name("192.168.0.7", "0.0.0.0")


def test_other_names_must_be_the_machines(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Lab")
    monkeypatch.setattr(socket, "getfqdn", lambda: "lab.example.org")
    for name in ("lab", "lab.example.org"):
        assert is_own_name(name, "0.0.0.0")
        assert not is_own_name(name, "127.0.0.1")
    for name in ("", "evil.example", "127.0.0.1.evil.example"):
        assert not is_own_name(name, "0.0.0.0")
    assert is_own_name("lab.example.com", "lab.example.com")
