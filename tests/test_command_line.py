import os

import pytest

from hmhn_jax import command_line


@pytest.fixture
def xla_flags(monkeypatch):
    """xla_flags(before, jaxlib) -> XLA_FLAGS after `set_environment`."""

    def after(before, jaxlib):
        monkeypatch.setenv("XLA_FLAGS", before)
        monkeypatch.setattr(command_line, "version", {"jaxlib": jaxlib}.get)
        command_line.set_environment()
        return os.environ["XLA_FLAGS"].split()

    return after


def test_the_flag_for_eigen_joins_the_users(xla_flags):
    flags = xla_flags("--xla_force_host_platform_device_count=2", "0.10.7")
    names = [flag.partition("=")[0] for flag in flags]
    assert names == ["--xla_force_host_platform_device_count", f"--{command_line.YNNPACK_FLAG}"]


def test_the_users_own_flag_stays(xla_flags):
    own = f"--{command_line.YNNPACK_FLAG}=LIBRARY_FUSION_TYPE_DOT"
    assert xla_flags(own, "0.10.7") == [own]


@pytest.mark.parametrize("jaxlib", ["0.9.1", "0.11.0", "1.10.0"])
def test_no_flag_that_another_jaxlib_may_not_know(xla_flags, jaxlib):
    assert xla_flags("", jaxlib) == []
