"""What was cropped, to be looked at before anybody trains on it: a page of thumbnails."""

import dataclasses
from pathlib import Path

import jinja2

from hmhn_jax import atomic
from hmhn_jax.faces.crop_report import CropReport
from hmhn_jax.pseudonyms import FILE, Pseudonyms


def write_contact_sheet(
    path: Path,
    title: str,
    reports: list[CropReport],
    faces: bool = True,
    names: Pseudonyms | None = None,
) -> None:
    """Writes a self-contained HTML page, the videos that want looking at first.

    Args:
      path: of the page.
      title: of the dataset.
      reports: one a video.
      faces: whether crops are shown.
      names: of all videos, to be shown in the place of their own; None to show those.

    Raises:
      UserError: when the file cannot be written.
    """
    if names:
        reports = _without_names(reports, names)
    # Names come from files of strangers: everything is escaped.
    template = jinja2.Environment(autoescape=True).from_string(PAGE)
    page = template.render(
        title=title,
        reports=sorted(reports, key=_soundness),
        faces=faces,
        key=FILE if names else None,
    )
    atomic.write_text(path, page)


def _soundness(each):
    sound = not (each.failure or each.warnings)
    return sound, each.found_rate, each.confidence or 0.0, each.recording.video_id


def _without_names(reports, names):
    paths = [each.recording.path for each in reports]
    return [
        dataclasses.replace(
            each,
            recording=dataclasses.replace(
                each.recording, video_id=names.videos[each.recording.video_id]
            ),
            failure=each.failure and names.hide(each.failure, paths),
            warnings=tuple(names.hide(warning, paths) for warning in each.warnings),
        )
        for each in reports
    ]


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
crops. {% if faces %}First, middle and last crop of each; those{% else %}Crops are left out. Those
{%- endif %} without crops or with warnings and those with the fewest faces found come first.
{% if key %}Names are pseudonyms, paths are left out; the key, {{ key }}
beside this page, is not to be sent.{% endif %}</p>
<ul>
{% for each in reports %}
  <li>
    {% for picture in each.pictures if faces -%}
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
    {% for warning in each.warnings %}
    <div class="failed">{{ warning }}</div>
    {% endfor %}
  </li>
{% endfor %}
</ul>
</html>
"""
