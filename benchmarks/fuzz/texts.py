"""Hypothesis strategies for untrusted text files."""

import csv
import io
import json

from hypothesis import strategies as st

from hmhn_jax.recordings.recording import LABEL_COLUMNS

VIDEOS = ("a.mp4", "b.mp4", "x/c.avi")  # that the table's folder holds
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "mac_roman")
ODD_CELLS = (
    "", " ", "nan", "inf", "-inf", "-0", "63.0001", "1e309", "1_0", "0x10", "\u0663", "9" * 5000,
    "\0", "a.mp4\0", "a\nb", "\r", '"', "'", ";", "\t", "=1+1", "<script>alert(1)</script>", "$x$",
    "[/red]", "\x1b[2J", "\u202e", "\ufeff", "../a.mp4", "/dev/zero", "/proc/self/mem", "~", "*",
    ".", "..", "x", "a" * 300, "a/" * 3000, "y" * 140_000, "None", "train ", "TRAIN",
)  # fmt: skip
ODD_BYTES = (b"\0", b"\xff", b"\xfe\xff", b'"', b",", b"\n", b"\r", b"\xef\xbb\xbf", b"[", b"1e999")
NAMES = ("203_1_Depression.csv", "203_1_Freeform_depression.csv", "203_1_NORTHWIND_Depression.CSV")
NUMBERS = st.one_of(
    st.sampled_from((0, -1, 1, 2**31, 2**63, 10**30, 1e308, float("nan"), float("inf"), True)),
    st.integers(),
    st.floats(),
)


@st.composite
def mutated(draw, contents: st.SearchStrategy[bytes]) -> bytes:
    """Applies up to four cuts, repetitions and insertions to what another strategy draws."""
    content = draw(contents)
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2, 4)))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 20)))
        new = draw(
            st.one_of(
                st.sampled_from(ODD_BYTES),
                st.binary(max_size=8),
                st.just(b""),
                st.just(content[start:end] * 2),
            )
        )
        content = content[:start] + new + content[end:]
    return content


def _encoded(texts):
    return st.builds(
        lambda text, encoding: text.encode(encoding, "replace"), texts, st.sampled_from(ENCODINGS)
    )


def _cells():
    return st.one_of(st.sampled_from(ODD_CELLS), st.text(max_size=20), NUMBERS.map(str))


@st.composite
def _table(draw) -> str:
    columns = list(LABEL_COLUMNS) + draw(
        st.sampled_from(([], [], ["age"], ["session", "note"], ["start", "end", "use"]))
    )
    if draw(st.integers(0, 3)) == 0:
        columns = draw(st.lists(st.one_of(st.sampled_from(columns), _cells()), max_size=8))
    rows = [columns]
    for number in range(draw(st.integers(0, 5))):
        good = {
            "file": VIDEOS[number % 3],
            "subject": str(number),
            "task": "t",
            "split": ("train", "validation", "test")[number % 3],
            "score": str(number),
        }
        row = [good.get(column, "") for column in columns]
        for _ in range(draw(st.sampled_from((0, 0, 0, 0, 1, 3)))):
            row.insert(draw(st.integers(0, len(row))), draw(_cells()))
            del row[draw(st.integers(0, len(row) - 1))]
        if draw(st.integers(0, 9)) == 0:
            row += draw(st.lists(_cells(), max_size=3))
        rows.append(row)
    if draw(st.booleans()):
        return "\n".join(",".join(row) for row in rows) + "\n"
    text = io.StringIO()
    csv.writer(text, lineterminator=draw(st.sampled_from(("\n", "\r\n")))).writerows(rows)
    return text.getvalue()


def tables() -> st.SearchStrategy[bytes]:
    """Draws tables of recordings: sound ones, damaged ones, and arbitrary text."""
    return st.one_of(mutated(_encoded(_table())), mutated(_encoded(_table())), st.binary())


def labels() -> st.SearchStrategy[tuple[str, bytes]]:
    """Draws (name, content) of label files."""
    scores = st.integers(0, 63).map(str)
    texts = st.one_of(scores, NUMBERS.map(str), st.sampled_from(ODD_CELLS), st.text(max_size=30))
    texts = st.builds("".join, st.tuples(texts, st.sampled_from(("", "\n", "\r\n", "\n1", " 2"))))
    letters = st.characters(exclude_characters="/\0", exclude_categories=("Cs",))
    odd = st.text(letters, max_size=40).map(lambda text: f"203_1_Depression{text}.csv")
    names = st.one_of(st.sampled_from(NAMES), odd)
    return st.tuples(names, st.one_of(mutated(_encoded(texts)), st.binary(max_size=64)))


@st.composite
def _json_text(draw, sound: dict) -> str:
    values = json.loads(json.dumps(sound))
    odd = st.recursive(
        st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(ODD_CELLS), st.text()),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner, max_size=3)
        ),
        max_leaves=6,
    )
    for _ in range(draw(st.sampled_from((0, 1, 1, 2)))):
        place = values
        name = draw(st.sampled_from(sorted(place)))
        if isinstance(place[name], dict) and place[name] and draw(st.integers(0, 4)):
            place = place[name]
            name = draw(st.sampled_from(sorted(place)))
        kind = draw(st.sampled_from(("set", "set", "set", "drop", "add")))
        if kind == "drop":
            del place[name]
        else:
            name = draw(st.text(max_size=9)) if kind == "add" else name
            place[name] = draw(st.one_of(odd, NUMBERS, st.integers(0, 100)))
        if not values:
            break
    text = json.dumps(values)
    if draw(st.integers(0, 30)) == 0:
        depth = draw(st.sampled_from((10, 1000, 100_000)))
        text = draw(st.sampled_from(("[" * depth, '{"a":' * depth, "[" * depth + "]" * depth)))
    return text


def configs(sound: dict) -> st.SearchStrategy[bytes]:
    """Draws config.json files: valid, with values or bytes changed, or arbitrary text."""
    texts = _encoded(_json_text(sound))
    return st.one_of(texts, mutated(texts), st.binary())
