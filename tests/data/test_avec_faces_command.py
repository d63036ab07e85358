"""Tests of a build's messages on a failing disk."""

import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.tfds.command import one_line_for_the_disk


def fail_as_tfds_does():
    try:
        raise OSError(28, "No space left on device")
    except OSError as error:
        raise RuntimeError("Failed to write:\nNo space left on device") from error


def test_a_full_disk_is_one_line_however_tfds_wraps_it(tmp_path):
    with (
        pytest.raises(UserError, match=r"cannot prepare .*: Failed to write: No space"),
        one_line_for_the_disk(tmp_path),
    ):
        fail_as_tfds_does()


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(ZeroDivisionError), one_line_for_the_disk(tmp_path):
        raise ZeroDivisionError
