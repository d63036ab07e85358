"""Tests of an exported network: scores without this package, and its documentation."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import workdirs
from workdirs import STEP

from hmhn_jax import config as config_lib
from hmhn_jax.base import files, scales
from hmhn_jax.base.errors import UserError
from hmhn_jax.input_pipeline.augment import standardise
from hmhn_jax.interop import export, model_card
from hmhn_jax.prediction import ensemble
from hmhn_jax.workdir import exported as exported_lib
from hmhn_jax.workdir import stored_config

DOCS = Path(__file__).parents[2] / "docs" / "use" / "export.md"


@pytest.fixture(scope="module")
def config():
    return workdirs.tiny_config(**{"data.image_size": 32})


@pytest.fixture(scope="module")
def workdir(config, tmp_path_factory):
    """Makes the workdir of a network that was trained on Anneliese, among others."""
    workdir = tmp_path_factory.mktemp("run")
    data = workdirs.DATA | {
        "videos": {"video_of_anneliese": {"age": 34}},
        "facts": ["/home/anneliese/videos: one clip is missing"],
    }
    workdirs.make(workdir, config, data, subject_means={"anneliese": 61.5})
    workdirs.evaluate(workdir, config)
    return workdir


@pytest.fixture(scope="module")
def exported(workdir, run_afresh):
    """Exports by the command; returns the folder."""
    finished = run_afresh("--workdir", workdir, "--mode", "export")
    assert finished.returncode == 0, finished.stderr
    assert str(workdir / "export" / "hmhn.jaxexport") in finished.stdout
    assert "synthetic" in finished.stdout
    assert finished.stderr == ""
    return workdir / "export"


def alone(code, *arguments, cwd):
    """Runs code by a Python that does not see this checkout; returns its output."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [sys.executable, "-I", "-c", code, *map(str, arguments)]
    finished = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_scores_are_the_live_networks_at_any_batch_size(exported, workdir, config, tmp_path):
    crops = np.random.default_rng(1).integers(0, 256, (64, 32, 32, 3), np.uint8)
    crops[1::2] //= 4  # dark ones and light ones, so that scores differ
    np.save(tmp_path / "crops.npy", crops)
    code = """if True:
        import sys
        import jax.export, numpy
        network = jax.export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
        crops = numpy.load("crops.npy")
        scores = {str(n): numpy.asarray(network.call(crops[:n])) for n in (1, 3, 64)}
        numpy.savez("scores.npz", **scores)
        print(sorted({"hmhn_jax", "flax", "tensorflow", "orbax"} & set(sys.modules)))
    """
    assert alone(code, exported / exported_lib.ARTEFACT, cwd=tmp_path) == "[]\n"
    (trained,) = ensemble.restore(config, [workdir])
    expected = np.asarray(jax.jit(trained.model.apply)(trained.variables, standardise(crops))[0])
    scale = np.abs(expected).max()
    assert expected.std() > 1e-2 * scale
    with np.load(tmp_path / "scores.npz") as scores:
        for count in (1, 3, 64):
            assert scores[str(count)].shape == (count,)
            assert scores[str(count)].dtype == np.float32
            np.testing.assert_allclose(scores[str(count)], expected[:count], atol=1e-5 * scale)


def test_the_example_runs_by_itself(exported, tmp_path):
    np.save(tmp_path / "crops.npy", np.zeros((2, 32, 32, 3), np.uint8))
    code = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0])"
    printed = alone(code, exported / "example.py", tmp_path / "crops.npy", cwd=tmp_path)
    assert printed.splitlines()[-1].endswith("BDI-II points")


@pytest.mark.parametrize(
    ("crops", "words"),
    [
        (None, "usage: python example.py CROPS.npy"),
        (np.zeros((2, 32, 32, 3)), "expected uint8[b,32,32,3], b crops, got float64[2, 32, 32, 3]"),
        (np.zeros((32, 32, 3), np.uint8), "expected uint8[b,32,32,3], b crops, got uint8[32,"),
    ],
)
def test_the_example_says_what_it_takes(exported, tmp_path, crops, words):
    arguments = [] if crops is None else [tmp_path / "crops.npy"]
    if crops is not None:
        np.save(*arguments, crops)
    command = [sys.executable, exported / "example.py", *arguments]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 1
    assert words in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_the_docs_show_the_example():
    assert export.example(scales.default()) in DOCS.read_text()


def test_the_summary_says_what_the_file_is(exported, config):
    summary = json.loads((exported / "export.json").read_text())
    content = (exported / exported_lib.ARTEFACT).read_bytes()
    assert summary["sha256"] == hashlib.sha256(content).hexdigest()
    assert summary["input"]["shape"] == ["b", 32, 32, 3]
    assert summary["platforms"] == ["cpu", "cuda"]
    assert summary["checkpoint_step"] == STEP
    assert stored_config.from_dict(summary["config"]).to_dict() == config.to_dict()
    assert summary["trained"]["data"]["fingerprint"] == "f" * 64


