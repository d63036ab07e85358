"""Number of grids: Figure 7.

    python run.py --mode sweep --workdir runs/grids --config configs/sweeps/grids.py

on the synthetic faces, and on AVEC 2014 with `--config configs/sweeps/grids.py:avec2014`. 18 runs;
about an hour and a half on two CPU cores with the synthetic faces. Of the paper only the numbers
for 3x3 are given here: the others stand in a figure, not in a table.
"""

import importlib

from ml_collections import ConfigDict

PAPER = {3: {"avec2013": (6.05, 7.38), "avec2014": (6.01, 7.60)}}


def get_config(base: str = "default") -> ConfigDict:
    sweep = ConfigDict()
    sweep.title = "Grids of GWA (Figure 7)"
    sweep.seeds = (0, 1, 2)
    sweep.base = importlib.import_module(f"hmhn_jax.configs.{base}").get_config()
    sweep.cells = tuple(
        {
            "name": f"{side}x{side}",
            "label": "no grid" if side == 1 else f"{side}x{side}",
            "set": {"model.grid": (side, side)},
            "paper": PAPER.get(side, {}),
        }
        for side in range(1, 7)
    )
    return sweep
