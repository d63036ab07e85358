"""HMHN, small, on one's own videos: 30 to 150 people with a score each.

    python run.py --workdir runs/mine --config configs/folder.py --mode doctor
    python run.py --workdir runs/mine --config configs/folder.py

Data: a folder of videos with one table, docs/data/folder.md; scores on another scale than BDI-II
need --config.data.scale=phq9 or the like, docs/data/scales.md.
"""

from ml_collections import ConfigDict

from hmhn_jax.configs import default


def get_config() -> ConfigDict:
    config = default.get_config()  # a network of 1.2 M parameters, not of 19.7 M

    config.data.dataset = "avec_faces/folder"
    # The checkpoint of the lowest validation MAE is evaluated, as chosen by `evaluate.checkpoint`.
    config.data.train_split = "train"
    config.data.validation_split = "validation"

    config.train.num_epochs = 20
    return config
