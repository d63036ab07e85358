"""Axis of GWA's softmax: Equation 4 taken literally, and across the grids.

    python run.py --mode sweep --workdir runs/softmax --config configs/sweeps/softmax.py

on the synthetic faces, and on AVEC 2014 with `--config configs/sweeps/softmax.py:avec2014`. Six
runs; about half an hour on two CPU cores with the synthetic faces. docs/science/reproduction.md
says why the literal reading attends to nothing.
"""

import importlib

from ml_collections import ConfigDict


def get_config(base: str = "default") -> ConfigDict:
    sweep = ConfigDict()
    sweep.title = "Softmax of the grid attention (Equation 4)"
    sweep.seeds = (0, 1, 2)
    sweep.base = importlib.import_module(f"hmhn_jax.configs.{base}").get_config()
    axes = {"grid": "over the grids", "last": "over the last axis, as printed"}
    sweep.cells = tuple(
        {"name": axis, "label": label, "set": {"model.gwa_softmax_axis": axis}, "paper": {}}
        for axis, label in axes.items()
    )
    return sweep
