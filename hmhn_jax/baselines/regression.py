"""Scores from features of videos by scikit-learn, chosen inside the training people."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from threadpoolctl import threadpool_limits

from hmhn_jax.base.errors import UserError

NUM_FOLDS = 5
MOST_COMPONENTS = 32  # wider features are rotated to so many first


def fit_predict(
    features: np.ndarray,
    scores: np.ndarray,
    people: np.ndarray,
    test_features: np.ndarray,
    limits: tuple[float, float],
    components: bool = False,
) -> np.ndarray:
    """Fits a regression to training videos and scores others.

    Missing numbers become the training median, all are standardised, then ridge regression or a
    support vector regression. Which, and how strongly it is regularised, is what has the lowest
    mean absolute error in a cross-validation over the training people: nobody is on both sides,
    and the test videos choose nothing.

    Args:
      features: f[T,F] of the training videos; nan where one is not known.
      scores: f[T].
      people: [T], whose video each is.
      test_features: f[V,F].
      limits: the lowest and the highest score that there is.
      components: whether to regress on principal components of the training features.

    Returns:
      f64[V], within the limits.

    Raises:
      UserError: there are fewer than two training people, or no feature is known.
    """
    num_people = len(np.unique(people))
    if num_people < 2:
        raise UserError(f"expected videos of at least 2 training people, got {num_people}")
    known = np.isfinite(features).any(axis=0)
    if not known.any():
        raise UserError("no feature is known of any training video")
    middle = np.nanmedian(features[:, known], axis=0)
    features, test_features = (
        np.where(np.isfinite(each), each, middle)
        for each in (features[:, known], test_features[:, known])
    )
    folds = GroupKFold(min(NUM_FOLDS, num_people))
    fewest = min(len(train) for train, _ in folds.split(features, groups=people))
    kept = min(MOST_COMPONENTS, fewest, features.shape[1])
    steps = [PCA(kept, svd_solver="full")] if components else []
    grid = [
        {"regress": [Ridge()], "regress__alpha": np.logspace(0, 4, 5)},
        {"regress": [SVR()], "regress__C": [1.0, 10.0, 100.0]},
    ]
    pipeline = Pipeline(
        [(type(each).__name__, each) for each in (*steps, StandardScaler())]
        + [("regress", Ridge())]
    )
    search = GridSearchCV(pipeline, grid, scoring="neg_mean_absolute_error", cv=folds)
    with threadpool_limits(1):  # the matrices are small: more threads would wait for each other
        search.fit(features, scores, groups=people)
        predictions = search.predict(test_features)
    return np.clip(predictions, *limits).astype(np.float64)
