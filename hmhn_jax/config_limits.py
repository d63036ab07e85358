"""What the fields of a config may be."""

CHOICES = {
    "model.gwa_softmax_axis": ("grid", "last"),
    "model.spatial_reduce": ("mean", "sum"),
    "model.dtype": ("float32", "bfloat16"),
    "loss.partition_ddof": (0, 1),
    "optimizer.schedule": ("constant", "cosine"),
    "evaluate.checkpoint": ("best", "last"),
}
LEAST = {
    "seed": 0,
    "data.image_size": 1,
    "data.cache_gib": 0,
    "model.num_heads": 1,
    "model.width": 2,  # the heads' squeeze layers have half as many units
    "model.lgfe_expansion": 1,
    "loss.partition_weight": 0,
    "augment.rotation": 0,
    "augment.zoom": 0,
    "augment.shift": 0,
    "augment.brightness": 0,
    "augment.contrast": 0,
    "augment.saturation": 0,
    "optimizer.learning_rate": 0,
    "optimizer.warmup_epochs": 0,
    "optimizer.weight_decay": 0,
    "optimizer.clip_norm": 0,
    "optimizer.plateau_patience": 0,
    "train.batch_size": 1,
    "train.num_epochs": 1,
    "train.checkpoint_every_epochs": 1,
    "train.log_every_steps": 1,
    "evaluate.batch_size": 1,
}
# What a workdir's config may make of a machine before its checkpoint is looked at.
MOST = {
    "seed": 2**63 - 1,
    "data.image_size": 4096,
    "model.num_heads": 256,
    "model.width": 4096,
    "model.lgfe_expansion": 4096,
    "train.batch_size": 2**20,
    "evaluate.batch_size": 2**20,
}
MOST_KERNELS, MOST_KERNEL_SIDE = 16, 63
