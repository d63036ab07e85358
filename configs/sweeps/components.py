"""Contribution of each block: rows A to E of the paper's Tables 3 and 4.

    python run.py --mode sweep --workdir runs/components --config configs/sweeps/components.py

on the synthetic faces, and on AVEC 2014 with `--config configs/sweeps/components.py:avec2014`.
Ten runs; about half an hour on two CPU cores with the synthetic faces. docs/science/ablations.md
has the table.
"""

import importlib

from ml_collections import ConfigDict

ROWS = {  # name: label, the blocks it lacks, MAE and RMSE on AVEC 2013, on AVEC 2014
    "A": ("ResNet-18", ("gwa", "dff", "mab"), (8.47, 9.32), (8.38, 9.13)),
    "B": ("ResNet-18 + GWA", ("dff", "mab"), (7.68, 8.31), (7.57, 8.47)),
    "C": ("ResNet-18 + GWA + DFF", ("mab",), (7.49, 8.29), (7.41, 8.46)),
    "D": ("ResNet-18 + MAB + AFB", ("gwa", "dff"), (6.88, 7.91), (6.90, 8.13)),
    "E": ("HMHN: all of them", (), (6.05, 7.38), (6.01, 7.60)),
}


def get_config(base: str = "default") -> ConfigDict:
    sweep = ConfigDict()
    sweep.title = "Components (Tables 3 and 4)"
    sweep.seeds = (0, 1)
    sweep.base = importlib.import_module(f"hmhn_jax.configs.{base}").get_config()
    sweep.cells = tuple(
        {
            "name": name,
            "label": label,
            "set": {f"model.use_{block}": False for block in lacks},
            "paper": {"avec2013": avec2013, "avec2014": avec2014},
        }
        for name, (label, lacks, avec2013, avec2014) in ROWS.items()
    )
    return sweep
