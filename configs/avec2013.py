"""HMHN on AVEC 2013: the paper's own setting (Table 3, row E1).

    python run.py --workdir runs/avec2013 --config configs/avec2013.py

Data: AVEC 2013 under licence; docs/data/avec2013.md says where to put it. Check it first, with
--mode doctor. Everything else as in configs/avec2014.py.
Time and score: not measured here. The paper reports a test MAE of 6.05 and an RMSE of 7.38.
"""

from ml_collections import ConfigDict

from hmhn_jax.configs import avec2014


def get_config() -> ConfigDict:
    config = avec2014.get_config()
    config.data.dataset = "avec_faces/avec2013"
    return config
