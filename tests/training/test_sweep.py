import csv
import importlib
import json
import os
import statistics
from pathlib import Path

import pytest
from ml_collections import ConfigDict
from sweep_runs import write_avec_results, write_results, write_some_results

from configs import default
from hmhn_jax import config as config_lib
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.training.sweep import plan, read_cells, sweep

SWEEPS = sorted(path.stem for path in Path("configs/sweeps").glob("*.py"))


def settings(**fields):
    """Makes a sweep of three cells and two seeds, with some fields changed."""
    config = ConfigDict()
    config.title = "Heads"
    config.seeds = (0, 1)
    config.base = default.get_config()
    config.cells = tuple(
        {
            "name": str(heads),
            "label": f"{heads} heads",
            "set": {"model.num_heads": heads},
            "paper": {"avec2014": (heads + 0.25, heads + 0.5)},
        }
        for heads in (1, 2, 4)
    )
    for name, value in fields.items():
        config[name] = value
    return config


def rows(workdir):
    with (workdir / "table.csv").open() as file:
        return {row["cell"]: row for row in csv.DictReader(file)}


def test_table_has_mean_and_deviation_over_seeds(tmp_path):
    sweep(settings(), tmp_path, write_results, "python run.py ...")
    row = rows(tmp_path)["2"]
    assert float(row["mae_mean"]) == pytest.approx(statistics.fmean([4, 5]))
    assert float(row["mae_sd"]) == pytest.approx(statistics.stdev([4, 5]), abs=1e-4)
    assert row["seeds"] == "0 1"
    assert row["rmse"] == "6.0 7.0"
    text = (tmp_path / "table.md").read_text()
    assert "| 2 | 2 heads | 4.50 ± 0.71 | 6.50 ± 0.71 | 2 of 2 | 1.23 M |" in text
    assert "python run.py ..." in text
    assert "f" * 64 in text
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_every_run_has_a_process_of_its_own(tmp_path):
    sweep(settings(), tmp_path, write_results, "")
    processes = {path.read_text() for path in tmp_path.glob("cells/*/seed*/process.txt")}
    assert len(processes) == 6
    assert str(os.getpid()) not in processes


def test_the_papers_numbers_are_shown_for_the_same_data_only(tmp_path):
    sweep(settings(), tmp_path / "synthetic", write_results, "")
    assert rows(tmp_path / "synthetic")["2"]["mae_paper"] == ""
    text = (tmp_path / "synthetic" / "table.md").read_text()
    assert "paper" not in text
    assert "Synthetic faces, not clinical data" in text

    sweep(settings(), tmp_path / "avec", write_avec_results, "")
    assert float(rows(tmp_path / "avec")["2"]["mae_paper"]) == 2.25
    assert float(rows(tmp_path / "avec")["2"]["rmse_paper"]) == 2.5
    text = (tmp_path / "avec" / "table.md").read_text()
    assert "| 2.25 | 2.50 |" in text
    assert "Synthetic" not in text


def test_a_failed_run_stops_no_other_and_is_tried_again(tmp_path):
    with pytest.raises(UserError) as error:
        sweep(settings(), tmp_path, write_some_results, "")
    message = str(error.value)
    assert message.startswith("4 of 6 runs failed; the same command tries them again")
    assert "2 (2 heads), seed 0: expected more heads, got 2" in message
    assert "1 (1 heads), seed 0: its process was ended from outside" in message
    assert "1 (1 heads), seed 1: RuntimeError, see" in message
    assert "a bug" in (tmp_path / "cells" / "1" / "seed1" / "error.txt").read_text()
    assert {name: row["num_seeds"] for name, row in rows(tmp_path).items()} == {
        "1": "0",
        "2": "0",
        "4": "2",
    }
    finished = {path: path.read_text() for path in tmp_path.glob("cells/*/seed*/process.txt")}
    assert len(finished) == 2

    sweep(settings(), tmp_path, write_results, "")
    assert {row["num_seeds"] for row in rows(tmp_path).values()} == {"2"}
    assert all(path.read_text() == process for path, process in finished.items())


def test_seeds_can_be_added_and_other_settings_are_refused(tmp_path):
    sweep(settings(seeds=(0,)), tmp_path, write_results, "")
    assert rows(tmp_path)["1"]["mae_sd"] == ""
    sweep(settings(seeds=(0, 1)), tmp_path, write_results, "")
    assert rows(tmp_path)["1"]["mae_sd"] != ""

    changed = settings()
    changed.base.train.num_epochs = 3
    with pytest.raises(UserError, match=r"of another sweep: train\.num_epochs 3, stored 8"):
        sweep(changed, tmp_path, write_results, "")


