"""The scale that is predicted: the Beck Depression Inventory, second edition (BDI-II)."""

MAX_SCORE = 63  # 21 items of 0 to 3 points

# Table 1 of the paper: the lowest and the highest score of each level.
SEVERITIES = {
    "none or minimal": (0, 13),
    "mild": (14, 19),
    "moderate": (20, 28),
    "severe": (29, MAX_SCORE),
}
