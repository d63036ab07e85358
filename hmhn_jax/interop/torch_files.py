"""Weight files of PyTorch; the only module that imports PyTorch, and only on use."""

import hashlib
import io
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError

WRAPPERS = ("state_dict", "model_state_dict")  # under these some programs keep the weights


def read(path: Path) -> tuple[Any, str]:
    """Reads what `torch.save` wrote to a file; also returns the SHA-256 of the file.

    Raises UserError when it cannot be read, is no such file, is damaged, or holds more than tensors
    and plain values: a pickle of anything else could run any code, and is not loaded.
    """
    torch = _import_torch()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read weights from {path}: {error.strerror or error}") from error
    if damage := _damage(data):
        raise UserError(f"cannot read weights from {path}: {damage}")
    try:
        with warnings.catch_warnings(action="ignore"):  # the line below says it all
            content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # whatever reading a damaged or a foreign file may raise
        raise UserError(
            f"cannot read weights from {path}: expected a state dict of tensors, written by "
            f"torch.save, got {len(data)} bytes that torch.load(weights_only=True) refuses"
        ) from error
    return content, hashlib.sha256(data).hexdigest()


def _damage(data: bytes) -> str | None:
    """Returns what is wrong with a PyTorch zip file, whose checksums PyTorch ignores.

    Without a checksum (`torch.serialization.set_crc32_options(False)` writes 0) nothing is said,
    nor of files of before PyTorch 1.6, which were no zip files.
    """
    if not data.startswith(b"PK"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            # PyTorch compresses nothing: what promises more bytes than are there is a bomb.
            if sum(entry.file_size for entry in entries) > len(data):
                return f"its {len(data)} bytes claim to unpack to more"
            for entry in entries:
                if entry.CRC:
                    archive.read(entry)  # compares the checksum
    except Exception as error:  # whatever a damaged file makes the library raise
        return f"the file is damaged ({error})"
    return None


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes {name: array} as a state dict, whole or, raising UserError, not at all."""
    torch = _import_torch()
    buffer = io.BytesIO()
    torch.save({name: torch.tensor(array) for name, array in arrays.items()}, buffer)
    files.write_bytes(path, buffer.getvalue())


def state_dict(content: Any, described: str) -> dict[str, np.ndarray]:
    """Extracts {name: array} from a state dict that may be wrapped or have prefixed names.

    `content` is {name: tensor or array}, or that under one of `WRAPPERS`. "module.", which
    `torch.nn.DataParallel` puts before names, is taken off; counters are left out. Raises
    UserError, which names it as `described`, when it is something else.
    """
    expected = f"expected a state dict, names and tensors of floats, in {described}"
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not content:
        got = "an empty one" if isinstance(content, Mapping) else type(content).__name__
        raise UserError(f"{expected}, got {got}")
    state = {}
    for name, value in content.items():
        if str(name).endswith("num_batches_tracked"):
            continue
        array = _to_array(value)
        if not isinstance(name, str) or array is None or array.dtype.kind != "f":
            raise UserError(f"{expected}, got {_describe(value)} under {name!r}")
        state[name.removeprefix("module.")] = array
    return state


def _to_array(value):
    """Converts a tensor or an array to NumPy's; None when it is neither."""
    if isinstance(value, np.ndarray | jax.Array):
        return np.asarray(value)
    if not hasattr(value, "is_floating_point"):
        return None
    if not value.is_floating_point() or value.is_sparse or value.is_meta or _repeats(value):
        return None
    # NumPy has no bfloat16, and float64 holds every other type of tensor's numbers.
    return value.detach().cpu().double().numpy()


def _repeats(tensor):
    """Returns whether a tensor repeats its storage, so that a few bytes claim to be terabytes."""
    if tensor.layout is not _import_torch().strided:
        return False
    return tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes()


def _describe(value):
    kind = getattr(value, "dtype", type(value).__name__)
    odd = [word for word in ("sparse", "meta") if getattr(value, f"is_{word}", False)]
    if not odd and hasattr(value, "untyped_storage") and _repeats(value):
        odd = ["expanded"]
    return " ".join([*odd, str(kind)])


def _import_torch():
    try:
        import torch
    except ImportError as error:
        raise UserError(
            "PyTorch's weight files need PyTorch, which is not installed: "
            "pip install 'hmhn-jax[torch]'"
        ) from error
    return torch
