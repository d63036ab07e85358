"""Correlations over people, and how large they are by chance."""

import numpy as np

from hmhn_jax.base.shapes import check_same_shape

NUM_PERMUTATIONS = 4000


def person_means(values: np.ndarray, subjects: np.ndarray) -> np.ndarray:
    """Averages over each person's videos, f[V,...] -> f64[P,...], in the order of their names."""
    _, places, counts = np.unique(subjects, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), *np.shape(values)[1:]))
    np.add.at(sums, places, np.asarray(values, np.float64))
    return sums / counts.reshape(-1, *[1] * (sums.ndim - 1))


def without_score(values: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Returns what a quadratic function of the score does not explain, f[P,...] -> f64[P,...].

    Errors of a network that predicts towards the mean follow the score, and so does whatever
    correlates with the score: only the rest may tell a shortcut. The square is there since
    predictions bend where scores end.
    """
    centred = scores - np.mean(scores)
    design = np.stack([np.ones(len(scores)), centred, np.square(centred)], axis=1)
    flat = np.reshape(values, (len(scores), -1))
    solution = np.linalg.lstsq(design, flat, rcond=None)[0]
    return (flat - design @ solution).reshape(np.shape(values))


def correlations(columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Computes Pearson's r of each column f[P,C] with values f[P] or f[P,R]: f[C] or f[C,R]."""
    check_same_shape(columns=columns[:, 0], values=values.reshape(len(values), -1)[:, 0])
    return _unit(columns).T @ _unit(values)


def adjusted_p_values(columns: np.ndarray, values: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Computes how often chance gives any column as large a partial correlation as each has.

    People are permuted (Freedman and Lane, 1983), and each column is compared with the largest of
    all columns (Westfall and Young, 1993): if predictions follow no condition, the smallest of
    these p-values is below 0.05 in 5 % of cases, however many conditions there are.

    Args:
      columns: f[P,C], of `without_score`.
      values: f[P], of `without_score`.
      scores: f[P].

    Returns:
      f64[C].
    """
    rng = np.random.default_rng(0)
    order = rng.permuted(np.tile(np.arange(len(values)), (NUM_PERMUTATIONS, 1)), axis=1)
    drawn = np.abs(correlations(columns, without_score(values[order].T, scores))).max(axis=0)
    found = np.abs(correlations(columns, values))
    return (1 + (drawn[None, :] >= found[:, None] - 1e-12).sum(axis=1)) / (1 + NUM_PERMUTATIONS)


def _unit(values):
    """Centres columns and scales them to length 1."""
    centred = values - values.mean(axis=0, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=0, keepdims=True), 1e-12)
