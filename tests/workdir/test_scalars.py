"""Scalars over steps."""

import json
import random
import resource
from pathlib import Path

import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.workdir import scalars


def test_a_line_each_and_a_board(tmp_path):
    for step in (1, 2):  # a run, and its continuation
        with scalars.open_writers(tmp_path) as write:
            write(step, {"loss": 0.5 * step})
    lines = (tmp_path / "scalars.jsonl").read_text().splitlines()
    assert list(map(json.loads, lines)) == [{"step": step, "loss": 0.5 * step} for step in (1, 2)]
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


def test_a_checksum_of_an_older_version_is_passed_over(tmp_path):
    (tmp_path / "scalars.jsonl").write_text('{"step": 10, "loss": 3.0, "crc32": 3142411402}\n')
    assert scalars.read(tmp_path) == [{"step": 10, "loss": 3.0}]


def test_however_a_log_is_damaged_the_rest_is_read(tmp_path, capsys):
    with scalars.open_writers(tmp_path) as write:
        for step in range(1, 4):
            write(step, {"loss": 1.25 * step, "rate": 1e-05})
    path, rng = tmp_path / "scalars.jsonl", random.Random(0)
    content, written = path.read_bytes(), scalars.read(tmp_path)
    for at in range(len(content)):
        path.write_bytes(content[:at] + rng.randbytes(1) + content[at + 1 :])
        values, said = scalars.read(tmp_path), capsys.readouterr().out
        assert sum(each in values for each in written) >= (
            1 if content[at : at + 1] == b"\n" else 2
        )
        assert all(isinstance(value, int | float) for each in values for value in each.values())
        assert said == "" or (said.count("\n") == 1 and f"note: {path}: " in said)


def test_no_file_is_no_scalars(tmp_path):
    assert scalars.read(tmp_path) == []


def test_a_line_that_was_cut_does_not_swallow_the_next(tmp_path, capsys):
    (tmp_path / "scalars.jsonl").write_text('{"step": 1, "loss": 3.0}\n{"step": 2, "lo')
    with scalars.open_writers(tmp_path) as write:
        write(2, {"loss": 2.0})
    assert scalars.read(tmp_path) == [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.0}]
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
