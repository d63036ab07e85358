"""Balanced folds of whole groups of people, in a continuous score."""

import hashlib
from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np

from hmhn_jax.base.errors import UsageError

NUM_STRATA = 4  # quarters of the people by their score, each spread over all folds
# Of the squared distances that the search lowers: as many people in each fold comes first.
WEIGHT_OF_PEOPLE, WEIGHT_OF_STRATA = 100.0, 0.1


def balanced_folds(
    scores: Mapping[str, Sequence[float]],
    num_folds: int,
    seed: int = 0,
    group_of: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """Divides people into folds that are alike in score and size.

    Groups are sorted by size and mean score and dealt to the folds, a group of neighbours at a
    time; then groups are swapped or moved while that brings the folds closer to each other in
    number of people, number of videos, sum of scores (over people and over videos) and people in
    each quarter of the score. scikit-learn has no such division: GroupKFold balances the size
    only, StratifiedGroupKFold takes classes.

    Args:
      scores: the scores of each person's videos, in points, by the person's name.
      num_folds: how many.
      seed: another one divides differently.
      group_of: which group each person is in; a group stays whole. Everyone alone when None.

    Returns:
      {person: fold from 0}, no fold empty. It depends on names, scores and seed, not on the order
      of people or of their videos.

    Raises:
      UsageError: there are fewer groups than folds.
    """
    people = sorted(scores)
    groups = [group_of[person] for person in people] if group_of else people
    names, group_of_person = np.unique(groups, return_inverse=True)
    if num_folds < 2 or len(names) < num_folds:
        raise UsageError(
            f"expected folds from 2 to the number of groups, {len(names)}, got {num_folds}"
        )
    features = _features([sorted(scores[person]) for person in people])
    totals = np.zeros((len(names), features.shape[1]))
    np.add.at(totals, group_of_person, features)
    means = totals[:, 2] / totals[:, 0]
    digests = [hashlib.sha256(f"{seed}/{name}".encode()).digest() for name in names]
    order = sorted(
        range(len(names)), key=lambda each: (-totals[each, 0], means[each], digests[each])
    )
    folds = np.zeros(len(names), int)
    for start in range(0, len(order), num_folds):
        neighbours = sorted(order[start : start + num_folds], key=digests.__getitem__)
        folds[neighbours] = np.arange(len(neighbours))
    folds = _improved(folds, totals * _scales(features), num_folds)
    of_people = folds[group_of_person].tolist()
    return dict(zip(people, of_people, strict=True))


def _features(scores):
    """Counts and centred sums that are to be alike in all folds, f[people,F]."""
    middle = fmean(each for person in scores for each in person)
    means = np.array([fmean(person) for person in scores])
    centred = np.array([sum(each - middle for each in person) for person in scores])
    ranks = np.searchsorted(np.sort(means), means)  # of equal scores the same
    strata = np.eye(NUM_STRATA)[ranks * NUM_STRATA // len(means)]
    counts = np.array([len(person) for person in scores], float)
    basics = [np.ones(len(means)), counts, means - means.mean(), centred]
    return np.column_stack([*basics, strata])


def _scales(features):
    """Factors that bring the features to one unit, f[F], roughly that of one person."""
    spreads = np.sqrt(np.square(features).mean(axis=0))
    scales = 1 / np.where(spreads > 0, spreads, 1)
    scales[0] *= WEIGHT_OF_PEOPLE**0.5
    scales[4:] = WEIGHT_OF_STRATA**0.5
    return scales


def _improved(folds, totals, num_folds):
    """Swaps and moves groups, f[groups,F], while the folds' squared distances become smaller."""
    folds = folds.copy()
    everyone = np.arange(len(folds))
    norms = np.square(totals).sum(axis=1)
    of_swap = norms[:, None] + norms - 2 * totals @ totals.T
    while True:
        apart = np.zeros((num_folds, totals.shape[1]))
        np.add.at(apart, folds, totals)
        apart -= totals.sum(axis=0) / num_folds
        inner = totals @ apart.T  # [groups,folds]
        own = inner[everyone, folds]
        to_other = inner[:, folds].T  # of group j with the fold of group i
        swaps = to_other - own[:, None] - own + to_other.T + of_swap  # half the change
        moves = inner - own[:, None] + norms[:, None]
        moves[np.bincount(folds, minlength=num_folds)[folds] == 1] = np.inf  # no fold is emptied
        moves[everyone, folds] = np.inf
        swap, move = (
            np.unravel_index(swaps.argmin(), swaps.shape),
            divmod(int(moves.argmin()), num_folds),
        )
        if min(swaps[swap], moves[move]) > -1e-9:
            return folds
        if swaps[swap] <= moves[move]:
            folds[list(swap)] = folds[list(swap[::-1])]
        else:
            folds[move[0]] = move[1]
