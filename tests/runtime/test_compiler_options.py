"""Tests of XLA options: used if the installed XLA knows them, the user's own first."""

import jax
import numpy as np
import pytest

from hmhn_jax.runtime import compiler_options, devices
from hmhn_jax.runtime.compiler_options import OPTIONS


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Clears the answer of an earlier test, and flags from outside."""
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    compiler_options.known.cache_clear()
    yield
    compiler_options.known.cache_clear()


def test_the_installed_xla_takes_all_of_them(capsys):
    # Fails with the first jaxlib that does not: then measure what replaces it.
    assert compiler_options.for_network() == OPTIONS
    assert capsys.readouterr().err == ""


def test_one_that_xla_does_not_know_is_left_out_and_said_once(monkeypatch, capsys):
    monkeypatch.setattr(compiler_options, "OPTIONS", OPTIONS | {"xla_of_another_year": "1"})
    assert compiler_options.for_network() == OPTIONS
    assert compiler_options.for_network() == OPTIONS
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("note: jaxlib ")
    assert "xla_of_another_year" in line


def test_a_program_compiles_with_them():
    double = jax.jit(lambda x: 2 * x, compiler_options=compiler_options.for_network())
    assert double(3.0) == 6.0


@pytest.mark.parametrize("name", OPTIONS)
def test_the_users_own_flag_stays(monkeypatch, name):
    monkeypatch.setenv("XLA_FLAGS", f"--xla_force_host_platform_device_count=2 --{name}=OTHER")
    assert compiler_options.for_network().keys() == OPTIONS.keys() - {name}


def test_a_file_of_flags_is_all_that_counts(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "flags.txt")
    assert compiler_options.for_network() == {}


def test_none_for_a_gpu(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert compiler_options.for_network() == {}


def test_steps_are_compiled_with_them(monkeypatch):
    monkeypatch.setattr(compiler_options, "for_network", lambda: {"xla_of_another_year": "1"})
    step = devices.parallel_step(lambda state, batch: (state, batch.sum()))
    with pytest.raises(jax.errors.JaxRuntimeError, match="xla_of_another_year"):
        step(1.0, np.ones((jax.device_count(), 2)))
