"""Contribution of each block: rows A to E of the paper's Tables 3 and 4.

    python run.py --mode sweep --workdir runs/components --config configs/sweeps/components.py

on the synthetic faces, and on AVEC 2014 with `--config configs/sweeps/components.py:avec2014`.
Ten runs; about half an hour on two CPU cores with the synthetic faces. docs/science/ablations.md
has the table.
"""

import importlib

from ml_collections import ConfigDict


def get_config(base: str = "default") -> ConfigDict:
    sweep = ConfigDict()
    sweep.title = "Components (Tables 3 and 4)"
    sweep.seeds = (0, 1)
    sweep.base = importlib.import_module(f"configs.{base}").get_config()
    sweep.cells = (
        {
            "name": "A",
            "label": "ResNet-18",
            "set": {"model.use_gwa": False, "model.use_dff": False, "model.use_mab": False},
            "paper": {"avec2013": (8.47, 9.32), "avec2014": (8.38, 9.13)},
        },
        {
            "name": "B",
            "label": "ResNet-18 + GWA",
            "set": {"model.use_dff": False, "model.use_mab": False},
            "paper": {"avec2013": (7.68, 8.31), "avec2014": (7.57, 8.47)},
        },
        {
            "name": "C",
            "label": "ResNet-18 + GWA + DFF",
            "set": {"model.use_mab": False},
            "paper": {"avec2013": (7.49, 8.29), "avec2014": (7.41, 8.46)},
        },
        {
            "name": "D",
            "label": "ResNet-18 + MAB + AFB",
            "set": {"model.use_gwa": False, "model.use_dff": False},
            "paper": {"avec2013": (6.88, 7.91), "avec2014": (6.90, 8.13)},
        },
        {
            "name": "E",
            "label": "HMHN: all of them",
            "set": {},
            "paper": {"avec2013": (6.05, 7.38), "avec2014": (6.01, 7.60)},
        },
    )
    return sweep
