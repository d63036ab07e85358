"""Tests of `python run.py` as users call it: one command, one line for an error."""

import csv
import hashlib
import importlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import workdirs
from html_pages import read_page

from hmhn_jax.recordings import synthetic
from hmhn_jax.tfds import configs
from hmhn_jax.workdir import checkpoints, restore, scalars

ROOT = Path(__file__).parents[1]


def test_an_interruption_says_what_the_same_command_does(monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    front_door = importlib.import_module("run")

    def interrupted():
        raise KeyboardInterrupt  # a signal would be ignored where tests run in the background

    monkeypatch.setattr(front_door, "run", interrupted)
    assert front_door.main() == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert "training goes on" in line
    assert "a prediction starts again" in line


@pytest.fixture(scope="module")
def workdir(tmp_path_factory, run_afresh, tiny_flags):
    """Runs everything once in a workdir, without signals."""
    workdir = tmp_path_factory.mktemp("whole") / "run"
    finished = run_afresh("--workdir", workdir, *tiny_flags)
    assert finished.returncode == 0, finished.stderr
    (workdir / "stdout.txt").write_text(finished.stdout)
    (workdir / "stderr.txt").write_text(finished.stderr)
    return workdir


def assert_one_line(finished, *words, exit_code):
    """Asserts that the program ended with one line of error that contains these words."""
    assert finished.returncode == exit_code, finished.stderr
    lines = [line for line in finished.stderr.splitlines() if "error" in line.lower()]
    assert finished.stderr.rstrip().splitlines()[-1].startswith("error: ")
    assert len(lines) == 1
    assert "Traceback" not in finished.stderr + finished.stdout
    for word in words:
        assert word in lines[0]


def results(workdir, split="test"):
    return json.loads((workdir / "evaluation" / split / "metrics.json").read_text())


def predictions(workdir, split="test"):
    with (workdir / "evaluation" / split / "predictions.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.smoke
def test_results_are_of_every_video(workdir):
    rows = predictions(workdir)
    assert len(rows) == 3
    assert {row["num_frames"] for row in rows} == {"5"}
    errors = [float(row["prediction"]) - float(row["score"]) for row in rows]

    metrics = results(workdir)
    assert metrics["num_videos"] == 3
    assert metrics["mae"] == pytest.approx(sum(map(abs, errors)) / 3, abs=1e-3)
    assert metrics["rmse"] == pytest.approx((sum(e * e for e in errors) / 3) ** 0.5, abs=1e-3)

    mean = metrics["trained"]["score_mean"]
    baseline = [abs(mean - float(row["score"])) for row in rows]
    assert metrics["baseline_mae"] == pytest.approx(sum(baseline) / 3)


def test_results_say_where_they_come_from(workdir):
    metrics = results(workdir)
    assert metrics["synthetic"] is True
    assert metrics["seed"] == 0
    assert metrics["trained"]["init_from"] is None
    assert metrics["trained"]["config"]["model"]["width"] == 4
    assert metrics["trained"]["data"]["fingerprint"] == metrics["data"]["fingerprint"]
    assert len(metrics["data"]["fingerprint"]) == 64
    assert {"python", "jax", "flax", "hmhn-jax"} <= set(metrics["versions"])


def test_last_lines_say_the_score_and_where_it_is(workdir):
    *_, label, place, following = lines = (workdir / "stdout.txt").read_text().splitlines()
    (score,) = [line for line in lines if line.startswith("test: ")]
    assert f"MAE {results(workdir)['mae']:.2f}" in score
    assert "verdict: too few people to compare HMHN with always predicting the" in "\n".join(lines)
    assert "synthetic" in label
    assert str(workdir / "evaluation" / "test") in place
    assert following.startswith("next: python ")
    assert following.endswith(f"run.py --workdir {workdir} --mode predict --input FILE")


def test_output_has_no_noise(workdir):
    ours = ("preparing", "training", "decoding", "epoch", "test:", "synthetic", "results:")
    ours += ("verdict:", "about ", "curves: tensorboard --logdir ", "next: python ")
    lines = (workdir / "stdout.txt").read_text() + (workdir / "stderr.txt").read_text()
    assert [line for line in lines.splitlines() if not line.startswith(ours)] == []


def test_scalars_of_every_step(workdir):
    lines = [json.loads(line) for line in (workdir / "scalars.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 21))
    assert all({"loss", "mse", "partition_loss", "grad_norm"} <= set(line) for line in lines)
    assert all(line["crops_per_second"] > 0 for line in lines)
    assert all(0 <= line["data_wait_fraction"] < 1 for line in lines)
    assert [line["step"] for line in lines if "validation_mae" in line] == [5, 10, 15, 20]
    assert list((workdir / "tensorboard").iterdir())


def test_plot_is_there(workdir):
    png = (workdir / "evaluation" / "test" / "predictions.png").read_bytes()
    assert png.startswith(b"\x89PNG")


def test_report_is_whole_and_stands_alone(workdir):
    html = (workdir / "evaluation" / "test" / "report.html").read_text(encoding="utf-8")
    assert len(html) < 1_500_000
    page = read_page(html)
    assert all(link.startswith("data:image/") for link in page.links)
    # Figures, training and a colour bar among them, crops, and as many occlusion maps.
    assert len(page.images) == 5 + 2 * 3 * 5
    metrics = results(workdir)
    for words in (
        "Synthetic faces, not clinical data",
        f"MAE, points {metrics['mae']:.2f} no interval",  # of three people
        "model.width 4 64",  # against the paper's
        metrics["data"]["fingerprint"],
    ):
        assert words in page.text
    assert "Published errors" not in page.text
    assert metrics["mae_low"] is None


def test_same_command_again_changes_nothing(workdir, run, tmp_path):
    copy = shutil.copytree(workdir, tmp_path / "run")
    finished = run("--workdir", copy)  # the workdir knows its config
    assert finished.returncode == 0, finished.stderr
    assert predictions(copy) == predictions(workdir)
    assert (copy / "scalars.jsonl").read_text() == (workdir / "scalars.jsonl").read_text()


def test_killed_run_goes_on_and_ends_the_same(workdir, run, start, tiny_flags, tmp_path):
    killed = tmp_path / "run"
    process = start("--workdir", killed, *tiny_flags)
    deadline = time.monotonic() + 300
    while not (killed / "checkpoints" / "10").exists():
        assert process.is_running(), "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait().returncode == -signal.SIGKILL
    assert not (killed / "evaluation").exists()

    finished = run("--workdir", killed, *tiny_flags)
    assert finished.returncode == 0, finished.stderr
    assert "resuming from step" in finished.stdout
    assert predictions(killed) == predictions(workdir)
    assert results(killed)["mae"] == results(workdir)["mae"]


ASKED_TO_END_AT_STEP_7 = """
import contextlib, signal, sys
import run
from hmhn_jax.runtime import signals

deferred = signals.deferred

@contextlib.contextmanager
def at_step_7():
    with deferred() as asked:
        def asked_at(step):
            if step == 7:
                signal.raise_signal(signal.SIGTERM)
            return asked(step)
        yield asked_at

signals.deferred = at_step_7
sys.exit(run.main())
"""


def test_an_interruption_within_an_epoch_changes_no_bit(workdir, run, tiny_flags, tmp_path):
    # The mean of steps 7 to 9 is of both halves.
    flags = [*tiny_flags, "--mode", "train", "--config.train.log_every_steps=3"]
    program = tmp_path / "asked_to_end.py"
    program.write_text(ASKED_TO_END_AT_STEP_7)
    interrupted = run("--workdir", tmp_path / "run", *flags, program=program)
    assert interrupted.returncode == 75, interrupted.stderr
    assert "interrupted: saving step 7 of 20" in interrupted.stdout
    finished = run("--workdir", tmp_path / "run", *flags)
    assert finished.returncode == 0, finished.stderr
    assert "resuming from step 7" in finished.stdout

    alone = {values["step"]: np.float32(values["loss"]) for values in scalars.read(workdir)}
    lines = (tmp_path / "run" / "scalars.jsonl").read_text().splitlines()
    written = {values["step"]: values["loss"] for values in map(json.loads, lines)}
    assert list(written) == [3, 5, 6, 9, 10, 12, 15, 18, 20]
    first = 1
    for step, loss in written.items():
        expected = np.mean([alone[each] for each in range(first, step + 1)])
        assert float(expected).hex() == loss.hex()
        first = step + 1


def test_evaluate_reads_the_weights_and_nothing_more(workdir, run, tmp_path):
    copy = shutil.copytree(workdir, tmp_path / "run")
    shutil.rmtree(copy / "evaluation")
    for optimizer in copy.glob("checkpoints/*/optimizer"):
        shutil.rmtree(optimizer)
    finished = run("--workdir", copy, "--mode", "evaluate")
    assert finished.returncode == 0, finished.stderr
    assert predictions(copy) == predictions(workdir)


def test_evaluate_the_mean_of_two_networks(workdir, run, tmp_path):
    first, second = shutil.copytree(workdir, tmp_path / "first"), tmp_path / "second"
    workdirs.shifted(second, workdir, points=6.0)
    finished = run("--workdir", first, "--mode", "evaluate", "--ensemble", second)
    assert finished.returncode == 0, finished.stderr
    assert predictions(first) == predictions(workdir)  # the single network's results stay
    alone = [float(row["prediction"]) for row in predictions(workdir)]
    rows = predictions(first, "test_ensemble")
    together = [float(row["prediction"]) for row in rows]
    np.testing.assert_allclose(np.subtract(together, alone), 3.0, atol=1e-3)
    spreads = [float(row["prediction_members_std"]) for row in rows]
    np.testing.assert_allclose(spreads, 6 / 2**0.5, atol=1e-3)
    metrics = results(first, "test_ensemble")
    members = metrics["ensemble"]["members"]
    assert [member["workdir"] for member in members] == [str(first), str(second)]
    assert members[0]["mae"] == pytest.approx(results(workdir)["mae"])
    assert metrics["ensemble"]["mean_members_std"] == pytest.approx(6 / 2**0.5, abs=1e-3)


def test_predicts_what_it_evaluated(workdir, run, tiny_dataset, tmp_path):
    pattern = tiny_dataset / "downloads" / "avec_faces" / "*" / "videos" / "*.mp4"
    moved = shutil.copytree(workdir, tmp_path / "run")
    nowhere = f"--config.data.data_dir={tmp_path / 'none'}"  # needs no dataset
    finished = run("--workdir", moved, "--mode", "predict", "--input", pattern, nowhere)
    assert finished.returncode == 0, finished.stderr
    (output,) = (moved / "predictions").glob("pattern-*/predictions.csv")
    with output.open(newline="") as file:
        scores = {Path(row["file"]).stem: float(row["score"]) for row in csv.DictReader(file)}
    assert len(scores) == 12
    for row in predictions(workdir):
        assert scores[row["video_id"]] == pytest.approx(float(row["prediction"]), abs=1e-3)


def test_evaluate_on_another_split(workdir, run, tmp_path):
    copy = shutil.copytree(workdir, tmp_path / "run")
    finished = run("--workdir", copy, "--mode", "evaluate", "--config.data.test_split=validation")
    assert finished.returncode == 0, finished.stderr
    assert len(predictions(copy, "validation")) == 2
    # It chose the checkpoint, which must not be overlooked.
    assert "The checkpoint was chosen by its error on some or all of these" in finished.stdout
    assert results(copy)["notices"] == []


def test_help_is_quick_and_plain(run_afresh):
    finished = run_afresh("--help")
    assert finished.returncode == 0
    assert "--workdir" in finished.stdout
    # Quick, as it imports none of these.
    code = "import sys, run; print([m for m in ('jax', 'tensorflow') if m in sys.modules])"
    imported = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert imported.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--config.model.widht=3"], ["widht", "width"]),
        (["--config.nope.x=3"], ["no field 'nope'"]),
        (["--config.seed=abc"], ["seed", "abc"]),
        (["--config.model.width=0"], ["model.width", "at least 2", "got 0"]),
        (["--config.model.spatial_reduce=max"], ["spatial_reduce", "'mean' or 'sum'", "'max'"]),
        (["--config=configs/none.py"], ["configs/none.py"]),
        (["--mode=fly"], ["--mode", "fly", "evaluate"]),
        (["--wokdir=x"], ["wokdir"]),
        (["here"], ["here"]),
    ],
)
def test_wrong_usage_is_one_line(run_afresh, tmp_path, flags, words):
    finished = run_afresh("--workdir", tmp_path / "run", *flags)
    assert_one_line(finished, *words, exit_code=2)
    assert not (tmp_path / "run").exists()


def test_no_workdir_is_one_line(run_afresh):
    assert_one_line(run_afresh(), "--workdir", exit_code=2)


def test_evaluate_without_a_checkpoint_is_one_line(run, tmp_path):
    finished = run("--workdir", tmp_path / "empty", "--mode", "evaluate")
    assert_one_line(finished, "checkpoint", str(tmp_path / "empty"), exit_code=1)
    assert not (tmp_path / "empty").exists()


@pytest.mark.parametrize("mode", ["evaluate", "train"])
def test_another_architecture_is_one_line(workdir, run, mode):
    finished = run("--workdir", workdir, "--mode", mode, "--config.model.num_heads=4")
    assert_one_line(finished, "architecture", "model.num_heads 4", "stored 2", exit_code=1)


@pytest.mark.parametrize(
    ("field", "value"), [("train.batch_size", 16), ("data.image_size", 16), ("init_from", "f.pth")]
)
def test_resuming_with_other_steps_is_refused(workdir, run, field, value):
    finished = run("--workdir", workdir, "--mode", "train", f"--config.{field}={value}")
    assert_one_line(finished, f"{field} {value!r}, stored", "another --workdir", exit_code=1)


def test_weights_go_to_pytorch_and_start_another_run(workdir, run, tiny_flags, tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: see the extra 'parity'")
    copy = shutil.copytree(workdir, tmp_path / "first")
    exported = run("--workdir", copy, "--mode", "export_torch")
    assert exported.returncode == 0, exported.stderr
    weights = copy / "export" / "weights.pth"
    assert str(weights) in exported.stdout
    assert "without GWA and DFF" in exported.stdout
    content = torch.load(weights, weights_only=True)

    # At a learning rate of 0 the parameters stay what they were before the first step; with a
    # constant schedule a longer run is the same compiled step.
    fields = {
        "init_from": weights,
        "seed": 1,
        "train.num_epochs": 1,
        "optimizer.learning_rate": 0,
        "optimizer.schedule": "constant",
        "optimizer.warmup_epochs": 0,
    }
    flags = [f"--config.{field}={value}" for field, value in fields.items()]
    second = tmp_path / "second"
    finished = run("--workdir", second, *tiny_flags, *flags)
    assert finished.returncode == 0, finished.stderr
    assert f"starting from {weights}: trunk, heads, output" in finished.stdout
    assert "sums over 32 channels" in finished.stdout
    with checkpoints.open_manager(second) as manager:
        params = manager.restore(5)["variables"]["params"]
    for ours, theirs in (
        (params["trunk"]["stem_conv"]["kernel"].transpose(3, 2, 0, 1), "features.0.weight"),
        (params["trunk"]["stage4_block2"]["second_bn"]["bias"], "features.7.1.bn2.bias"),
        (params["mab"]["head2"]["excite_dense"]["kernel"].T, "cat_head1.ca.attention.3.weight"),
        (params["regression"]["dense"]["kernel"].T, "fc.weight"),
    ):
        np.testing.assert_array_equal(ours, content[theirs])
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    origin = {"file": str(weights), "sha256": sha256, "parts": ["trunk", "heads", "output"]}
    assert results(second)["trained"]["init_from"] == origin

    weights.unlink()  # a run that goes on has what it needs
    finished = run("--workdir", second, "--mode", "train", "--config.train.num_epochs=2")
    assert finished.returncode == 0, finished.stderr
    with checkpoints.open_manager(second) as manager:
        assert restore.read_provenance(manager, 10).init_from == origin


def test_a_missing_file_to_start_from_is_one_line(run, tmp_path, tiny_flags):
    pytest.importorskip("torch", reason="PyTorch is not installed: see the extra 'parity'")
    file = tmp_path / "none.pth"
    finished = run("--workdir", tmp_path / "run", *tiny_flags, f"--config.init_from={file}")
    assert_one_line(finished, "cannot read weights", str(file), exit_code=1)


def test_evaluation_says_what_it_changed(workdir, run, tmp_path):
    copy = shutil.copytree(workdir, tmp_path / "run")
    finished = run("--workdir", copy, "--mode", "evaluate", "--config.data.image_size=40")
    assert finished.returncode == 0, finished.stderr
    assert (
        "note: evaluating with a changed config: data.image_size 40, stored 32" in finished.stdout
    )
    assert results(copy)["config"]["data"]["image_size"] == 40
    assert results(copy)["trained"]["config"]["data"]["image_size"] == 32


@pytest.mark.parametrize("content", ['{"seed": 0}', "{"])
def test_a_spoiled_config_of_the_workdir_is_one_line(run, tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    assert_one_line(run("--workdir", tmp_path), "config.json", exit_code=1)


def test_a_workdir_that_cannot_be_is_one_line(run, tmp_path):
    (tmp_path / "file").write_text("")
    finished = run("--workdir", tmp_path / "file" / "run")
    assert_one_line(finished, "cannot make the folder", exit_code=1)


def test_a_data_dir_that_cannot_be_is_one_line(run, tmp_path):
    (tmp_path / "file").write_text("")
    finished = run("--workdir", tmp_path / "run", f"--config.data.data_dir={tmp_path / 'file'}")
    assert_one_line(finished, str(tmp_path / "file"), exit_code=1)


@pytest.mark.parametrize("name", ["dataset_info.json", "avec_faces-train.tfrecord-00000-of-00001"])
def test_a_damaged_dataset_is_one_line(run, tmp_path, tiny_dataset, tiny_flags, name):
    shutil.copytree(tiny_dataset / "avec_faces", tmp_path / "avec_faces")
    damaged = next(tmp_path.glob(f"avec_faces/tiny/*/{name}"))
    damaged.write_bytes(damaged.read_bytes()[:-100])
    flags = [*tiny_flags, f"--config.data.data_dir={tmp_path}"]
    finished = run("--workdir", tmp_path / "run", *flags)
    assert_one_line(finished, str(tmp_path / "avec_faces" / "tiny"), exit_code=1)


def test_unknown_dataset_is_one_line(run, tmp_path):
    finished = run("--workdir", tmp_path / "run", "--config.data.dataset=avec_faces/none")
    assert_one_line(finished, "avec_faces/none", exit_code=2)


def test_unknown_split_is_one_line(run, tmp_path, tiny_flags):
    flags = [*tiny_flags, "--config.data.train_split=training"]
    finished = run("--workdir", tmp_path / "run", *flags)
    assert_one_line(finished, "'training'", "train, validation", exit_code=1)


def test_a_missing_test_split_is_noticed_before_training(run, tmp_path, tiny_flags):
    finished = run("--workdir", tmp_path / "run", *tiny_flags, "--config.data.test_split=exam")
    assert_one_line(finished, "'exam'", "train, validation", exit_code=1)
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_diverging_training_is_one_line(run, tmp_path, tiny_flags):
    flags = [
        *tiny_flags,
        "--config.optimizer.learning_rate=1e30",
        "--config.optimizer.clip_norm=0",
        "--config.optimizer.warmup_epochs=0",
        # This step is compiled for this test alone, which takes most of the time.
        *(f"--config.model.{block}=False" for block in ("use_gwa", "use_dff", "use_mab")),
    ]
    finished = run("--workdir", tmp_path / "run", *flags)
    assert_one_line(finished, "training stopped at step", "finite", exit_code=1)


def test_videos_that_give_no_crops_are_one_line(run, tmp_path, monkeypatch):
    # The embedded set's folder, complete but for what is in the files.
    config = configs.CONFIGS[0]
    folder = configs.videos_folder(config, tmp_path / "downloads" / "avec_faces")
    monkeypatch.setattr(synthetic.dataset, "encode", lambda *_: b"")
    synthetic.write_dataset(folder, config.videos, num_processes=1)
    (folder / "videos" / "synthetic_0001.mp4").write_bytes(b"not a video")

    finished = run("--workdir", tmp_path / "run", f"--config.data.data_dir={tmp_path}")
    words = [
        "240 of 240 videos",
        "synthetic_0000.mp4: the file is empty (0 bytes)",
        "0001.mp4: not",
    ]
    assert_one_line(finished, *words, exit_code=1)
    assert not (tmp_path / "avec_faces" / "synthetic" / "1.0.0").exists()


def test_a_report_to_be_sent_takes_two_flags_also_of_a_run_of_before(workdir, run, tmp_path):
    copy = tmp_path / "someone" / "run"
    shutil.copytree(workdir, copy)
    config = json.loads((copy / "config.json").read_text())
    del config["report"]
    (copy / "config.json").write_text(json.dumps(config))
    flags = ["--config.report.faces=False", "--config.report.pseudonyms=True"]
    finished = run("--workdir", copy, "--mode=evaluate", *flags)
    assert finished.returncode == 0, finished.stderr
    assert "changed config" not in finished.stdout
    ids = {row["video_id"] for row in predictions(workdir)}
    assert {row["video_id"] for row in predictions(copy)} == {"P01-1", "P02-1", "P03-1"}
    assert {
        row["video_id"]
        for row in csv.DictReader((copy / "pseudonyms.csv").read_text().splitlines())
    } == ids
    assert results(copy)["protocols"] == results(workdir)["protocols"]
    html = (copy / "evaluation" / "test" / "report.html").read_text()
    assert "data:image/svg+xml" in html
    for word in ("data:image/jpeg", "someone", str(config["data"]["data_dir"]), *ids):
        assert word not in html


def test_baselines_need_no_network(tmp_path, run, tiny_flags):
    names = "--config.evaluate.baselines=('conditions','motion')"
    finished = run("--workdir", tmp_path / "new", *tiny_flags, names, "--mode", "baselines")
    assert finished.returncode == 0, finished.stderr
    *rows, label, place = finished.stdout.splitlines()
    assert [row.split(":")[0] for row in rows[-3:]] == [
        "test, training mean",
        "test, conditions",
        "test, motion",
    ]
    assert "synthetic" in label
    assert str(tmp_path / "new" / "baselines" / "test") in place


def test_evaluation_compares_with_baselines_and_looks_for_shortcuts(workdir, run, tmp_path):
    copy = shutil.copytree(workdir, tmp_path / "copy")
    flags = [
        "--config.data.test_split=train+validation+test",  # twelve people, for intervals
        "--config.evaluate.baselines=('conditions','pixels')",
        "--config.evaluate.audit=True",
    ]
    finished = run("--workdir", copy, "--mode", "evaluate", *flags)
    assert finished.returncode == 0, finished.stderr
    found = results(copy, "train+validation+test")
    assert [row["name"] for row in found["baselines"]["rows"]] == ["conditions", "pixels"]
    assert all(row["sentence"] in finished.stdout for row in found["baselines"]["rows"])
    audit = found["audit"]
    assert f"audit: {audit['verdict']}" in finished.stdout
    assert audit["num_people"] == 12
    assert audit["num_crops"] == 60
    conditions = {row["condition"] for row in audit["conditions"]}
    assert {"brightness", "face size", "bit rate"} <= conditions
    assert not {"fps", "frame width", "clip length"} & conditions  # the same for all
    page = read_page((copy / "evaluation" / "train+validation+test" / "report.html").read_text())
    assert "Shortcut audit" in page.text
    assert "What hiding each place does" in page.text
