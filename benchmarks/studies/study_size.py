"""Width of intervals by the number of people in a study, on the synthetic faces.

    python -m benchmarks.studies.study_size --predictions FILE
    python -m benchmarks.studies.study_size --train runs/study_size

FILE is predictions.csv of an evaluation, such as that of runs/cv/evaluation/out-of-fold/.

The first draws studies of 20, 40, 80 and 160 people from the out-of-fold errors of one large
cross-validation: it shows what the number of people does to the intervals alone. The second really
cross-validates so many people, networks of `configs/default.py`, whose errors grow, too, with fewer
people; it takes as long as 20 trainings.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from hmhn_jax.base import fonts
from hmhn_jax.evaluation.bootstrap import bootstrap
from hmhn_jax.evaluation.metrics import mean_absolute_error
from hmhn_jax.prediction.conformal import LEVELS, Residuals

SIZES, NUM_FOLDS = (20, 40, 80, 160), 5
COLUMNS = ("people", "MAE", "its interval", "80 % for a person", "95 % for a person")


def widths(predictions: np.ndarray, scores: np.ndarray, greatest: float) -> list[float]:
    """Returns MAE, and the widths of its interval and of a person's, in points; a video a person.

    A person's interval is that of a prediction in the middle of the scale, without its ends.
    """
    people = np.arange(len(scores))
    interval = bootstrap(mean_absolute_error, predictions, scores, people)
    folds = people % NUM_FOLDS
    residuals = Residuals(
        np.abs(predictions - scores),
        people,
        folds[:, None] == np.arange(NUM_FOLDS),
        tuple(map(str, range(NUM_FOLDS))),
        0.0,
        1000 * greatest,
        "subject",
    )
    (intervals,) = residuals.intervals(np.full((NUM_FOLDS, 1), 500 * greatest))
    of_person = {each.level: each.high - each.low for each in intervals}
    width = interval.high - interval.low if interval else np.nan
    mae = float(mean_absolute_error(predictions, scores))
    return [mae, width, *(of_person.get(level, np.nan) for level in LEVELS)]


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads predictions and scores of an evaluation, a row a video."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return tuple(np.array([float(row[name]) for row in rows]) for name in ("prediction", "score"))


def drawn(path: Path, num_studies: int, greatest: float) -> Iterator[tuple[int, np.ndarray]]:
    """Yields size, and the widths of each of many studies, f[num_studies,4]."""
    predictions, scores = read(path)
    rng = np.random.default_rng(0)
    for size in SIZES:
        chosen = rng.integers(len(scores), size=(num_studies, size))
        yield size, np.array([widths(predictions[c], scores[c], greatest) for c in chosen])


def trained(workdir: Path, greatest: float) -> Iterator[tuple[int, np.ndarray]]:
    """Cross-validates studies of the synthetic faces; yields size and widths, f[1,4]."""
    import run
    from configs import default
    from hmhn_jax import config as config_lib
    from hmhn_jax import tfds  # noqa: F401  registers the dataset
    from hmhn_jax.input_pipeline import split
    from hmhn_jax.input_pipeline.dataset import open_dataset
    from hmhn_jax.training.crossvalidation import plan
    from hmhn_jax.training.crossvalidation.run import crossvalidate

    base = config_lib.complete(default.get_config())
    builder = open_dataset(base.data)
    splits = plan.splits(base, builder)
    crops = split.read_encoded(builder, splits, base.data)
    names = sorted({video.subject_id for video in crops.videos})
    for size in SIZES:
        people = set(np.random.default_rng(size).choice(names, size, replace=False).tolist())
        folder = workdir / str(size)
        # As many steps in each, so that small studies are not trained less.
        epochs = max(1, round(base.train.num_epochs * SIZES[-1] / size))
        config = config_lib.override(base, {"train.num_epochs": epochs, "cv.folds": NUM_FOLDS})
        chosen = [video for video in crops.videos if video.subject_id in people]
        plan.prepare(config, folder, chosen, builder.info.metadata, splits)
        crossvalidate(config, folder, builder, run.run_in)
        path = folder / "evaluation" / "out-of-fold" / "predictions.csv"
        yield size, np.array([widths(*read(path), greatest)])


def draw(path: Path, sizes: Sequence[int], table: np.ndarray) -> None:
    """Draws the widths, f[sizes,3], over the number of people."""
    figure = Figure(figsize=(4.6, 3.4), dpi=150, layout="constrained")
    axes = figure.subplots()
    for column, label in zip(table.T, ("MAE, 95 %", *COLUMNS[3:]), strict=True):
        axes.plot(sizes, column, "o-", label=label)
    axes.set(
        xscale="log",
        xlabel="people",
        ylabel="width of the interval, points",
        ylim=(0, 1.4 * table.max()),
    )
    axes.set_xticks(sizes, list(map(str, sizes)))
    axes.minorticks_off()
    axes.legend()
    fonts.save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predictions", type=Path)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--greatest", type=float, default=63, help="of the scale")
    parser.add_argument("--figure", type=Path)
    args = parser.parse_args()
    if bool(args.predictions) == bool(args.train):
        parser.error("expected either --predictions or --train")
    studies = (
        trained(args.train, args.greatest)
        if args.train
        else drawn(args.predictions, args.studies, args.greatest)
    )
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS), flush=True)
    table = []
    for size, values in studies:
        middle = np.median(values, axis=0)
        table.append(middle[1:])
        cells = ["none" if np.isnan(each) else f"{each:.1f}" for each in middle]
        print(f"| {size} | " + " | ".join(cells) + " |", flush=True)
    if args.figure:
        draw(args.figure, SIZES, np.array(table))


if __name__ == "__main__":
    main()
