"""Published errors that the paper compares itself with (Tables 6 and 7)."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Method:
    """One row.

    Attributes:
      name: authors, year and what they built on.
      kind: "pre-trained" or "end to end", as the paper sorts them.
      mae, rmse: on the test split, in BDI-II points; None where the paper has none.
    """

    name: str
    kind: str
    mae: float | None
    rmse: float | None


# (name, AVEC 2013 MAE, RMSE, AVEC 2014 MAE, RMSE); the tables differ in their first rows only.
_FIRST: dict[str, list[tuple[str, float | None, float]]] = {
    "avec_faces/avec2013": [
        ("Valstar et al. (2013), LPQ", 10.88, 13.61),
        ("Cummins et al. (2013), PHOG", None, 10.45),
        ("Wen et al. (2015), LPQ-TOP", 8.22, 10.27),
    ],
    "avec_faces/avec2014": [
        ("Valstar et al. (2014), LGBP-TOP", 8.86, 10.86),
        ("Dhall and Goecke (2015), LBP-TOP", 7.08, 8.91),
    ],
}
_PRE_TRAINED = [
    ("He et al. (2018), MRLBP-TOP, DPFV", 7.55, 9.20, 7.21, 9.01),
    ("Niu et al. (2019), LSOGCP", 6.97, 9.17, 7.19, 9.10),
    ("Zhu et al. (2017), optical flow, 2D-CNN", 7.58, 9.82, 7.47, 9.55),
    ("Al Jazaery and Guo (2018), C3D, RNN", 7.37, 9.28, 7.22, 9.20),
    ("De Melo et al. (2019), ResNet-50", 6.30, 8.25, 6.13, 8.23),
    ("Zhou et al. (2020), 2D-CNN", 6.20, 8.28, 6.21, 8.39),
    ("De Melo et al. (2020), two-stream", 5.96, 7.97, 6.20, 7.94),
    ("Uddin et al. (2020), LSTM", 7.04, 8.93, 6.86, 8.78),
    ("De Melo et al. (2021), MDN", 6.59, 8.39, 6.06, 7.65),
    ("Niu et al. (2022), 2D-CNN", 6.12, 7.49, 6.01, 7.56),
    ("He et al. (2022a), 2D-CNN", 7.36, 9.17, 7.26, 9.03),
]
_END_TO_END = [
    ("He et al. (2021a), 2D-CNN, attention", 6.59, 8.39, 6.51, 8.30),
    ("He et al. (2021b), 3D-CNN", 6.83, 8.46, 6.78, 8.42),
    ("He et al. (2022b), 2D-CNN", 7.02, 9.37, 6.95, 9.24),
    ("Liu et al. (2023), 2D-CNN, attention", 6.08, 7.59, 6.04, 7.98),
    ("Li et al. (2023), HMHN", 6.05, 7.38, 6.01, 7.60),
]


def methods(dataset: str) -> list[Method]:
    """Returns the rows for a dataset, such as "avec_faces/avec2014"; empty if there are none."""
    if dataset not in _FIRST:
        return []
    columns = slice(0, 2) if dataset.endswith("2013") else slice(2, 4)
    first = [Method(name, "pre-trained", mae, rmse) for name, mae, rmse in _FIRST[dataset]]
    rest = [
        Method(name, kind, *errors[columns])
        for kind, rows in (("pre-trained", _PRE_TRAINED), ("end to end", _END_TO_END))
        for name, *errors in rows
    ]
    return first + rest
