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


def test_our_flags_join_the_users(xla_flags):
    flags = xla_flags("--xla_force_host_platform_device_count=2", "0.10.7")
    names = [flag.partition("=")[0] for flag in flags]
    ours = [f"--{name}" for name in command_line.XLA_FLAGS]
    assert names == ["--xla_force_host_platform_device_count", *ours]


@pytest.mark.parametrize("name", command_line.XLA_FLAGS)
def test_the_users_own_flag_stays(xla_flags, name):
    own = f"--{name}=SOMETHING_ELSE"
    flags = xla_flags(own, "0.10.7")
    assert [flag for flag in flags if flag.startswith(f"--{name}=")] == [own]
    assert len(flags) == len(command_line.XLA_FLAGS)


def test_a_file_of_flags_stays_the_only_value(xla_flags):
    assert xla_flags("flags.txt", "0.10.7") == ["flags.txt"]


@pytest.mark.parametrize("jaxlib", ["0.9.1", "0.11.0", "1.10.0"])
def test_no_flag_that_another_jaxlib_may_not_know(xla_flags, jaxlib):
    assert xla_flags("", jaxlib) == []
