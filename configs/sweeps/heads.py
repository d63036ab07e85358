"""Number of heads: Figure 6.

    python run.py --mode sweep --workdir runs/heads --config configs/sweeps/heads.py

on the synthetic faces, and on AVEC 2014 with `--config configs/sweeps/heads.py:avec2014`. 24 runs;
about two hours on two CPU cores with the synthetic faces. Of the paper only the numbers for
four heads are given here: the others stand in a figure, not in a table.
"""

import importlib

from ml_collections import ConfigDict

PAPER = {4: {"avec2013": (6.05, 7.38), "avec2014": (6.01, 7.60)}}


def get_config(base: str = "default") -> ConfigDict:
    sweep = ConfigDict()
    sweep.title = "Number of heads (Figure 6)"
    sweep.seeds = (0, 1, 2)
    sweep.base = importlib.import_module(f"hmhn_jax.configs.{base}").get_config()
    sweep.cells = tuple(
        {
            "name": str(heads),
            "label": "1 head" if heads == 1 else f"{heads} heads",
            "set": {"model.num_heads": heads},
            "paper": PAPER.get(heads, {}),
        }
        for heads in range(1, 9)
    )
    return sweep
