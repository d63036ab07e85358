"""What whoever is handed a network must know of it: the model card."""

import json
from pathlib import Path

import jinja2
from ml_collections import ConfigDict

from hmhn_jax.errors import UserError


def read_evaluations(workdir: Path, step: int, config: ConfigDict) -> list[dict]:
    """The workdir's evaluations of one network, as in metrics.json, in the order of splits.

    Those of another checkpoint, of an ensemble, or with other model settings or crops of another
    size are left out: they are not this network's.

    Raises:
      UserError: when a metrics.json cannot be read.
    """
    evaluations = []
    for path in sorted(workdir.glob("evaluation/*/metrics.json")):
        try:
            metrics = json.loads(path.read_text(encoding="utf-8"))
            if _network(metrics["checkpoint_step"], metrics["config"]) == _network(
                step, json.loads(json.dumps(config.to_dict()))
            ) and not metrics.get("ensemble"):
                evaluations.append(metrics)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"cannot read {path} as results of an evaluation: {error}") from error
    return evaluations


def _network(step, config):
    return step, config["model"], config["data"]["image_size"]


def render(summary: dict, evaluations: list[dict]) -> str:
    """The card in Markdown.

    Args:
      summary: what export.json holds.
      evaluations: from `read_evaluations`.
    """
    environment = jinja2.Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["points"] = "{:.2f}".format
    environment.filters["with_interval"] = _with_interval
    environment.filters["signed"] = "{:+.1f}".format
    return environment.from_string(CARD).render(
        summary,
        evaluations=evaluations,
        rows=[(metrics["split"], *row) for metrics in evaluations for row in _rows(metrics)],
        biases=[(metrics["split"], *row) for metrics in evaluations for row in _biases(metrics)],
    )


def _rows(metrics):
    """(names, how many, errors) of each way to count; those that count the same are one row."""
    rows = {}
    for name, values in metrics["protocols"].items():
        number = values.get("num_sessions", values.get("num_videos"))
        # Sums in another order differ in their last digits.
        key = number, round(values["mae"], 6), round(values["rmse"], 6)
        names, *_ = rows.setdefault(key, ([], number, values))
        names.append(name.replace("_", " "))
    return [(", ".join(names), number, values) for names, number, values in rows.values()]


def _biases(metrics):
    """(level, errors) of each severity; none of an evaluation by an earlier version."""
    return [
        (group["group"], group)
        for grouping in metrics.get("groups", ())
        if grouping["column"] == "severity"
        for group in grouping["groups"]
    ]


def _with_interval(errors, name):
    """Gives "3.47 (2.90 to 4.10)", or "3.47" where there is no 95 % interval."""
    low, high = errors.get(f"{name}_low"), errors.get(f"{name}_high")
    interval = "" if low is None or high is None else f" ({low:.2f} to {high:.2f})"
    return f"{errors[name]:.2f}{interval}"


