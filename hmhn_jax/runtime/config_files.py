"""Errors in config files, which are Python code."""

import runpy
import traceback
from pathlib import Path


def fault_of(path: str) -> str | None:
    """Returns "FILE, line N: ERROR: what" of the error that a config file raises; None without one.

    The file runs once more for it: of most errors ml_collections and absl tell no line. `path` may
    end in ":ARGUMENT" of its `get_config`.
    """
    path, *argument = path.split(":", 1)
    if not Path(path).is_file():
        return None
    try:
        get_config = runpy.run_path(path).get("get_config")
        if get_config is None:
            return f"{path}: it must define a function get_config"
        get_config(*argument)
    except Exception as error:
        if isinstance(error, SyntaxError) and Path(error.filename or "").is_file():
            # Nothing of that file has run: it is this one, or one that it imports.
            return f"{error.filename}, line {error.lineno}: {type(error).__name__}: {error.msg}"
        frames = traceback.extract_tb(error.__traceback__)
        line = [frame.lineno for frame in frames if frame.filename == path][-1]
        return f"{path}, line {line}: {' '.join(f'{type(error).__name__}: {error}'.split())}"
    return None
