"""Learning rate and number of epochs, chosen inside each fold of a cross-validation.

    python run.py --mode crossvalidate --workdir runs/search --config configs/folder.py \
        --config.cv.search=configs/searches/learning_rate.py

Every combination is a training in every fold: four here, so four times as long.
"""


def get_config() -> dict[str, tuple]:
    return {"optimizer.learning_rate": (1e-3, 3e-4), "train.num_epochs": (8, 16)}