CARD = """\
# Model card: HMHN trained on {{ config.data.dataset }}

A face crop in, a score on the BDI-II scale (0 to 63) out: the hybrid multi-head cross attention
network of [Li et al. 2023](https://doi.org/10.3389/fnins.2023.1188434),
{{ "{:,}".format(num_parameters) }} parameters.

**Research software, not a diagnosis.** A number it gives about a person must not decide about
that person.
{% if trained.data.get("synthetic") %}

**Trained on synthetic faces.** It has never seen a person, and its numbers say nothing about
patients.
{% endif %}

## Use

| | |
|---|---|
| file | `{{ file }}`, {{ "%.1f"|format(bytes / 1e6) }} MB, weights inside |
| sha256 | `{{ sha256 }}` |
| input | `{{ input.dtype }}[{{ input.shape|join(", ") }}]`: {{ input.content }} |
| output | `{{ output.dtype }}[{{ output.shape|join(", ") }}]`: {{ output.content }} |
| platforms | {{ platforms|join(", ") }}; on CUDA it has not been run |

`example.py` runs it with JAX alone. A video's score is the mean of its frames' scores, clipped to
0..63. Crops must be made as those it was trained on: the face found and turned upright with the
eyes in place, {% if "crops" in trained.data %}
{{ "%g"|format(trained.data.crops.padding * 100) }} % of its width kept around it, {% endif %}
then scaled to {{ input.shape[1] }} pixels. `hmhn_jax.faces`, in the package hmhn-jax, does it:
`crops.crop_video` with the settings that `export.json` holds under `trained.data.crops`, then
`jpeg.decode_crops` for the scaling.

{% if trained.data.get("synthetic") %}
Intended for: trying the software, and tests of programs that are to use such a file. Not for:
videos of people, research results among them.
{% else %}
Intended for: a baseline in research on depression and facial behaviour, on videos like those it
was trained on.
{% endif %}
Never for: diagnosis, screening, hiring, insurance, monitoring, or any decision about a person.

## Training data

| | |
|---|---|
| data set | `{{ config.data.dataset }}`{{ ", synthetic" if trained.data.get("synthetic") }} |
{% for split, number in trained.data.get("num_videos", {}).items() if number %}
| videos, {{ split }} | {{ number }} |
{% endfor %}
{% if trained.num_subjects %}
| {{ "drawn people" if trained.data.get("synthetic") else "people" }} trained on | \
{{ trained.num_subjects }} |
{% endif %}
| split trained on | `{{ config.data.train_split }}` |
| its scores | mean {{ trained.score_mean|points }}, \
standard deviation {{ trained.score_std|points }} BDI-II points |
| fingerprint | `{{ trained.data.get("fingerprint", "unknown") }}` |
| started from | \
{{ "weights of sha256 " ~ trained.init_from.sha256 if trained.init_from else "random weights" }} |
| checkpoint | step {{ checkpoint_step }}, seed {{ trained.config.seed }} |

## Errors, in BDI-II points

{% if rows %}
| split | of | number | MAE | RMSE | MAE, training mean | RMSE, training mean |
|---|---|---|---|---|---|---|
{% for split, names, number, each in rows %}
| {{ split }} | {{ names }} | {{ number }} | \
{{ each|with_interval("mae") }} | {{ each|with_interval("rmse") }} | \
{{ each.baseline_mae|points }} | {{ each.baseline_rmse|points }} |
{% endfor %}

In brackets are 95 % intervals, where there are enough people for them. The last two columns are
those of always saying the training videos' mean score: a network that is not clearly better has
learnt nothing. Ways to count that come to the same share a row: clips and sessions where every
video is a session of its own, sessions and sessions unseen where nobody was seen in training.

{% for each in evaluations %}
- {{ each.split }}:
  {%- if each.protocols.clips.num_subjects is defined %} {{ each.protocols.clips.num_subjects }} \
people,{% endif %}
  {%- if "sessions_seen" in each.protocols %} \
{{ each.protocols.sessions_seen.num_subjects|default("some") }} of them
  {%- else %} none of them{% endif %} among those trained on.
  {%- if each.agreement is defined %} On average predicted minus true score is \
{{ each.agreement.bias|signed }}
  {%- if each.agreement.limit_low is not none %}, 95 % limits of agreement \
{{ each.agreement.limit_low|signed }} to {{ each.agreement.limit_high|signed }}{% endif %}.
  {%- endif %}
  {%- for notice in each.notices|default([]) %} {{ notice }} Errors on new videos will be larger.
  {%- endfor %}

{% endfor %}
{% if biases %}

| split | true level | videos | bias, points | MAE |
|---|---|---|---|---|
{% for split, level, each in biases %}
| {{ split }} | {{ level }} | {{ each.num_videos }} | {{ each.bias|signed }} | \
{{ each.mae|points }} |
{% endfor %}

A network that is unsure says too much of low scores and too little of high ones.
{% endif %}
{% else %}
Not evaluated.
{% endif %}

## Limits

- It was tested, if at all, on the videos above. Other cameras, light, languages, ages, cultures
  and skin tones are untested.
- BDI-II scores are what people said of themselves in a questionnaire. A face tells little of how
  a person is.
- It gives a number for any picture, of a face or not, and does not say how sure it is.
- Errors over a few dozen videos are uncertain by a point or more.

## Licence

The software is under Apache-2.0. Weights learnt from data under licence, such as AVEC 2013 and
2014, may be handed on only as that licence allows.

Made with hmhn-jax {{ versions["hmhn-jax"] }} and JAX {{ versions["jax"] }}.
"""