def test_the_card_says_the_errors_and_the_limits(exported):
    card = (exported / "model_card.md").read_text()
    assert "| test | clips, sessions unseen | 3 | 3.47 | 4.36 | 9.91 | 12.26 |" in card
    for words in (
        "not a diagnosis",
        "Trained on synthetic faces",
        "| videos, train | 2 |",
        "people trained on | 1 |",
        "on CUDA it has not been run",
        "`hmhn_jax.faces`",
        "none of them among those trained on",
    ):
        assert words in card
    assert "a baseline in research" not in card  # of a network that has never seen a person
    assert "validation" not in card  # there is none


def test_the_export_names_no_training_subject(exported):
    for file in exported.iterdir():
        assert b"anneliese" not in file.read_bytes(), file


def test_errors_of_another_network_are_not_this_ones(workdir, config):
    assert len(model_card.read_evaluations(workdir, STEP, config)) == 1
    assert model_card.read_evaluations(workdir, STEP + 1, config) == []
    larger = config_lib.override(config, {"data.image_size": 40})
    assert model_card.read_evaluations(workdir, STEP, larger) == []


def test_the_card_of_real_faces_without_an_evaluation(exported):
    summary = json.loads((exported / "export.json").read_text())
    summary["trained"]["data"] = {"synthetic": False}
    card = model_card.render(summary, [])
    assert "Not evaluated." in card
    assert "synthetic faces" not in card
    assert "a baseline in research" in card


def test_untrusted_names_are_escaped_in_the_card(exported, workdir, config):
    summary = json.loads((exported / "export.json").read_text())
    (results,) = model_card.read_evaluations(workdir, STEP, config)
    rows = model_card.render(summary, [results]).count("|")
    odd = "<script>x</script>\n\n# `|` [click](javascript:x)"
    summary["config"]["data"]["dataset"] = summary["config"]["data"]["train_split"] = odd
    results |= {"split": odd, "notices": [odd]}
    card = model_card.render(summary, [results])
    for markup in ("<script", "\n# `", "[click]", "'|'"):
        assert markup not in card
    assert "&lt;script&gt;x&lt;/script&gt;\\n\\n# '/' &#91;click](javascript:x)" in card
    assert card.count("|") == rows


def test_the_card_shows_intervals_where_there_are_some(exported, workdir, config):
    summary = json.loads((exported / "export.json").read_text())
    (results,) = model_card.read_evaluations(workdir, STEP, config)
    results["protocols"]["clips"] |= {"mae_low": 2.9, "mae_high": 4.1, "rmse_low": None}
    card = model_card.render(summary, [results])
    assert (
        "| test | clips, sessions unseen | 3 | 3.47 (2.90 to 4.10) | 4.36 | 9.91 | 12.26 |" in card
    )


def test_the_card_says_for_whom_the_network_errs_and_who_was_tested(exported, workdir, config):
    summary = json.loads((exported / "export.json").read_text())
    (results,) = model_card.read_evaluations(workdir, STEP, config)
    group = {"group": "severe", "num_videos": 3, "mae": 4.93, "rmse": 6.0, "bias": -4.31}
    results["groups"] = [
        {"column": "task", "groups": [group | {"group": "Northwind"}]},
        {"column": "severity", "groups": [group]},
    ]
    results["agreement"] = {"bias": -0.94, "limit_low": -9.41, "limit_high": 7.53}
    results["protocols"]["clips"]["num_subjects"] = 3
    seen = results["protocols"]["clips"] | {"mae": 1.0, "num_subjects": 2}
    card = model_card.render(summary, [results])
    assert "- test: 3 people, none of them among those trained on. On average" in card
    assert "score is -0.9, 95 % limits of agreement -9.4 to +7.5.\n" in card
    assert "| test | severe | 3 | -4.3 | 4.93 |" in card
    assert "Northwind" not in card
    results["protocols"]["sessions_seen"] = seen
    card = model_card.render(summary, [results])
    assert "3 people, 2 of them among those trained on" in card
    assert "| test | sessions seen | 3 | 1.00" in card


def test_a_damaged_evaluation_is_named(tmp_path, config):
    file = tmp_path / "evaluation" / "test" / "metrics.json"
    files.write_text(file, '{"checkpoint_step": ')
    with pytest.raises(UserError, match=f"cannot read {file}"):
        model_card.read_evaluations(tmp_path, STEP, config)
    known = {"checkpoint_step": STEP, "config": config.to_dict(), "split": "test"}
    for protocols in ({}, [], {"clips": 3}, {"clips": {"mae": "low"}}):
        files.write_text(file, json.dumps(known | {"protocols": protocols}))
        with pytest.raises(UserError, match=f"cannot read {file}"):
            model_card.read_evaluations(tmp_path, STEP, config)


def test_output_names_the_folder(workdir, config, tmp_path):
    path = export.export_checkpoint(config, workdir, tmp_path / "elsewhere")
    names = {"example.py", "export.json", "hmhn.jaxexport", "model_card.md"}
    assert {file.name for file in path.parent.iterdir()} == names
    assert path.parent == tmp_path / "elsewhere"
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot make the folder"):
        export.export_checkpoint(config, workdir, tmp_path / "file")
