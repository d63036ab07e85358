"""Files below a folder, and the one that a name in a table means."""

import difflib
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from hmhn_jax.base.errors import UserError

NAMES_HINTED_AT = 3


def files_below(root: Path) -> list[Path]:
    """All files at any depth below a folder, in order, but hidden ones, pipes and devices.

    Links are followed, but none back to a folder that the way to it leads through.
    """
    files = []
    # the real folders on the way to each
    ways: dict[str, tuple[str, ...]] = {str(root): (os.path.realpath(root),)}
    for folder, subfolders, names in os.walk(root, followlinks=True):
        way = ways.pop(folder)
        # What macOS leaves in archives has names like the real files.
        below = {name: os.path.join(folder, name) for name in subfolders if name != "__MACOSX"}
        real = {name: os.path.realpath(path) for name, path in below.items()}
        subfolders[:] = [name for name in below if real[name] not in way]
        ways |= {below[name]: (*way, real[name]) for name in subfolders}
        files += [Path(folder, name) for name in names if not name.startswith(".")]
    return sorted(path for path in files if path.is_file())


def plain_name(name: str) -> str:
    """A path without what other systems write differently.

    That is the Unicode form, case, `\\` for `/`, kinds and number of spaces, and `./`.
    """
    name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    parts = (
        re.sub(r"\s+(?=\.|$)", "", " ".join(each.split())) for each in re.split(r"[\\/]", name)
    )
    return "/".join(part for part in parts if part not in ("", "."))


def index_names(names: Iterable[str], suffixes: tuple[str, ...] = ()) -> dict[str, set[str]]:
    """{plain name: the names that it may mean}; one that ends in `suffixes` also without that."""
    index = defaultdict(set)
    for name in names:
        plain = plain_name(name)
        index[plain].add(name)
        if plain.endswith(suffixes):
            index[os.path.splitext(plain)[0]].add(name)
    return dict(index)


def meant(name: str, index: Mapping[str, set[str]]) -> str:
    """Finds the one name that differs from a given one only in spelling.

    A name may lack its suffix; from an absolute one, such as of another machine, leading folders
    may be dropped. `index` is of `index_names`. Raises UserError when none fits, or several do; the
    message is only a hint, which may be empty.
    """
    plain = plain_name(name)
    fitting = index.get(plain, set())
    if not fitting and re.match(r"[\\/~]|[A-Za-z]:", name):
        parts = plain.split("/")
        fitting = set().union(*(index.get("/".join(parts[n:]), ()) for n in range(1, len(parts))))
    if len(fitting) == 1:
        return next(iter(fitting))
    if fitting:
        raise UserError(f"it may be {_listed(fitting)}")
    last = os.path.splitext(os.path.basename(plain))[0]
    near = {each for key in index if os.path.basename(key) == last for each in index[key]}
    if not near:
        close = difflib.get_close_matches(plain, index, NAMES_HINTED_AT, cutoff=0.7)
        near = {each for key in close for each in index[key]}
    raise UserError(f"perhaps {_listed(near)} is meant" if near else "")


def _listed(names: set[str]) -> str:
    shown = " or ".join(sorted(names)[:NAMES_HINTED_AT])
    return shown + (f" or {len(names) - NAMES_HINTED_AT} more" * (len(names) > NAMES_HINTED_AT))
