"""What was cropped, to be looked at before anybody trains on it: a page of thumbnails."""

from pathlib import Path

import jinja2

from hmhn_jax import atomic
from hmhn_jax.faces.crop_report import CropReport


def write_contact_sheet(path: Path, title: str, reports: list[CropReport]) -> None:
    """Writes a self-contained HTML page, the videos that want looking at first.

    Raises:
      UserError: when the file cannot be written.
    """
    suspicious_first = sorted(reports, key=_soundness)
    # Names come from files of strangers: everything is escaped.
    template = jinja2.Environment(autoescape=True).from_string(PAGE)
    atomic.write_text(path, template.render(title=title, reports=suspicious_first))


def _soundness(each):
    return not each.notes, each.found_rate, each.confidence or 0.0, each.recording.video_id


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
crops. First, middle and last crop of each; those with something wrong and
those with the fewest faces found come first.</p>
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
    {% for note in each.notes %}
    <div class="failed">{{ note }}</div>
    {% endfor %}
  </li>
{% endfor %}
</ul>
</html>
"""
