"""Readers of the files that a fault campaign damages, called in a process of their own.

Each takes folders and returns a digest of what it read, or the one line that said what is wrong.
"""

import contextlib
import functools
import hashlib
import io
import json
from pathlib import Path

from hmhn_jax.runtime import environment

environment.set_environment()

import jax  # noqa: E402, only now
import numpy as np  # noqa: E402

from hmhn_jax import config as config_lib  # noqa: E402
from hmhn_jax import tfds as avec_faces  # noqa: E402, F401
from hmhn_jax.base.errors import UserError  # noqa: E402
from hmhn_jax.faces import cache  # noqa: E402
from hmhn_jax.input_pipeline import dataset  # noqa: E402
from hmhn_jax.input_pipeline.crops import read_crops  # noqa: E402
from hmhn_jax.prediction import ensemble  # noqa: E402
from hmhn_jax.training import resume  # noqa: E402
from hmhn_jax.training.step import init_state, make_optimizer  # noqa: E402
from hmhn_jax.workdir import (  # noqa: E402
    checkpoints,
    scalars,
    stored_config,
)


def _speaking(function):
    """Returns {"value"} or {"line"}, and the printed text as {"said"}."""

    @functools.wraps(function)
    def read(*arguments) -> dict[str, str]:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            try:
                answer = {"value": function(*arguments)}
            except UserError as error:
                answer = {"line": str(error)}
        return answer | {"said": said.getvalue()}

    return read


def _digest(tree) -> str:
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(jax.device_get(tree)):
        digest.update(f"{jax.tree_util.keystr(path)} {np.shape(leaf)}".encode())
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()


def _config(workdir):
    return stored_config.load(workdir)


@_speaking
def weights(workdir: Path, whole: Path) -> str:
    """Reads the network that an evaluation takes, with the config of an undamaged workdir."""
    (trained,) = ensemble.restore(_config(whole), [workdir])
    summary = json.dumps(trained.provenance.__dict__, sort_keys=True)
    return f"{trained.step} {_digest(trained.variables)} {summary}"


@functools.cache
def _new_state(whole):
    config = _config(whole)
    (trained,) = ensemble.restore(config, [whole])
    optimizer = make_optimizer(config.optimizer, 5, 50)
    return init_state(trained.model, optimizer, config.data.image_size, 0), trained.provenance


@_speaking
def state(workdir: Path, whole: Path) -> str:
    """Reads the state from which a run is resumed."""
    new, origin = _new_state(whole)
    with checkpoints.open_manager(workdir, alone=True) as manager:
        begin = resume.start(manager, lambda: new, _config(whole), origin)
    tree = (begin.state.variables, begin.state.opt_state, begin.unlogged)
    return f"{int(begin.state.step)} {_digest(tree)}"


@_speaking
def config(workdir: Path, whole: Path) -> str:
    """Reads a workdir's config; prints how it differs from the checkpoint's, like the program."""
    stored = _config(workdir)
    (trained,) = ensemble.restore(stored, [workdir])
    if changed := config_lib.differences(
        stored, stored_config.from_dict(trained.provenance.config)
    ):
        raise UserError(f"{workdir}: note: evaluating with a changed config: {'; '.join(changed)}")
    return json.dumps(stored.to_dict(), sort_keys=True)


@_speaking
def crops(data_dir: Path, whole: Path) -> str:
    """Reads everything that training and evaluation take from a dataset."""
    settings = config_lib.override(_config(whole), {"data.data_dir": str(data_dir)}).data
    builder, digest = dataset.open_dataset(settings), hashlib.sha256()
    for split in ("train", "validation", "test"):
        read = read_crops(builder, split, settings)
        digest.update(repr(read.videos).encode() + read.video_of_crop.tobytes())
        digest.update(read.decoded.tobytes())
    return digest.hexdigest() + json.dumps(dict(builder.info.metadata), sort_keys=True)


@_speaking
def cached(folder: Path, whole: Path) -> str:
    """Reads all crops of a cache; a damaged entry counts as missing and is decoded again."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.crops")):
        if (entry := cache.read(path)) is None:
            raise UserError(f"{path} is damaged and made again")
        digest.update(repr([crop.box for crop in entry.crops]).encode())
        digest.update(b"".join(crop.jpeg for crop in entry.crops))
    return digest.hexdigest()


@_speaking
def lines(workdir: Path, whole: Path) -> str:
    """Returns whether the log goes on, and can be read; lost lines are said."""
    with scalars.open_writers(workdir) as write:
        write(10_000, {"loss": 1.0})
    with contextlib.redirect_stdout(io.StringIO()) as said:
        here, there = scalars.read(workdir), scalars.read(whole)
    print(said.getvalue(), end="")
    if not here or here.pop() != {"step": 10_000, "loss": 1.0}:
        return "the next line is lost"
    lost = {each["step"] for each in there} - {each["step"] for each in here}
    is_end = lost == set(range(len(here) + 1, len(there) + 1))  # an end can be missing
    if len(lost) <= 1 or is_end or "lines damaged" in said.getvalue():  # or a step is another
        return "as it was"
    return "lines are missing, and nothing said"
