"""Scalars over steps."""

import builtins
import json
from pathlib import Path

import pytest
from tensorboardX import record_writer

from hmhn_jax import scalars
from hmhn_jax.errors import UserError


def test_a_line_each_and_a_board(tmp_path):
    for step in (1, 2):  # a run, and its continuation
        with scalars.open_writers(tmp_path) as write:
            write(step, {"loss": 0.5 * step})
    lines = (tmp_path / "scalars.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 1, "loss": 0.5},
        {"step": 2, "loss": 1.0},
    ]
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


def test_the_later_line_of_a_step_counts(tmp_path):
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


def test_no_file_is_no_scalars(tmp_path):
    assert scalars.read(tmp_path) == []


def test_a_line_that_was_cut_does_not_swallow_the_next(tmp_path):
    (tmp_path / "scalars.jsonl").write_text('{"step": 1, "loss": 3.0}\n{"step": 2, "lo')
    with scalars.open_writers(tmp_path) as write:
        write(2, {"loss": 2.0})
    assert scalars.read(tmp_path) == [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.0}]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no disk that is always full")
@pytest.mark.parametrize("file", ["scalars.jsonl", "tensorboard"])
def test_a_full_disk_is_one_line_and_does_not_hang(tmp_path, monkeypatch, file):
    if file == "tensorboard":
        opened = builtins.open
        monkeypatch.setattr(record_writer, "open_file", lambda path: opened("/dev/full", "wb"))
    else:
        (tmp_path / file).symlink_to("/dev/full")
    with (
        pytest.raises(UserError, match=r"cannot write .*scalars\.jsonl: No space left"),
        scalars.open_writers(tmp_path) as write,
    ):
        write(1, {"loss": 3.0})
