"""Stand-ins for the runs of a sweep; light, as each is imported by a process of its own."""

import json
import os

from hmhn_jax.base.errors import UserError


def write_results(workdir, dataset="avec_faces/synthetic"):
    """Writes an evaluation's results, with an error that depends on heads and seed."""
    config = json.loads((workdir / "config.json").read_text())
    heads, seed = config["model"]["num_heads"], config["seed"]
    results = {
        "mae": 2.0 * heads + seed,
        "rmse": 3.0 * heads + seed,
        "baseline_mae": 9.0,
        "baseline_rmse": 12.0,
        "num_videos": 40,
        "num_parameters": 1_230_000,
        "seed": seed,
        "dataset": dataset,
        "split": "test",
        "synthetic": dataset.endswith("synthetic"),
        "data": {"fingerprint": "f" * 64},
        "versions": {"jax": "1"},
    }
    path = workdir / "evaluation" / "test" / "metrics.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(results))
    (workdir / "process.txt").write_text(str(os.getpid()))


def write_avec_results(workdir):
    write_results(workdir, "avec_faces/avec2014")


def write_some_results(workdir):
    """Writes results, except for two heads (not trainable) and others (process dies, or a bug)."""
    name, seed = workdir.parts[-2:]
    if name == "2":
        raise UserError("expected more heads, got 2")
    if name == "1" and seed == "seed0":
        os.abort()
    if name == "1":
        raise RuntimeError("a bug")
    write_results(workdir)
