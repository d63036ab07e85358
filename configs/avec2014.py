"""HMHN on AVEC 2014, both tasks: the paper's own setting (Table 4, row E2).

    python run.py --workdir runs/avec2014 --config configs/avec2014.py

Data: AVEC 2014 under licence; docs/data/avec2014.md says where to put it. Check it first, with
--mode doctor. Trains on train and development together, as the
paper does, so nothing is chosen on held-out videos and the last checkpoint is evaluated.
Time and score: not measured here, as the data are not ours to have. The paper reports a test MAE
of 6.01 and an RMSE of 7.60.
"""

from ml_collections import ConfigDict

from hmhn_jax import config as config_lib


def get_config() -> ConfigDict:
    # All fields, what they mean and why they have these values: docs/use/config.md and
    # docs/science/reproduction.md. Those that the paper states:
    config = config_lib.default()
    config.data.dataset = "avec_faces/avec2014"
    config.data.train_split = "train+validation"
    config.data.image_size = 224

    config.model.num_heads = 4
    config.model.grid = (3, 3)
    config.model.kernels = ((3, 3), (1, 3), (3, 1))
    config.model.dropout_rate = 0.2

    config.optimizer.learning_rate = 1e-3
    config.optimizer.plateau_factor = 0.1

    config.train.batch_size = 64
    return config
