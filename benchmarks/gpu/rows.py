"""Results of a contestant of `benchmarks.gpu`: a file of one JSON object a line.

A line is written as soon as it is known, so that a contestant that runs out of time or memory
loses no more than what it was at. Nothing here is of one framework.
"""

import json
from pathlib import Path


class Rows:
    """The file, opened for writing.

    Attributes:
      file: its path.
      device: the name of what computes, which goes into each row.
    """

    def __init__(self, file: str, device: str):
        self.file, self.device = Path(file), device

    def append(self, batch_size: int, measured: dict, peak_mib: float | None) -> None:
        """Appends a row of `dispatch.measure`, and the peak device memory so far."""
        self.write({"batch_size": batch_size, **measured, "peak_mib": peak_mib})

    def write(self, row: dict) -> None:
        """Appends any row."""
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"device": self.device, **row}) + "\n")


def read(file: Path) -> list[dict]:
    """Reads all rows that were written whole, in order."""
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1]]
