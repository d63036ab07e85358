"""Tests that progress never changes the items."""

import itertools

from hmhn_jax.base import progress


def test_items_come_through_lazily_and_lines_end_with_the_total(capsys):
    taken = []

    def items():
        for item in range(3):
            taken.append(item)
            yield item

    tracked = progress.track(items(), "cropping faces", total=3)
    assert taken == []
    assert next(tracked) == 0
    assert taken == [0]
    assert list(tracked) == [1, 2]
    assert capsys.readouterr().err == "cropping faces: 3/3\n"


def test_lines_in_between_after_a_while(capsys, monkeypatch):
    clock = itertools.count(step=6.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    assert list(progress.track("abcdef", "training")) == list("abcdef")
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "training: 6/6"
    assert 1 < len(lines) < 6


def test_a_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    assert list(progress.track([1, 2], "training")) == [1, 2]
    shown = capsys.readouterr().err
    assert "training" in shown
    assert "100%" in shown
