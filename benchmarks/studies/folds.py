"""Balance of cross-validation folds, compared with scikit-learn's GroupKFold.

    python -m benchmarks.studies.folds

draws 1,000 lists of 20 to 200 people with 1 to 5 videos each and prints, of the largest distance of
a fold's mean score from that of all, the median and the 95th percentile, in points.
"""

import argparse

import numpy as np
from sklearn.model_selection import GroupKFold

from hmhn_jax.training.crossvalidation.folds import balanced_folds


def draw(rng: np.random.Generator, greatest: float = 63) -> dict[str, list[float]]:
    """Draws people, and the scores of their videos: skewed as questionnaire scores are."""
    num_people = int(rng.integers(20, 201))
    levels = greatest * rng.beta(1.0, 2.5, num_people)
    return {
        f"person{index}": np.clip(
            np.round(level + rng.normal(0, 3, rng.integers(1, 6))), 0, greatest
        ).tolist()
        for index, level in enumerate(levels)
    }


def largest_distance(scores: np.ndarray, folds: np.ndarray) -> float:
    """Returns the largest distance of a fold's mean from the mean of all, in points."""
    means = [scores[folds == fold].mean() for fold in np.unique(folds)]
    return float(np.abs(np.array(means) - scores.mean()).max())


def compare(people: dict[str, list[float]], num_folds: int) -> tuple[float, float]:
    """Returns the largest distance over videos by ours, and by GroupKFold."""
    scores = np.array([score for own in people.values() for score in own])
    names = np.array([name for name, own in people.items() for _ in own])
    ours = balanced_folds(people, num_folds)
    theirs = np.zeros(len(scores), int)
    for fold, (_, test) in enumerate(GroupKFold(num_folds).split(scores, groups=names)):
        theirs[test] = fold
    return (
        largest_distance(scores, np.array([ours[name] for name in names])),
        largest_distance(scores, theirs),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", type=int, default=1000)
    parser.add_argument("--folds", type=int, default=5)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    distances = np.array([compare(draw(rng), args.folds) for _ in range(args.lists)])
    for name, column in zip(("balanced_folds", "GroupKFold"), distances.T, strict=True):
        median, most = np.quantile(column, [0.5, 0.95])
        print(f"{name}: median {median:.3f}, 95th percentile {most:.3f} points")


if __name__ == "__main__":
    main()
