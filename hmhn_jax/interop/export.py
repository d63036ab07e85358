"""Export of a trained network as one file that needs only JAX."""

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from hmhn_jax.base import files
from hmhn_jax.base.scale import Scale
from hmhn_jax.input_pipeline.augment import standardise
from hmhn_jax.interop import model_card
from hmhn_jax.models import HMHN, factory
from hmhn_jax.models.deploy.fold import fold
from hmhn_jax.models.deploy.forward import forward
from hmhn_jax.workdir import restore, versions
from hmhn_jax.workdir.exported import ARTEFACT, DESCRIPTION
from hmhn_jax.workdir.provenance import shared_facts

PLATFORMS = ("cpu", "cuda")
EXAMPLE = """\
# Scores face crops with an exported network: pip install jax numpy flatbuffers
import pathlib
import sys

import jax.export
import numpy as np

if len(sys.argv) != 2:
    sys.exit("usage: python example.py CROPS.npy (RGB, 0 to 255, faces aligned as for training)")
file = pathlib.Path(__file__).with_name("hmhn.jaxexport")
network = jax.export.deserialize(bytearray(file.read_bytes()))
expected, crops = network.in_avals[0], np.load(sys.argv[1])
if crops.dtype != expected.dtype or crops.shape[1:] != expected.shape[1:]:
    sys.exit(f"expected {expected}, b crops, got {crops.dtype}{list(crops.shape)}")
scores = np.asarray(network.call(crops))  # of the frames, not clipped
print("frames:", scores.round(2))
print("video:", round(float(np.clip(scores.mean(), LEAST, GREATEST)), 2), POINTS)
"""


def export_network(model: HMHN, variables: Any, image_size: int) -> jax.export.Exported:
    """Lowers a network to StableHLO, its weights and the standardisation inside.

    Args:
      model: whose variables they are.
      variables: {"params", "batch_stats"}.
      image_size: S, pixels on each side of a crop.

    Returns:
      A function u8[b,S,S,3] -> f32[b] for any number b of RGB crops, on the CPU and on CUDA. Its
      scores are the frames' own: they are not clipped to the scale, since the mean over a
      video's frames is what is clipped.
    """
    # Not in the ways that suit only a CPU: the file is for GPUs, too.
    constants = jax.tree.map(np.asarray, fold(model, variables, for_cpu=False))

    def score(images):
        return forward(model, constants, standardise(images))[0]

    shape = jax.export.symbolic_shape(f"b, {image_size}, {image_size}, 3")
    images = jax.ShapeDtypeStruct(shape, jnp.uint8)
    return jax.export.export(jax.jit(score), platforms=PLATFORMS)(images)


def export_checkpoint(config: ConfigDict, workdir: Path, output: Path | None = None) -> Path:
    """Exports the network of a workdir with its documentation; prints and returns its file's path.

    In addition to the network come an example that runs it, export.json (its input, sha256, config
    and origin) and a model card. None of them names a person or a video of the training data.

    Args:
      config: of the run; `evaluate.checkpoint` chooses the checkpoint.
      workdir: of the run.
      output: the folder to write to; DIR/export when None.

    Raises:
      UserError: without a checkpoint, with one of another architecture, when the workdir has a
        damaged evaluation or a file cannot be written.
    """
    output = workdir / "export" if output is None else output
    files.make_folder(output)
    step, provenance, variables = restore.restore_chosen(config, workdir)
    size, scale = config.data.image_size, provenance.scale
    exported = export_network(factory.make_model(config), variables, size)
    content = bytes(exported.serialize())
    summary = {
        "file": ARTEFACT,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "platforms": list(exported.platforms),
        "calling_convention_version": exported.calling_convention_version,
        "input": {
            "shape": ["b", size, size, 3],
            "dtype": "uint8",
            "content": "aligned RGB face crops, 0 to 255; standardised inside",
        },
        "output": {
            "shape": ["b"],
            "dtype": "float32",
            "content": f"{scale.points} of each frame, not clipped to {scale.range}",
        },
        "scale": scale.to_json(),
        "num_parameters": sum(leaf.size for leaf in jax.tree.leaves(variables["params"])),
        "checkpoint_step": step,
        "config": config.to_dict(),
        "trained": _shared(provenance),
        "versions": versions.installed(),
    }
    evaluations = model_card.read_evaluations(workdir, step, config)
    path = output / ARTEFACT
    files.write_bytes(path, content)
    files.write_text(output / "example.py", example(scale))
    files.write_text(output / "model_card.md", model_card.render(summary, evaluations))
    # Last, so that export.json says that all of it is there.
    files.write_text(output / DESCRIPTION, json.dumps(summary, indent=2) + "\n")
    print(f"network of step {step}, {len(content) / 1e6:.1f} MB: {path}")
    if summary["trained"]["data"].get("synthetic"):
        print("trained on synthetic faces: its numbers say nothing about patients")
    print(f"also in {output}: example.py, export.json and model_card.md", flush=True)
    return path


def example(scale: Scale) -> str:
    """Returns example.py for scores on a scale."""
    values = {"LEAST": scale.least, "GREATEST": scale.greatest, "POINTS": scale.points}
    return re.sub(r"\b(LEAST|GREATEST|POINTS)\b", lambda name: json.dumps(values[name[0]]), EXAMPLE)


def _shared(provenance):
    origin = dataclasses.asdict(provenance)
    origin["num_subjects"] = len(origin.pop("subject_means"))  # what people scored stays here
    origin["data"] = shared_facts(origin["data"])
    return origin
