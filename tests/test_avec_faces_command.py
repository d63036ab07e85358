"""What a build says of a disk that fails."""

import pytest

from data.avec_faces.command import one_line_for_the_disk
from hmhn_jax.errors import UserError


def test_a_full_disk_is_one_line_however_tfds_wraps_it(tmp_path):
    with pytest.raises(UserError, match=r"cannot prepare .*No space") as raised:  # noqa: SIM117
        with one_line_for_the_disk(tmp_path):
            try:
                raise OSError(28, "No space left on device")
            except OSError as error:
                raise RuntimeError("Failed to write:\nNo space left on device") from error
    assert "\n" not in str(raised.value)
    with pytest.raises(ZeroDivisionError), one_line_for_the_disk(tmp_path):
        _ = 1 / 0
