"""Tests that a message is one line, whatever untrusted text is in it."""

import pytest

from hmhn_jax.base.errors import MOST_LETTERS, UserError, most_common_reasons, one_line
from hmhn_jax.recordings.recording import Found

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),  # would clear a terminal
        ("photo\u202egnp.exe", r"photo\u202egnp.exe"),  # would be read backwards
        ("caf\udce9.mp4", r"caf\udce9.mp4"),  # a byte of a file's name that is no UTF-8
        ("a\u2028b\x00", r"a\u2028b\x00"),
        ("Zoë 東京\u3000☺ 'x' \\n", "Zoë 東京\u3000☺ 'x' \\n"),
    ],
)
def test_control_characters_are_escaped(text, shown):
    assert one_line(text) == shown
    assert str(UserError(text)) == shown
    assert one_line(shown) == shown
    shown.encode()


def test_a_long_line_keeps_both_ends():
    line = one_line("labels.csv, line 2: " + "x" * 10**6 + " is not a number")
    assert len(line) <= MOST_LETTERS
    assert line.startswith("labels.csv, line 2: xx")
    assert line.endswith("xx is not a number")
    assert one_line(line) == line
    assert one_line("disk: " + "x" * 300 + " full", 30) == "disk: xxxxx [...] xxxxxx full"


def test_problems_of_recordings_are_lines_too():
    found = Found((), facts=("a\nb",), problems=("c\x07",))
    assert (found.facts, found.problems) == (("a\\nb",), ("c\\x07",))


def test_a_reason_is_said_once_with_its_first_file_and_a_count():
    failures = [("a.mp4", "no face"), *((f"{n}.mp4", "empty") for n in range(240)), ("z", "torn")]
    assert most_common_reasons(failures) == "0.mp4: empty (240 files); a.mp4: no face; z: torn"
    failures += [("y", "short"), ("x", "short")]
    named = most_common_reasons(failures)
    assert named == "0.mp4: empty (240 files); y: short (2 files); a.mp4: no face; and 1 more"
