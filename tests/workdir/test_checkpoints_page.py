"""Tests of the scripts of docs/use/checkpoints.md, as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest
import workdirs

import hmhn_jax
from hmhn_jax.prediction import ensemble
from hmhn_jax.workdir import checkpoints, stored_config
from hmhn_jax.workdir.provenance import Provenance

PAGE = Path(__file__).parents[2] / "docs" / "use" / "checkpoints.md"
INTO_THE_NETWORK, INTO_NUMPY = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
LAST = 7


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Makes a folder with crops and a workdir whose best checkpoint is not the last."""
    folder = tmp_path_factory.mktemp("page")
    workdir = workdirs.make(folder / "runs" / "demo", workdirs.tiny_config())
    (trained,) = ensemble.restore(stored_config.load(workdir), [workdir])
    other = jax.tree.map(lambda array: array + 1, trained.variables)
    with checkpoints.open_manager(workdir) as manager:
        checkpoints.save(manager, LAST, {"variables": other}, trained.provenance, 2.0)
    crops = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    np.save(folder / "crops.npy", crops)
    return folder


def run_script(text, place, environment):
    command = [sys.executable, "-c", text]
    ran = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_first_script_gives_the_scores_of_the_best(place, environment):
    step, scores = run_script(INTO_THE_NETWORK, place, environment).split(" ", 1)
    assert int(step) == workdirs.STEP
    expected = hmhn_jax.load(place / "runs" / "demo").score(np.load(place / "crops.npy"))
    np.testing.assert_allclose(np.fromstring(scores.strip("[]\n"), sep=" "), expected, rtol=1e-3)


def test_the_second_script_gives_all_arrays(place, environment):
    lines = run_script(INTO_NUMPY, place, environment)
    workdir = place / "runs" / "demo"
    (trained,) = ensemble.restore(stored_config.load(workdir), [workdir])
    assert trained.step == workdirs.STEP
    arrays = jax.tree_util.tree_leaves_with_path(trained.variables)
    expected = {
        f"{workdirs.STEP} {jax.tree_util.keystr(path)} {array.dtype} {array.shape}"
        for path, array in arrays
    }
    assert set(lines.splitlines()) == expected
    assert "hmhn_jax" not in INTO_NUMPY


@pytest.mark.parametrize(
    "maes",
    [[5.0, 3.0, 4.0], [3.0, 3.0, 5.0], [3.0, None], [None, None], [4.0, 2.0, 2.0, None], [2.0]],
)
def test_best_step_of_orbax_agrees(tmp_path, maes):
    provenance = Provenance({}, {}, 1.0, 1.0, {}, {})
    parts = {"variables": {"w": np.ones(2, np.float32)}}
    with checkpoints.open_manager(tmp_path) as manager:
        for step, mae in enumerate(maes, start=1):
            checkpoints.save(manager, step, parts, provenance, mae)
    assert max(checkpoints.steps(tmp_path)) == len(maes)
    options = ocp.CheckpointManagerOptions(
        read_only=True, best_fn=lambda metrics: metrics["validation_mae"], best_mode="min"
    )
    folder = checkpoints.checkpoint_directory(tmp_path)
    with (
        ocp.CheckpointManager(folder, options=options) as theirs,
        checkpoints.open_manager(tmp_path) as ours,
    ):
        best = checkpoints.choose_step(ours, "best")
        assert theirs.best_step() == ours.best_step() == best
        assert theirs.latest_step() == len(maes)
