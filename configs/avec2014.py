"""HMHN on AVEC 2014, both tasks: the paper's own setting (Table 4, row E2).

    python run.py --workdir runs/avec2014 --config configs/avec2014.py

Data: AVEC 2014 under licence; docs/data/avec2014.md says where to put it. Look it over first, with
--mode doctor. Trains on train and development together, as the
paper does, so nothing is chosen on held-out videos and the last checkpoint is evaluated.
Time and score: not measured here, as the data are not ours to have. The paper reports a test MAE
of 6.01 and an RMSE of 7.60.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.seed = 0
    config.init_from = ""  # a PyTorch file of weights to start from; empty: from scratch

    config.data = ConfigDict()
    config.data.dataset = "avec_faces/avec2014"
    config.data.data_dir = ""  # empty: TFDS's default, ~/tensorflow_datasets
    config.data.manual_dir = ""  # where the videos are; empty: data_dir/downloads/manual
    config.data.train_split = "train+validation"
    config.data.validation_split = ""  # empty: no validation; else it chooses the checkpoint
    config.data.test_split = "test"
    config.data.image_size = 224
    config.data.cache_gib = 4.0  # decoded crops are kept in memory up to this size

    config.model = ConfigDict()
    config.model.num_heads = 4
    config.model.grid = (3, 3)
    config.model.kernels = ((3, 3), (1, 3), (3, 1))
    config.model.use_gwa = True
    config.model.use_dff = True
    config.model.use_mab = True  # MAB and AFB
    config.model.width = 64
    config.model.lgfe_expansion = 16
    config.model.gwa_softmax_axis = "grid"  # or "last"
    config.model.spatial_reduce = "mean"  # or "sum"
    config.model.dropout_rate = 0.2
    config.model.use_output_norm = True
    config.model.dtype = "float32"  # or "bfloat16"

    config.loss = ConfigDict()
    config.loss.partition_weight = 1.0
    config.loss.partition_ddof = 1
    config.loss.partition_epsilon = 1e-6

    config.augment = ConfigDict()
    config.augment.flip = True
    config.augment.rotation = 10.0  # degrees
    config.augment.zoom = 0.08
    config.augment.shift = 0.04
    config.augment.brightness = 0.2
    config.augment.contrast = 0.2
    config.augment.saturation = 0.2

    config.optimizer = ConfigDict()
    config.optimizer.learning_rate = 1e-3
    config.optimizer.schedule = "constant"  # or "cosine", down to 0 at the last step
    config.optimizer.warmup_epochs = 0.0
    config.optimizer.weight_decay = 0.01
    config.optimizer.clip_norm = 1.0  # 0: gradients are not clipped
    config.optimizer.plateau_factor = 0.1  # the paper's learning factor; 1: no reduction
    config.optimizer.plateau_patience = 5  # epochs without a lower mean training loss

    config.train = ConfigDict()
    config.train.batch_size = 64  # over all devices
    config.train.num_epochs = 50
    config.train.checkpoint_every_epochs = 1
    config.train.log_every_steps = 10

    config.evaluate = ConfigDict()
    config.evaluate.batch_size = 64  # over all devices
    config.evaluate.checkpoint = "last"  # or "best", by validation MAE

    return config
