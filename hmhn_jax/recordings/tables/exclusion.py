"""Videos that a person leaves out by a list of their names."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from hmhn_jax.base.errors import UserError
from hmhn_jax.recordings.file_names import index_names, meant, plain_name
from hmhn_jax.recordings.tables import table
from hmhn_jax.recordings.tables.sheets import decode


def list_path(text: str, root: Path) -> Path:
    """The file that `config.data.exclude` names: from the current folder, or that of the videos."""
    path = Path(text).expanduser()
    return path if path.exists() else root / path


def excluded(path: Path, names: Iterable[str]) -> set[str]:
    """Reads a list of videos: a table with a column `file`, or a text with one name a line.

    Returns those of the `names` of all videos that it names; it may leave out suffix and leading
    folders. Raises UserError when it cannot be read, or a name in it is that of no video or of
    several.
    """
    names = list(names)
    whole = index_names(names, ("",))
    tails: defaultdict[str, set[str]] = defaultdict(set)
    for name, videos in whole.items():
        for start in range(name.count("/") + 1):
            tails[name.split("/", start)[-1]] |= videos
    result = set()
    for line, name in _entries(path, lambda: names):
        try:
            result.add(meant(name, whole if plain_name(name) in whole else tails))
        except UserError as hint:
            raise UserError(
                f'{path}, line {line}: expected the name of one video, got "{name}"'
                + (f"; {hint}" * bool(str(hint)))
            ) from None
    return result


def _entries(path: Path, names: Callable[[], Iterable[str]]) -> list[tuple[int, str]]:
    try:
        return [(line, row["file"]) for line, row in table.read(path, ("file",), names=names).rows]
    except table.NoColumnError:
        text, _ = decode(path.read_bytes(), names)
        lines = enumerate(map(str.strip, text.splitlines()), 1)
        return [(number, line) for number, line in lines if line]
