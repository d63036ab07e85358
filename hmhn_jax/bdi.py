"""The scale that is predicted: the Beck Depression Inventory, second edition (BDI-II)."""

MAX_SCORE = 63  # 21 items of 0 to 3 points
