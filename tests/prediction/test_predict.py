"""Tests of predicting files: all of a folder, whatever is in it."""

import csv
import dataclasses
import hashlib
import json
import shutil
import time
from pathlib import Path

import av
import avec_trees
import numpy as np
import pytest
import skimage.data
import workdirs
from PIL import Image

from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.faces import crop as crops
from hmhn_jax.prediction import ensemble, predict
from hmhn_jax.prediction.output.overlay_video import write_overlay_video

CAPTION = 60  # pixels
SHIFT = 6.0  # points that the second network scores higher than the first


@pytest.fixture(scope="module")
def config():
    return workdirs.tiny_config()


@pytest.fixture(scope="module")
def workdir(tmp_path_factory, config):
    return workdirs.make(tmp_path_factory.mktemp("trained") / "first", config)


@pytest.fixture(scope="module")
def second(workdir):
    return workdirs.shifted(workdir.parent / "second", workdir, SHIFT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Makes a folder of readable, faceless and broken videos, a photograph and a text file."""
    folder = tmp_path_factory.mktemp("inputs") / "mixed"
    avec_trees.write(folder / "anna.mp4", avec_trees.frames(0))
    avec_trees.write(folder / "visit" / "ben.mkv", avec_trees.frames(1)[:6])
    noise = np.random.default_rng(0).integers(0, 256, (4, 240, 320, 3), dtype=np.uint8)
    avec_trees.write(folder / "noise.mp4", noise)
    (folder / "broken.mp4").write_bytes((folder / "anna.mp4").read_bytes()[:2000])
    (folder / "notes.txt").write_text("not a video")
    Image.fromarray(skimage.data.astronaut()).save(folder / "photo.png")
    return folder


def table(output, name="predictions.csv"):
    with (output / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def mixed(run_afresh, workdir, second, folder, tmp_path_factory):
    """Runs `run.py` on the mixed folder; returns its output and the results' folder."""
    output = tmp_path_factory.mktemp("mixed") / "out"
    flags = ["--mode", "predict", "--workdir", workdir, "--ensemble", second, "--overlay_video"]
    return run_afresh(*flags, "--input", folder, "--output", output), output


@pytest.mark.smoke
def test_every_file_has_a_row(mixed, folder):
    _, output = mixed
    rows = {Path(row["file"]).relative_to(folder).as_posix(): row for row in table(output)}
    assert len(rows) == len(table(output)) == 6
    scored = {name for name, row in rows.items() if row["score"]}
    assert scored == {"anna.mp4", "visit/ben.mkv", "photo.png"}
    assert {name for name, row in rows.items() if row["error"]} == {"broken.mp4"}
    assert rows["broken.mp4"]["error"].startswith("not a readable video")
    assert rows["noise.mp4"]["warnings"].startswith("no score: no face found in any of 4")
    assert rows["noise.mp4"]["face_found_rate"] == "0.0000"
    assert rows["notes.txt"]["warnings"].startswith("skipped")
    assert rows["anna.mp4"]["frames_used"] == "12"
    assert rows["anna.mp4"]["duration_s"] == "3.0000"
    assert rows["visit/ben.mkv"]["frames_used"] == "6"
    assert rows["photo.png"]["frames_used"] == "1"
    assert rows["photo.png"]["score_std"] == rows["photo.png"]["duration_s"] == ""
    for name in scored:
        assert float(rows[name]["members_std"]) == pytest.approx(SHIFT / 2**0.5, abs=1e-3)


def test_one_line_says_what_failed(mixed, folder):
    finished, output = mixed
    assert finished.returncode == 1
    *rest, last = finished.stderr.splitlines()
    assert last.startswith(f"error: 1 of 5 files could not be read: {folder / 'broken.mp4'}: not a")
    assert str(output / "predictions.csv") in last
    assert all(line.startswith("scoring: ") for line in rest)
    *files, summary, label, place = finished.stdout.splitlines()
    scores = {row["file"]: row["score"] for row in table(output)}
    said = dict(line.split(": ", 1) for line in files)
    assert set(said) == {"anna.mp4", "broken.mp4", "noise.mp4", "photo.png", "visit/ben.mkv"}
    for name in ("anna.mp4", "photo.png", "visit/ben.mkv"):
        assert said[name].startswith(f"{float(scores[str(folder / name)]):.1f} BDI-II points (")
    assert said["broken.mp4"].startswith("error: not a readable video")
    assert said["noise.mp4"].startswith("no score: no face found")
    assert summary.startswith(
        "3 of 5 files have a score, 1 none (predictions.csv says why), 1 could"
    )
    assert "not a diagnosis" in summary
    assert "synthetic" in label
    assert place == f"results: {output}/{{predictions.csv,frames.csv,about.json,pictures}}"


def test_frames_are_those_that_the_score_is_the_mean_of(mixed, folder):
    _, output = mixed
    rows = [row for row in table(output, "frames.csv") if row["file"].endswith("anna.mp4")]
    assert [int(row["frame_index"]) for row in rows] == list(range(12))
    assert [float(row["time_s"]) for row in rows] == [index / 4 for index in range(12)]
    scores = np.array([float(row["score"]) for row in rows])
    of_members = np.array([[float(row["score_1"]), float(row["score_2"])] for row in rows])
    np.testing.assert_allclose(of_members.mean(axis=1), scores, atol=1e-3)
    (row,) = [row for row in table(output) if row["file"].endswith("anna.mp4")]
    assert float(row["score"]) == pytest.approx(scores.mean(), abs=1e-3)
    assert float(row["score_std"]) == pytest.approx(scores.std(ddof=1), abs=1e-3)


def test_pictures_of_what_was_scored(mixed):
    _, output = mixed
    pictures = output / "pictures"
    found = {path.relative_to(pictures).as_posix() for path in pictures.rglob("*.*")}
    endings = ("attention.png", "scores.png", "overlay.mp4")
    videos = ("anna.mp4", "visit/ben.mkv")
    expected = {f"{video}.{ending}" for video in videos for ending in endings}
    assert found == expected | {"photo.png.attention.png"}
    for path in pictures.rglob("*.png"):
        assert min(Image.open(path).size) > 200


def test_overlay_video_shows_each_crop_in_time(mixed):
    _, output = mixed
    with av.open(str(output / "pictures" / "anna.mp4.overlay.mp4")) as container:
        frames = list(container.decode(video=0))
    assert [round(frame.time, 2) for frame in frames] == [index / 4 for index in range(12)]
    # A face and two heads of 64 pixels, three times as large.
    assert (frames[0].width, frames[0].height) == (3 * 192, 192 + CAPTION)
    picture = frames[0].to_ndarray(format="rgb24").astype(int)
    face, head, _ = np.split(picture[:192], 3, axis=1)
    assert np.abs(face - head).mean() > 5
    for line in np.split(picture[192:], 3):
        assert (line > 128).any()


def test_overlay_video_of_frames_at_one_time(config, workdir, folder, tmp_path):
    members = ensemble.restore(config, [workdir])
    (made,) = predict.predict_files(members, [folder / "anna.mp4"], 8, num_processes=1)
    at_once = [dataclasses.replace(crop, time_s=0.5) for crop in made.crops]
    made = dataclasses.replace(made, crops=tuple(at_once))
    assert write_overlay_video(tmp_path / "a.mp4", made, members[0], synthetic=True)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert len(list(container.decode(video=0))) == len(at_once) == 12


def test_results_say_where_they_come_from(mixed, workdir, second, folder):
    about = json.loads((mixed[1] / "about.json").read_text())
    assert about["synthetic"] is True
    assert "not a diagnosis" in about["notice"]
    assert [member["workdir"] for member in about["members"]] == [str(workdir), str(second)]
    assert about["crops"] == workdirs.DATA["crops"] | {"max_frames_per_video": 120}
    assert [member["column"] for member in about["members"]] == ["score_1", "score_2"]
    assert about["maps_are_of"] == str(workdir)
    assert about["warnings"] == []
    digests = {Path(each["file"]): each["sha256"] for each in about["files"]}
    assert len(digests) == 5
    anna = folder / "anna.mp4"
    assert digests[anna] == hashlib.sha256(anna.read_bytes()).hexdigest()


def test_each_row_names_the_training_data(mixed):
    for name in ("predictions.csv", "frames.csv"):
        for row in table(mixed[1], name):
            assert row["network"].startswith(
                "trained on synthetic faces, says nothing about people"
            )


def test_the_same_network_twice_causes_a_warning(
    config, workdir, folder, tmp_path, monkeypatch, capsys
):
    copy = shutil.copytree(workdir, tmp_path / "copy")
    output = tmp_path / "out"
    monkeypatch.setattr(predict, "write_pictures", lambda *_: None)
    predict.predict(config, [workdir, copy], str(folder / "photo.png"), output)
    (row,) = table(output)
    warning = f"{workdir} and {copy} hold the same network, which counts twice"
    assert row["warnings"] == warning
    assert json.loads((output / "about.json").read_text())["warnings"] == [warning]
    *_, note, place = capsys.readouterr().out.splitlines()
    assert note == f"note: {warning}"
    assert place.endswith("/{predictions.csv,frames.csv,about.json}")  # no pictures, none named


def test_results_of_an_earlier_call_stay(config, workdir, tmp_path):
    path, run = tmp_path / "face.png", shutil.copytree(workdir, tmp_path / "run")
    Image.fromarray(np.zeros((240, 320, 3), np.uint8)).save(path)
    for _ in range(2):
        predict.predict(config, [run], str(path))
        time.sleep(1.1)  # their names end in the time
    first, second = (run / "predictions").iterdir()
    for output in (first, second):
        assert sorted(each.name for each in output.iterdir()) == [
            "about.json",
            "frames.csv",
            "predictions.csv",
        ]
        assert table(output)[0]["file"] == str(path)
    with pytest.raises(UserError, match="new or empty folder"):
        predict.predict(config, [run], str(path), first)


def test_pattern_into_the_workdir(config, workdir, folder, tmp_path, capsys):
    copy = shutil.copytree(workdir, tmp_path / "run")
    predict.predict(config, [copy], str(folder / "*.mkv").replace("mixed", "mix*/vis*"))
    (output,) = (copy / "predictions").iterdir()
    assert output.name.startswith("pattern-")
    (row,) = table(output)
    assert row["file"] == str(folder / "visit" / "ben.mkv")
    assert row["score"]
    assert "members_std" not in row
    assert (output / "pictures" / "ben.mkv.scores.png").exists()
    assert not list(output.rglob("*.mp4"))


def test_any_number_of_processes_gives_the_same(config, workdir, folder):
    members = ensemble.restore(config, [workdir])
    paths = [folder / "anna.mp4", folder / "broken.mp4", folder / "visit" / "ben.mkv"]
    one, two = (list(predict.predict_files(members, paths, 8, number)) for number in (1, 2))
    one, two = ([(each.path, each.score, each.error) for each in made] for made in (one, two))
    assert one == two
    assert [path for path, _, _ in one] == paths


def test_a_name_without_room_for_endings_costs_pictures_only(config, workdir, folder, tmp_path):
    names = ["i" * 250 + ".mp4", "short.mp4"]
    for name in names:
        shutil.copy(folder / "anna.mp4", tmp_path / name)
    predict.predict(config, [workdir], str(tmp_path), tmp_path.parent / "long")
    long, short = table(tmp_path.parent / "long")
    assert long["score"] == short["score"] != ""
    assert "without all of its pictures: " in long["warnings"]
    assert "File name too long" in long["warnings"]
    assert "pictures" not in short["warnings"]
    copy = shutil.copytree(workdir, tmp_path / "run")
    predict.predict(config, [copy], str(tmp_path / names[0]))  # alone
    (output,) = (copy / "predictions").iterdir()
    assert table(output)[0]["score"] == long["score"]


def test_a_fault_of_the_software_costs_its_own_file_only(config, workdir, folder, monkeypatch):
    def tripping(read):
        def trip(path, *args, **kwargs):
            if path.name == "anna.mp4":
                raise KeyError("surprise")
            return read(path, *args, **kwargs)

        return trip

    monkeypatch.setattr(crops, "sampled_frames", tripping(crops.sampled_frames))
    monkeypatch.setattr(predict, "read_timeline", tripping(predict.read_timeline))
    members = ensemble.restore(config, [workdir])
    paths = [folder / "anna.mp4", folder / "visit" / "ben.mkv"]
    tripped, fine = predict.predict_files(members, paths, 8, num_processes=1)
    assert tripped.error.startswith("fault of the software: KeyError: 'surprise'")
    assert fine.score is not None


def test_interrupted_leaves_nothing(config, workdir, folder, tmp_path, monkeypatch):
    made_whole = predict.predict_files

    def interrupted(members, paths, batch_size, **_):
        yield next(made_whole(members, paths[:1], batch_size))
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, "predict_files", interrupted)
    with pytest.raises(KeyboardInterrupt):
        predict.predict(config, [workdir], str(folder), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_an_output_that_cannot_be_is_one_line(config, workdir, folder, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot make the folder"):
        predict.predict(config, [workdir], str(folder), tmp_path / "file" / "out")


def test_missing_input_is_one_line(config, workdir):
    with pytest.raises(UserError, match=r"expected a video, picture or folder 'none\.mp4'"):
        predict.predict(config, [workdir], "none.mp4")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--mode", "predict"], "expects --input"),
        (["--mode", "evaluate", "--input", "a.mp4"], "--input is for --mode predict"),
        (["--ensemble", "other"], "--ensemble is for --mode evaluate or predict"),
    ],
)
def test_flags_that_do_not_go_together_are_one_line(run, workdir, flags, words):
    finished = run("--workdir", workdir, *flags)
    assert finished.returncode == UsageError.exit_code
    (line,) = finished.stderr.splitlines()
    assert line.startswith("error: ")
    assert words in line
