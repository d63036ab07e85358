"""Files that are too large, endless, or none."""

import os
import threading

import pytest

from hmhn_jax import bounded_files


def test_reads_what_is_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfZo\xc3\xab\r\n")
    assert bounded_files.read_text(path, "utf-8-sig") == "Zoë\r\n"
    assert bounded_files.read_bytes(path, 9) == path.read_bytes()


def test_refuses_what_is_too_large(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"0123456789")
    with pytest.raises(OSError, match="too large: expected at most"):
        bounded_files.read_bytes(path, 9)
    os.truncate(path, 2**40)  # takes no room on the disk
    with pytest.raises(OSError, match="too large: expected at most 64 MiB"):
        bounded_files.read_text(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes in folders")
def test_refuses_pipes_and_devices_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    outcomes = []

    def read():
        for name in ("pipe", "link"):
            with pytest.raises(OSError, match="a pipe or device, not a file"):
                bounded_files.read_bytes(tmp_path / name, 9)
            outcomes.append(name)

    reading = threading.Thread(target=read, daemon=True)  # or a fault would hang the tests
    reading.start()
    reading.join(10)
    assert outcomes == ["pipe", "link"]


def test_says_which_error_it_is(tmp_path):
    with pytest.raises(IsADirectoryError):
        bounded_files.read_bytes(tmp_path, 9)
    with pytest.raises(FileNotFoundError):
        bounded_files.read_bytes(tmp_path / "no", 9)
    with pytest.raises(OSError, match="null"):
        bounded_files.read_bytes(tmp_path / "a\0b", 9)


@pytest.mark.parametrize("text", ["[" * 10**5, '{"a":' * 10**5, "{", "\xff"])
def test_what_is_no_json_is_a_value_error(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"."):
        bounded_files.read_json(path)