def test_a_cell_that_never_began_may_be_mended(tmp_path):
    wrong = settings(seeds=(0,))
    wrong.cells = (wrong.cells[1],)  # two heads fail
    with pytest.raises(UserError, match="1 of 1 runs failed"):
        sweep(wrong, tmp_path, write_some_results, "")
    mended = settings(seeds=(0,))
    mended.cells = (wrong.cells[0] | {"set": {"model.num_heads": 3}},)
    sweep(mended, tmp_path, write_results, "")
    assert float(rows(tmp_path)["2"]["mae_mean"]) == 6.0


def test_a_bar_in_a_label_stays_in_its_cell(tmp_path):
    config = settings(seeds=(0,))
    config.cells = (config.cells[0] | {"label": "a | b"},)
    sweep(config, tmp_path, write_results, "")
    assert r"| 1 | a \| b | 2.00 |" in (tmp_path / "table.md").read_text()


def test_a_run_without_results_has_failed(tmp_path):
    with pytest.raises(UserError, match="it ended without results"):
        sweep(settings(seeds=(0,)), tmp_path, str, "")
    assert "No run is finished" in (tmp_path / "table.md").read_text()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cells": ({"name": "A"},)}, "must be dicts of label, name, paper, set"),
        ({"cells": ()}, "must not be empty"),
        ({"seeds": ()}, "must not be empty"),
        ({"seeds": (0.5,)}, r"1, seed 0\.5: cannot change"),
        ({"seeds": (0, 1, 0)}, r"config\.seeds must differ"),
        ({"cells": (settings().cells[0] | {"label": 7},)}, "label must be a str, got 7"),
        ({"cells": (settings().cells[0] | {"set": [1]},)}, "set must be a Mapping"),
        ({"seeds": (-1,)}, r"config\.seed must be at least 0"),
        ({"cells": settings().cells * 2}, "different valid folder names"),
        ({"cells": (settings().cells[0] | {"name": "../1"},)}, "valid folder names"),
        (
            {"cells": (settings().cells[0] | {"set": {"model.depth": 1}},)},
            r"no known field: \['model\.depth'\]",
        ),
        ({"cells": (settings().cells[0] | {"set": {"model.num_heads": 0}},)}, "at least 1"),
    ],
)
def test_a_wrong_sweep_is_refused_before_any_run(tmp_path, fields, message):
    with pytest.raises(UsageError, match=message):
        sweep(settings(**fields), tmp_path, write_results, "")
    assert not list(tmp_path.iterdir())


def test_an_ordinary_config_is_no_sweep():
    with pytest.raises(UsageError, match="expects a config as in configs/sweeps/"):
        read_cells(default.get_config())


@pytest.mark.parametrize("base", ["default", "avec2013", "avec2014"])
@pytest.mark.parametrize("name", SWEEPS)
def test_sweeps_that_come_with_the_software_can_be_run(name, base, tmp_path):
    config = importlib.import_module(f"configs.sweeps.{name}").get_config(base)
    runs = list(plan(config, read_cells(config), tmp_path))
    assert len(runs) == len(config.cells) * len(config.seeds)
    assert len({run.workdir for run in runs}) == len(runs)
    kinds = {json.dumps(run.config.to_dict() | {"seed": 0}) for run in runs}
    assert len(kinds) == len(config.cells)  # each cell differs from the others
    changes = config_lib.differences(runs[0].config, config.base)
    assert all(change.startswith(("model.", "seed")) for change in changes)


def test_a_sweep_through_the_command_line(tmp_path, run, tiny_flags):
    flags = ["--config=configs/sweeps/softmax.py", "--config.seeds=(3,)"]
    flags += [flag.replace("--config.", "--config.base.") for flag in tiny_flags]
    # Two networks are compiled, which takes most of the time.
    flags += ["--config.base.train.num_epochs=1", "--config.base.model.use_dff=False"]
    flags += ["--config.base.model.use_mab=False"]
    finished = run("--mode", "sweep", "--workdir", tmp_path, *flags)
    assert finished.returncode == 0, finished.stderr
    assert {row["num_seeds"] for row in rows(tmp_path).values()} == {"1"}
    assert "run 2/2: last (over the last axis, as printed), seed 3" in finished.stdout
    literal = json.loads((tmp_path / "cells/last/seed3/evaluation/test/metrics.json").read_text())
    assert literal["config"]["model"]["gwa_softmax_axis"] == "last"
    assert literal["num_parameters"] > 10_000


def test_a_sweep_without_its_mode_is_one_line(tmp_path, run):
    finished = run("--workdir", tmp_path, "--config=configs/sweeps/softmax.py")
    assert finished.returncode == 2
    assert "add --mode sweep" in finished.stderr.splitlines()[-1]
