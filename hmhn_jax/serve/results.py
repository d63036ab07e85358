"""Results as HTML, on the page or in a file of their own, and as a table."""

import base64
import csv
import importlib.resources
import io
from collections.abc import Iterable
from typing import Any

import jinja2

from hmhn_jax.base import templating
from hmhn_jax.base.scale import Scale
from hmhn_jax.prediction.output.tables import FILE_COLUMNS, ORIGIN_COLUMNS
from hmhn_jax.serve.jobs import Job

FOLDER = importlib.resources.files("hmhn_jax.serve")


def make_environment(about: dict[str, Any]) -> jinja2.Environment:
    """The templates of the page and of results, which know of the network what `about` says."""
    environment = templating.environment("serve")
    environment.filters["signed"] = lambda value: f"{value:.1f}".replace("-", "\u2212")  # minus
    evaluation = about["evaluation"] or {}
    # Evaluations of an earlier version lack them.
    known = {"agreement": evaluation.get("agreement"), "check": evaluation.get("attention_check")}
    known["intervals"] = about.get("intervals")
    environment.globals.update(about, **known)
    return environment


def summary(job: Job) -> str | None:
    """One line on what came out, for screen readers; None before the end."""
    if not job.is_over:
        return None
    values = job.outcome.values if job.outcome else {}
    if job.error or values.get("score") is None:
        return f"{job.name}: {job.error or 'no score'}"
    band = f", {values['band']}" if values.get("band") else ""
    return f"{job.name}: {values['score']:.1f} on {values['scale']}{band}"


def fragment(environment: jinja2.Environment, job: Job) -> str:
    """A job's result as a part of the page, which asks for its pictures."""
    count = len(job.outcome.pictures) if job.outcome else 0
    pictures = [f"jobs/{job.id}/pictures/{number}" for number in range(count)]
    module = environment.get_template("result.html").module
    return str(module.result(job, pictures))  # type: ignore[attr-defined]  # macros are attributes


def document(environment: jinja2.Environment, jobs: Iterable[Job]) -> str:
    """Results as one HTML file that needs nothing else."""
    style = FOLDER.joinpath("page.css").read_text(encoding="utf-8")
    results = [
        (job, [_data_uri(png) for png in job.outcome.pictures] if job.outcome else [])
        for job in jobs
    ]
    return environment.get_template("saved.html").render(results=results, style=style)


def _data_uri(png):
    return "data:image/png;base64," + base64.b64encode(png).decode()


def table(jobs: Iterable[Job], scale: Scale, network: str) -> str:
    """Results as CSV, with the columns of predictions.csv.

    Args:
      jobs: a row each.
      scale: of the scores, named in each row.
      network: what it learnt from, said in each row.
    """
    text = io.StringIO()
    writer = csv.DictWriter(
        text,
        [*FILE_COLUMNS, *ORIGIN_COLUMNS],
        restval="",
        extrasaction="ignore",
        lineterminator="\n",
    )
    writer.writeheader()
    for job in jobs:
        values = job.outcome.values if job.outcome else {}
        row = {name: _cell(value) for name, value in values.items()}
        about = {"file": job.name, "error": job.error or "", "scale": scale.name}
        writer.writerow(row | about | {"network": network})
    return text.getvalue()


def _cell(value):
    if isinstance(value, float):
        return f"{value:.4f}"
    return "; ".join(map(str, value)) if isinstance(value, list) else value
