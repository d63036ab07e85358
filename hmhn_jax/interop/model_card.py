"""Model card: the documentation that accompanies an exported network."""

import json
from pathlib import Path

from ml_collections import ConfigDict

from hmhn_jax.base import files, scales, templating
from hmhn_jax.base.errors import UserError, one_line


def read_evaluations(workdir: Path, step: int | None, config: ConfigDict) -> list[dict]:
    """Reads the workdir's evaluations of one network (metrics.json), in the order of splits.

    Without a step it is the out-of-fold one of a cross-validation. Those of another checkpoint, of
    an ensemble, or with other model settings or crops of another size are left out: they are not
    this network's.

    Raises:
      UserError: when a metrics.json cannot be read.
    """
    evaluations = []
    for path in sorted(workdir.glob("evaluation/*/metrics.json")):
        try:
            metrics = files.read_json(path)
            if _network(metrics["checkpoint_step"], metrics["config"]) == _network(
                step, json.loads(json.dumps(config.to_dict()))
            ) and not metrics.get("ensemble"):
                _rows(metrics), _biases(metrics), metrics["protocols"]["clips"], metrics["split"]
                evaluations.append(metrics)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"cannot read {path} as results of an evaluation: {error}") from error
    return evaluations


def _network(step, config):
    return step, config["model"], config["data"]["image_size"]


def render(summary: dict, evaluations: list[dict]) -> str:
    """Renders the card in Markdown.

    Args:
      summary: what export.json holds.
      evaluations: from `read_evaluations`.
    """
    environment = templating.environment(finalize=_plain)
    environment.filters["points"] = "{:.2f}".format
    environment.filters["with_interval"] = _with_interval
    environment.filters["signed"] = "{:+.1f}".format
    return environment.get_template("model_card.md").render(
        summary | {"scale": scales.of(summary)},
        evaluations=evaluations,
        rows=[(metrics["split"], *row) for metrics in evaluations for row in _rows(metrics)],
        biases=[(metrics["split"], *row) for metrics in evaluations for row in _biases(metrics)],
    )


def _plain(value):
    """Escapes untrusted names of data and splits, so that Markdown does not interpret them."""
    if not isinstance(value, str):
        return value
    text = one_line(value).replace("`", "'").replace("|", "/")
    for letter, shown in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("[", "&#91;")):
        text = text.replace(letter, shown)
    return text


def _rows(metrics):
    """Returns (names, number, errors) of each protocol; equal protocols share a row."""
    rows = {}
    for name, values in metrics["protocols"].items():
        number = values.get("num_sessions", values.get("num_videos"))
        # Sums in another order differ in their last digits.
        key = number, round(values["mae"], 6), round(values["rmse"], 6)
        names, *_ = rows.setdefault(key, ([], number, values))
        names.append(name.replace("_", " "))
    return [(", ".join(names), number, values) for names, number, values in rows.values()]


def _biases(metrics):
    """Returns (level, errors) of each severity; empty for an evaluation by an earlier version."""
    return [
        (group["group"], group)
        for grouping in metrics.get("groups", ())
        if grouping["column"] == "severity"
        for group in grouping["groups"]
    ]


def _with_interval(errors, name):
    """Formats "3.47 (2.90 to 4.10)", or "3.47" where there is no 95 % interval."""
    low, high = errors.get(f"{name}_low"), errors.get(f"{name}_high")
    interval = "" if low is None or high is None else f" ({low:.2f} to {high:.2f})"
    return f"{errors[name]:.2f}{interval}"
