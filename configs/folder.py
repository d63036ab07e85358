"""HMHN, small, on one's own videos: 30 to 150 people with a score each.

    python run.py --workdir runs/mine --config configs/folder.py --mode doctor
    python run.py --workdir runs/mine --config configs/folder.py

Data: a folder of videos with one table, docs/data/folder.md. Scores on another scale than BDI-II
need --config.data.scale=phq9 or the like, docs/data/scales.md.
Time: of training, about a quarter of a second a step of 32 crops on two CPU cores, so 8 minutes
for 80 people with 60 crops each; before that, cropping.
Score: on people not measured. On synthetic faces, 40 people gave a test MAE of 8.6 (always the
training mean: 9.1) and 80 people 6.2 (10.2); docs/data/folder.md says how. The demo's 200 give 3.3
to 4.1 (9.9): with 40 people expect little more than the mean.

A trunk that has learned from other faces may help more than any setting here, and is not measured
either: --config.init_from=resnet18.pth --config.model.width=64, docs/use/torch_weights.md.
"""

from ml_collections import ConfigDict

from hmhn_jax.configs import default


def get_config() -> ConfigDict:
    config = default.get_config()  # a network of 1.2 M parameters, not of 19.7 M

    config.data.dataset = "avec_faces/folder"
    # The checkpoint of the lowest validation MAE is evaluated.
    config.data.train_split = "train"
    config.data.validation_split = "validation"
    config.evaluate.checkpoint = "best"

    # More than the demo's 8, as few people give few steps an epoch.
    config.train.num_epochs = 20
    return config
