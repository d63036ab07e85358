"""Rating scale: the range and the severity bands of a questionnaire's scores, as data."""

import dataclasses
import json
import math
from typing import Any, Self


@dataclasses.dataclass(frozen=True)
class Band:
    """A level of severity.

    Attributes:
      name: such as "mild".
      least, greatest: the scores from which and up to which it reaches, both included. Between two
        bands of a scale of fractions both have the same number, which belongs to the upper one.
    """

    name: str
    least: float
    greatest: float


@dataclasses.dataclass(frozen=True)
class Scale:
    """A rating scale.

    Attributes:
      name: such as "PHQ-9".
      least, greatest: the ends of its range.
      bands: from the lowest to the highest, over the whole range; none where there are no cut-offs.
      unit: of its scores.
      whole: whether its scores are whole numbers; predictions are fractions in any case.
      worse: the end that is worse, "high" or "low".
      columns: what tables call it, in any case, with `-`, `_` or spaces.
      source: of the cut-offs.
    """

    name: str
    least: float
    greatest: float
    bands: tuple[Band, ...] = ()
    unit: str = "points"
    whole: bool = True
    worse: str = "high"
    columns: tuple[str, ...] = ()
    source: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.range})"

    @property
    def range(self) -> str:
        """The range in words, such as "0 to 27"."""
        return f"{self.least:g} to {self.greatest:g}"

    @property
    def points(self) -> str:
        """The unit in full, such as "PHQ-9 points"."""
        return f"{self.name} {self.unit}"

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest score."""
        return self.least, self.greatest

    @property
    def span(self) -> float:
        """The distance from one end of the range to the other."""
        return self.greatest - self.least

    def severity(self, score: float) -> float:
        """Returns where a score lies between the better end, 0, and the worse, 1."""
        share = (score - self.least) / self.span
        return share if self.worse == "high" else 1 - share

    def band(self, score: float) -> Band | None:
        """Returns the band of a score as it is shown, with one decimal; None without bands.

        On a scale of whole numbers a score between them is rounded, .5 up, from that decimal: 19.46
        is shown as 19.5, and a reader rounds that to 20.

        Raises:
          ValueError: for a score that is not on the scale.
        """
        if not self.least <= score <= self.greatest:
            raise ValueError(f"expected a score on {self}, got {score}")
        shown = round(float(score), 1)
        shown = math.floor(shown + 0.5) if self.whole else shown
        reached = [band for band in self.bands if band.least <= shown]
        return reached[-1] if reached else next(iter(self.bands), None)

    def band_name(self, score: float) -> str:
        """Returns the name of a score's band, empty without bands; raises as `band`."""
        band = self.band(score)
        return band.name if band else ""

    def extent(self, part: "Band | Scale") -> tuple[float, float]:
        """Returns where a band, or this scale, begins and ends on an axis.

        Of whole numbers each takes half a point to both sides, so that bands touch.
        """
        margin = 0.5 if self.whole else 0.0
        return part.least - margin, part.greatest + margin

    def identity(self) -> dict[str, Any]:
        """Returns what scores mean on it, in JSON values; bands are only how they are read."""
        names = ("name", "least", "greatest", "whole", "worse")
        return {name: getattr(self, name) for name in names}

    def measures_as(self, other: Self) -> bool:
        """Returns whether scores mean the same on both."""
        return self.identity() == other.identity()

    def to_json(self) -> dict[str, Any]:
        """Returns JSON values, from which `parse` makes an equal scale."""
        values = dataclasses.asdict(self)
        return json.loads(json.dumps(values))  # lists for tuples
