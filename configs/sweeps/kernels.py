"""Parallel convolutions of the heads: Table 5.

    python run.py --mode sweep --workdir runs/kernels --config configs/sweeps/kernels.py

on the synthetic faces, and on AVEC 2014 with `--config configs/sweeps/kernels.py:avec2014`. 15
runs; about an hour and a quarter on two CPU cores with the synthetic faces. The table's numbers of
parameters are met for the last set only; docs/science/reproduction.md says more.
"""

import importlib

from ml_collections import ConfigDict

SETS = {  # name: label, kernels, MAE and RMSE on AVEC 2013, on AVEC 2014
    "standard": ("standard: 3x3, 3x3, 3x3", ((3, 3),) * 3, (6.07, 7.43), (6.09, 7.66)),
    "7": ("1x7, 7x7, 7x1", ((1, 7), (7, 7), (7, 1)), (6.16, 7.49), (6.19, 7.78)),
    "5": ("1x5, 5x5, 5x1", ((1, 5), (5, 5), (5, 1)), (6.14, 7.51), (6.12, 7.71)),
    "3_without_square": ("3x1, 1x3", ((3, 1), (1, 3)), (6.21, 7.56), (6.27, 7.83)),
    "3": ("3x3, 1x3, 3x1", ((3, 3), (1, 3), (3, 1)), (6.05, 7.38), (6.01, 7.60)),
}


def get_config(base: str = "default") -> ConfigDict:
    sweep = ConfigDict()
    sweep.title = "Kernels of the heads (Table 5)"
    sweep.seeds = (0, 1, 2)
    sweep.base = importlib.import_module(f"hmhn_jax.configs.{base}").get_config()
    sweep.cells = tuple(
        {
            "name": name,
            "label": label,
            "set": {"model.kernels": kernels},
            "paper": {"avec2013": avec2013, "avec2014": avec2014},
        }
        for name, (label, kernels, avec2013, avec2014) in SETS.items()
    )
    return sweep
