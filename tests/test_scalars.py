"""Scalars over steps."""

import json
import random
import resource
import zlib
from pathlib import Path

import pytest

from hmhn_jax import scalars
from hmhn_jax.errors import UserError


def test_a_line_each_and_a_board(tmp_path):
    for step in (1, 2):  # a run, and its continuation
        with scalars.open_writers(tmp_path) as write:
            write(step, {"loss": 0.5 * step})
    lines = (tmp_path / "scalars.jsonl").read_text().splitlines()
    for step, line in enumerate(lines, start=1):
        before, checksum = line.split(', "crc32": ')
        assert json.loads(before + "}") == {"step": step, "loss": 0.5 * step}
        # Of the same JSON, with its keys in order.
        assert (
            checksum
            == f"{zlib.crc32(json.dumps(json.loads(before + '}'), sort_keys=True).encode())}}}"
        )
    assert scalars.read(tmp_path) == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 1.0}]
    events = list((tmp_path / "tensorboard").iterdir())
    assert events
    assert all(b"loss" in event.read_bytes() for event in events)


def test_a_file_in_the_way_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UserError, match=r"cannot write .*scalars\.jsonl"),
        scalars.open_writers(tmp_path / "file"),
    ):
        pass


def test_errors_of_the_run_are_not_taken_for_its_own(tmp_path):
    with pytest.raises(FileNotFoundError), scalars.open_writers(tmp_path):
        (tmp_path / "missing").read_text()


def test_the_later_line_of_a_step_counts(tmp_path, capsys):
    lines = [
        '{"step": 10, "loss": 3.0}',
        '{"step": 20, "loss": 2.5}',
        '{"step": 30, "lo',  # killed
        '{"step": 20, "loss": 2.0, "validation_mae": 5.0}',
        '{"step": 30, "loss": 1.0}',
        "[]",
    ]
    (tmp_path / "scalars.jsonl").write_text("\n".join(lines) + "\n")
    assert scalars.read(tmp_path) == [
        {"step": 10, "loss": 3.0},
        {"step": 20, "loss": 2.0, "validation_mae": 5.0},
        {"step": 30, "loss": 1.0},
    ]
    assert "2 of 6 lines damaged" in capsys.readouterr().out


def write_lines(workdir, count):
    with scalars.open_writers(workdir) as write:
        for step in range(1, count + 1):
            write(step, {"loss": 1.25 * step, "rate": 1e-05})
    return scalars.read(workdir), workdir / "scalars.jsonl"


def test_no_flipped_bit_goes_unnoticed(tmp_path, capsys):
    written, path = write_lines(tmp_path, 3)
    content, rng = path.read_bytes(), random.Random(0)
    assert capsys.readouterr().out == ""
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        values, said = scalars.read(tmp_path), capsys.readouterr().out
        assert values == written if said == "" else all(each in written for each in values)
        assert said == "" or (said.count("\n") == 1 and f"note: {path}: 1 of " in said)
        assert said or not content[at : at + 1].isdigit()  # 1e-05 and 1E-05 are the same


def test_lines_of_before_are_taken_and_none_after(tmp_path, capsys):
    old = '{"step": 0, "loss": 3.0}\n'
    (tmp_path / "scalars.jsonl").write_text(old)
    written, path = write_lines(tmp_path, 2)
    assert written[0] == {"step": 0, "loss": 3.0}
    assert len(written) == 3
    with path.open("a") as file:
        file.write(old)
    assert scalars.read(tmp_path) == written
    assert capsys.readouterr().out == f"note: {path}: 1 of 4 lines damaged, left out\n"


def test_no_file_is_no_scalars(tmp_path):
    assert scalars.read(tmp_path) == []


def test_a_line_that_was_cut_does_not_swallow_the_next(tmp_path, capsys):
    (tmp_path / "scalars.jsonl").write_text('{"step": 1, "loss": 3.0}\n{"step": 2, "lo')
    with scalars.open_writers(tmp_path) as write:
        write(2, {"loss": 2.0})
    assert scalars.read(tmp_path) == [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.0}]
    assert capsys.readouterr().out == ""


def test_an_end_that_was_damaged_is_kept_and_said(tmp_path, capsys):
    written, path = write_lines(tmp_path, 2)
    path.write_bytes(path.read_bytes()[:-40] + bytes(40))
    with scalars.open_writers(tmp_path) as write:
        write(3, {"loss": 2.0})
    assert scalars.read(tmp_path) == [written[0], {"step": 3, "loss": 2.0}]
    assert "1 of 3 lines damaged" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no disk that is always full")
def test_a_full_disk_is_one_line(tmp_path):
    (tmp_path / "scalars.jsonl").symlink_to("/dev/full")
    with (
        pytest.raises(UserError, match=r"cannot write .*scalars\.jsonl: No space left"),
        scalars.open_writers(tmp_path) as write,
    ):
        write(1, {"loss": 3.0})


def test_a_board_that_cannot_grow_is_one_line(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with (
            pytest.raises(
                UserError, match=r"^cannot write .*tensorboard: /.*events\.\S* Could not "
            ),
            scalars.open_writers(tmp_path) as write,
        ):
            write(1, dict.fromkeys(map(str, range(20)), 3.0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_of_a_long_log_only_the_cut_end_goes(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(scalars, "MOST_LINE_BYTES", 256)
    written, path = write_lines(tmp_path, 100)
    path.write_bytes(path.read_bytes()[:-20])
    with scalars.open_writers(tmp_path) as write:
        write(100, {"loss": 2.0})
    assert scalars.read(tmp_path) == [*written[:-1], {"step": 100, "loss": 2.0}]
    assert capsys.readouterr().out == ""
