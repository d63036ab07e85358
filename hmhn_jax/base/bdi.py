"""Beck Depression Inventory, second edition (BDI-II): range and severity levels."""

import math

MAX_SCORE = 63  # 21 items of 0 to 3 points

# Table 1 of the paper: the lowest and the highest score of each level.
SEVERITIES = {
    "none or minimal": (0, 13),
    "mild": (14, 19),
    "moderate": (20, 28),
    "severe": (29, MAX_SCORE),
}


def severity(score: float) -> str:
    """Returns the level of Table 1 that a score is in, as it is shown: with one decimal, `.1f`.

    Scores between whole points are rounded, .5 up, from that decimal: 19.46 is shown as 19.5, and
    a reader rounds that to 20, which is moderate.

    Raises:
      ValueError: for a score that is not from 0 to 63.
    """
    points = math.floor(round(float(score), 1) + 0.5)
    for name, (least, most) in SEVERITIES.items():
        if least <= points <= most:
            return name
    raise ValueError(f"a BDI-II score is from 0 to {MAX_SCORE}, got {score}")
