"""Workdirs with an untrained checkpoint, for code that only reads them."""

import dataclasses
import json
from pathlib import Path

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from configs import default
from hmhn_jax import config as config_lib
from hmhn_jax.base import files
from hmhn_jax.faces.crop import CropSettings
from hmhn_jax.models import factory
from hmhn_jax.prediction import ensemble
from hmhn_jax.workdir import checkpoints, stored_config
from hmhn_jax.workdir.provenance import Provenance

STEP = 1

# Five frames a video, every one of them a crop, as of the smallest rendered dataset.
DATA = {
    "synthetic": True,
    "fingerprint": "f" * 64,
    "crops": dataclasses.asdict(CropSettings(rate_hz=None, max_frames_per_video=None)),
    "num_videos": {"train": 2, "validation": 0, "test": 0},
    "num_frames_sampled": 10,
}


def tiny_config(**fields) -> ConfigDict:
    """Returns the smallest network whose maps have several cells; its dataset is missing."""
    values = {
        "data.image_size": 64,
        "data.data_dir": "/nowhere",
        "model.width": 4,
        "model.num_heads": 2,
        "model.lgfe_expansion": 1,
        "evaluate.batch_size": 8,
    }
    return config_lib.override(default.get_config(), values | fields)


def make(
    workdir: Path,
    config: ConfigDict,
    data: dict | None = None,
    subject_means: dict[str, float] | None = None,
) -> Path:
    """Writes a workdir with weights drawn at random, scores around 20."""
    model = factory.make_model(config)
    size = config.data.image_size
    # Only the shapes: to compile the initialisation takes longer than all else in a test.
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, size, size, 3)))
    rng = np.random.default_rng(config.seed)
    flat = {
        path: _draw(rng, path, leaf.shape)
        for path, leaf in flax.traverse_util.flatten_dict(shapes).items()
    }
    provenance = Provenance(
        config.to_dict(), DATA if data is None else data, 20.0, 5.0, subject_means or {}, {}
    )
    return _save(workdir, config, flax.traverse_util.unflatten_dict(flat), provenance)


def evaluate(workdir: Path, config: ConfigDict) -> None:
    """Writes the results of an evaluation of the workdir on "test"."""
    errors = {"mae": 3.471, "rmse": 4.357, "baseline_mae": 9.912, "baseline_rmse": 12.263}
    clips, sessions = errors | {"num_videos": 3}, errors | {"num_sessions": 3}
    results = {
        "split": "test",
        "checkpoint_step": STEP,
        "config": config.to_dict(),
        **clips,
        "protocols": {"clips": clips, "sessions_unseen": sessions},
    }
    files.write_text(workdir / "evaluation" / "test" / "metrics.json", json.dumps(results))


def _draw(rng, path, shape):
    if path[-1] == "kernel":
        return rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape).astype(np.float32)
    if path[-2:] == ("output_bn", "bias"):
        return np.full(shape, 20.0, np.float32)
    return np.full(shape, 0.0 if path[-1] in ("bias", "mean") else 1.0, np.float32)


def shifted(workdir: Path, other: Path, points: float) -> Path:
    """Writes a workdir whose network scores everything so many points higher than another's."""
    config = stored_config.load(other)
    (trained,) = ensemble.restore(config, [other])
    flat = flax.traverse_util.flatten_dict(trained.variables)
    flat["params", "regression", "output_bn", "bias"] += points
    variables = flax.traverse_util.unflatten_dict(flat)
    return _save(workdir, config, variables, trained.provenance)


def _save(workdir, config, variables, provenance):
    stored_config.save(config, workdir)
    with checkpoints.open_manager(workdir) as manager:
        checkpoints.save(manager, STEP, {"variables": variables}, provenance, 1.0)
    return workdir
