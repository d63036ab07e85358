"""Tests of `benchmarks.fuzz`: a fixed share of it, and planted faults."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from benchmarks.fuzz import __main__, files, process
from benchmarks.fuzz.process import FAILURES, Tally, Trier


@pytest.fixture
def trier(tmp_path, monkeypatch):
    """Makes a trier for the readers of `fuzz_faults` with short time limits."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "support"))
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "fine.txt").write_text("fine")
    with Trier(tmp_path / "kept", limit_s=2.0) as trier:
        trier.warm_up("fuzz_faults:sound", tmp_path / "inputs" / "fine.txt")
        yield trier


def test_no_input_of_a_small_campaign_is_a_failure(tmp_path):
    tallies = __main__.campaign(
        __main__.Scale(texts=100, files=15), tmp_path / "in", tmp_path / "kept"
    )
    assert [tally.failures for tally in tallies] == [[]] * len(tallies)
    counts = {tally.reader.partition(":")[2]: tally.counts for tally in tallies}
    readers = {"table", "label", "config", "frames", "header", "crops", "picture"}
    assert counts.keys() == readers | ({"weights"} if importlib.util.find_spec("torch") else set())
    for name, of_reader in counts.items():
        text = name in ("table", "label", "config")
        assert sum(of_reader.values()) == (100 if text else 15)
        # Neither all nor nothing is damaged beyond use.
        assert min(of_reader["accepted"], of_reader["refused"]) >= 2, name


@pytest.mark.parametrize(
    ("fault", "outcome", "detail"),
    [
        ("raises", "exception", "ValueError: planted"),
        ("says_two_lines", "exception", "not one plain line"),
        ("does_not_say_which", "exception", "does not name the file"),
        ("dies", "crash", "status -11"),
        ("exits", "crash", "status 0"),
        ("hangs", "hang", "no answer within 2 s"),
        ("leaves_it_open", "leak", "open files"),
        ("leaves_a_file", "leak", "files next to the input: 2 before, 3 after"),
        ("leaves_a_temporary_file", "leak", "temporary files: 0 before, 1 after"),
        ("leaves_a_process", "leak", "processes: 0 before, 1 after"),
    ],
)
def test_a_planted_fault_is_counted_and_its_input_kept(trier, tmp_path, fault, outcome, detail):
    tally = Tally(f"fuzz_faults:{fault}")
    path = tmp_path / "inputs" / "planted.txt"
    path.write_text("its content")
    assert trier.try_on(tally, path) == outcome
    assert tally.counts[outcome] == tally.num_failures == 1
    ((kind, kept, said),) = tally.failures
    assert (kind, kept.read_text()) == (outcome, "its content")
    assert detail in said
    # The next file is none the worse for it.
    sound = Tally("fuzz_faults:sound")
    for text in ("fine", "bad", "odd"):
        path.write_text(text)
        trier.try_on(sound, path)
    assert (sound.counts["accepted"], sound.counts["refused"], sound.num_failures) == (1, 2, 0)


def test_the_table_and_the_status_tell_of_failures(tmp_path, monkeypatch, capsys):
    failed = Tally("m:faulty", failures=[("crash", tmp_path / "faulty-1.avi", "status -11")])
    failed.counts |= {"accepted": 2, "crash": 1}
    path = tmp_path / "out.json"
    monkeypatch.setattr(sys, "argv", ["fuzz", "--texts=3", "--videos=2", f"--json={path}"])
    assert __main__.main(lambda scale, folder, kept: [failed, Tally("m:fine")]) == 1
    said = capsys.readouterr().out
    assert "| faulty | 3 | 2 | 0 | 0 | 1 | 0 | 0 | 0 |" in said
    assert f"crash: faulty on {tmp_path / 'faulty-1.avi'}: status -11" in said
    made = json.loads(path.read_text())
    assert made["scale"] == {"texts": 3, "files": 2, "seed": 0}
    assert made["readers"][0]["failures"][0]["outcome"] == "crash"
    assert __main__.main(lambda scale, folder, kept: [Tally("m:fine")]) == 0


def test_sound_videos_are_always_the_same(monkeypatch):
    monkeypatch.setattr(files, "SIZES", files.SIZES[:1])
    assert files.sound_videos() == files.sound_videos()


def test_the_same_seed_damages_alike():
    sound = {"a.mp4": bytes(range(256)) * 20}
    first, second, other = (list(files.damaged(sound, 30, seed)) for seed in (1, 1, 2))
    assert first == second != other
    assert sum(content != sound["a.mp4"] for _, content in first) > 25


def test_what_counts_as_failure_is_in_every_tally():
    assert set(FAILURES) < Tally("m:f").counts.keys()
    assert Path(__file__).parents[2] == process.ROOT
