"""Checks of array shapes."""


def check_same_shape(**arrays) -> None:
    """Raises ValueError, naming both arguments, unless the two arrays have one shape."""
    (first_name, first), (second_name, second) = arrays.items()
    if first.shape != second.shape:
        raise ValueError(
            f"{first_name} and {second_name} must have the same shape, "
            f"got {first.shape} and {second.shape}"
        )
