"""What was cropped, to be looked at before anybody trains on it: a page of thumbnails."""

import base64
import dataclasses
import statistics
from pathlib import Path

import cv2
import jinja2
import numpy as np

from hmhn_jax import atomic
from hmhn_jax.faces.crops import CropFailure, VideoCrops
from hmhn_jax.faces.recordings import Recording

THUMBNAIL_SIDE = 112  # pixels


@dataclasses.dataclass(frozen=True)
class CropReport:
    """How cropping one video ended.

    Attributes:
      recording: which video.
      num_sampled: frames looked at.
      num_crops: frames in which a face was found.
      confidence: the median of the detector's scores, None without crops.
      thumbnails: small JPEGs of the first, the middle and the last crop.
      failure: why there are no crops; None if there are.
    """

    recording: Recording
    num_sampled: int = 0
    num_crops: int = 0
    confidence: float | None = None
    thumbnails: tuple[bytes, ...] = ()
    failure: str | None = None

    @property
    def found_rate(self) -> float:
        """Share of the sampled frames with a face, 0 to 1."""
        return self.num_crops / self.num_sampled if self.num_sampled else 0.0

    @property
    def pictures(self) -> list[str]:
        """The thumbnails as text that a page can hold."""
        return [base64.b64encode(jpeg).decode() for jpeg in self.thumbnails]


def report(recording: Recording, result: VideoCrops | CropFailure) -> CropReport:
    """Keeps of a video's crops what is shown of them."""
    if isinstance(result, CropFailure):
        return CropReport(recording, failure=result.reason)
    crops = result.crops
    shown = (crops[0], crops[len(crops) // 2], crops[-1])
    return CropReport(
        recording,
        result.num_sampled,
        len(crops),
        statistics.median(crop.confidence for crop in crops),
        tuple(_thumbnail(crop.jpeg) for crop in shown),
    )


def write_contact_sheet(path: Path, title: str, reports: list[CropReport]) -> None:
    """Writes a self-contained HTML page, the videos that want looking at first.

    Raises:
      UserError: when the file cannot be written.
    """
    suspicious_first = sorted(
        reports, key=lambda each: (each.found_rate, each.confidence or 0.0, each.recording.video_id)
    )
    # Names come from files of strangers: everything is escaped.
    template = jinja2.Environment(autoescape=True).from_string(PAGE)
    atomic.write_text(path, template.render(title=title, reports=suspicious_first))


def _thumbnail(jpeg: bytes) -> bytes:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    small = cv2.resize(image, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ title }}</title>
<style>
  body { font: 14px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #222; }
  ul { display: grid; grid-template-columns: repeat(auto-fill, 352px); gap: 1rem; padding: 0; }
  li { list-style: none; }
  img { width: 112px; height: 112px; margin-right: 2px; }
  .failed { color: #b00020; }
</style>
<h1>{{ title }}</h1>
<p>{{ reports|length }} videos, {{ reports|selectattr("failure")|list|length }} of them without
crops. First, middle and last crop of each; those with the fewest faces found come first.</p>
<ul>
{% for each in reports %}
  <li>
    {% for picture in each.pictures -%}
    <img alt="" src="data:image/jpeg;base64,{{ picture }}">
    {%- endfor %}
    <div><b>{{ each.recording.video_id }}</b>, {{ each.recording.split }},
    score {{ "%g"|format(each.recording.score) }}</div>
    {% if each.failure %}
    <div class="failed">{{ each.failure }}</div>
    {% else %}
    <div>face in {{ each.num_crops }} of {{ each.num_sampled }} frames,
    confidence {{ "%.2f"|format(each.confidence) }}</div>
    {% endif %}
  </li>
{% endfor %}
</ul>
</html>
"""
