"""Words that stand on whatever leaves the program."""

NOTICE = "research software, not a diagnosis"
SYNTHETIC = "trained on synthetic faces: its scores say nothing about people"


def times(number: int) -> str:
    """Returns "once" or, such as, "3 times"."""
    return "once" if number == 1 else f"{number} times"
