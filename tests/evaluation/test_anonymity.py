"""Tests of what is sent of a run, of a build and of their tables: no face, no name, no path."""

import base64
import csv
import getpass
import io
import itertools
import json
import re
import shutil

import numpy as np
import pytest
import workdirs
from avec_trees import SESSIONS
from html_pages import read_page
from PIL import Image

from hmhn_jax import config as config_lib
from hmhn_jax import tfds as avec_faces
from hmhn_jax.base import pseudonyms, scales
from hmhn_jax.evaluation import evaluate
from hmhn_jax.evaluation.groups import group_errors
from hmhn_jax.input_pipeline.crops import Video
from hmhn_jax.workdir import stored_config

PEOPLE = ("Anna Schmidt", "ben_okafor", "Chloé", "dmitri", "Eun-ji", "farah")
TABLES = ("metrics.json", "predictions.csv", "predictions.png", "report.html")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, videos):
    """Two videos of each of six people, their names in all places; one video is no video."""
    folder = tmp_path_factory.mktemp("clinic") / "secret_folder"
    rows = []
    for number, person in enumerate(PEOPLE):
        for visit in (1, 2):
            file = f"visit{visit}/{person} clip.mp4"
            videos.put(folder / file, list(SESSIONS)[number % 3])
            split = ("test", "train")[number == 0]
            row = [file, person, 5 * number + visit, split, f"age {number}", "fm"[number % 2]]
            rows.append([*row, 1000 + number, person.split()[0], "talk"])
    (folder / rows[-1][0]).write_bytes(b"no video")
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        names = ["file", "subject", "score", "split", "group", "sex", "number", "name", "task"]
        csv.writer(file).writerows([names, *rows])
    return folder


@pytest.fixture(scope="module")
def builder(folder, tmp_path_factory):
    config = avec_faces.FacesConfig(
        name="study",
        videos={"source": "folder", "path": str(folder)},
        max_failed_share=0.2,
        num_processes=1,
        contact_sheet_faces=False,
        contact_sheet_pseudonyms=True,
    )
    builder = avec_faces.Builder(config=config, data_dir=tmp_path_factory.mktemp("data_dir"))
    builder.download_and_prepare()
    return builder


@pytest.fixture(scope="module")
def run(folder, builder, tmp_path_factory):
    """run(**fields of config.report) evaluates two networks; gives workdir and results' folder."""
    root = tmp_path_factory.mktemp("runs")
    shown = {
        "data.dataset": "avec_faces/study",
        "data.data_dir": str(builder.data_path.parents[2]),
        "data.manual_dir": str(folder.parent),
        "data.validation_split": "",
        "init_from": str(root / "weights.pt"),
    }
    config = workdirs.tiny_config(**shown)
    means = {"Anna Schmidt": 1.5}
    data = dict(builder.info.metadata)
    workdir, other = (
        workdirs.make(root / name, config_lib.override(config, {"seed": seed}), data, means)
        for seed, name in enumerate(("mine", "other"))
    )

    count = itertools.count()

    def run(**fields):
        changed = {f"report.{name}": value for name, value in fields.items()}
        evaluate.evaluate(
            config_lib.override(config, changed),
            workdir,
            builder,
            "test",
            [other],
        )
        results = workdir / "evaluation" / "test_ensemble"
        return workdir, shutil.copytree(results, root / f"results{next(count)}")

    return run


@pytest.fixture(scope="module")
def sent(run):
    return run(faces=False, pseudonyms=True)


def forbidden(folder, workdir, builder):
    words = [*PEOPLE, *(person.split()[0] for person in PEOPLE), "clip.mp4", "visit1", "visit2"]
    words += ["secret_folder", "labels.csv", "weights.pt", "1000", "1005", "age 3"]
    places = [folder.parent, workdir.parent, builder.data_path.parents[2]]
    return [*words, *map(str, places), "/tmp/", "/home/", f"/{getpass.getuser()}"]


def texts_of(path):
    """All that a file says, its figures and the metadata of a PNG included."""
    content = path.read_bytes()
    if path.suffix == ".png":
        return [str(Image.open(io.BytesIO(content)).info)]
    text = content.decode()
    images = re.findall(r"data:image/([\w+]+);base64,([\w+/=]+)", text)
    decoded = [base64.b64decode(image) for _, image in images]
    assert all(b"<svg" in image for image in decoded), "a picture that is no figure"
    # JSON may write letters as \u00e9 and paths with \/.
    plain = json.dumps(json.loads(text), ensure_ascii=False) if path.suffix == ".json" else text
    return [re.sub(r"base64,[\w+/=]+", "", plain), *(image.decode() for image in decoded)]


def test_nothing_that_is_sent_names_anybody(sent, folder, builder):
    workdir, results = sent
    assert sorted(path.name for path in results.iterdir()) == sorted(TABLES)
    files = [*results.iterdir(), builder.data_path / "contact_sheet.html"]
    for path in files:
        for text in texts_of(path):
            for word in forbidden(folder, workdir, builder):
                assert word.lower() not in text.lower(), (path.name, word)


def test_the_same_words_are_found_where_names_are_shown(run, folder, builder):
    """The search would find them: it fails on a run without pseudonyms."""
    _, results = run(faces=True, pseudonyms=False)
    metrics = json.dumps(json.loads((results / "metrics.json").read_text()), ensure_ascii=False)
    for word in ("Anna Schmidt", "visit1", "clip.mp4", "weights.pt", str(folder.parent)):
        assert word in metrics
    page = read_page((results / "report.html").read_text())
    assert "farah" in page.text
    assert any(image.startswith("data:image/jpeg") for image in page.images)


def test_no_face_is_in_it_and_it_says_so(sent, builder):
    _, results = sent
    page = read_page((results / "report.html").read_text())
    assert all(image.startswith("data:image/svg+xml") for image in page.images)
    assert "Faces are left out." in page.text
    assert "The key, pseudonyms.csv in the run's folder, is not to be sent." in page.text
    assert read_page((builder.data_path / "contact_sheet.html").read_text()).images == []


def test_contact_sheet_and_report_have_the_same_pseudonyms(sent, builder):
    workdir, results = sent
    with (workdir / pseudonyms.FILE).open(encoding="utf-8") as file:
        key = list(csv.DictReader(file))
    assert {row["subject_id"] for row in key} == set(PEOPLE)
    assert (workdir / pseudonyms.FILE).read_text() == (
        builder.data_path / "pseudonyms.csv"
    ).read_text()
    sheet = (builder.data_path / "contact_sheet.html").read_text()
    assert set(re.findall(r"<b>(.*?)</b>", sheet)) == {row["video"] for row in key}
    assert "not a readable video" in sheet

    rows = list(csv.DictReader((results / "predictions.csv").read_text().splitlines()))
    names = {row["video"]: row["subject"] for row in key}
    assert {row["video_id"]: row["subject_id"] for row in rows}.items() <= names.items()
    ranks = [list(names).index(row["video_id"]) for row in rows]
    assert ranks == sorted(ranks)  # not in the order of the true names
    ids = re.findall(r"<h3>(P\d\d-\d)</h3>", (results / "report.html").read_text())
    assert len(ids) == 5


def test_no_number_depends_on_it(run):
    _, results = run(faces=False, pseudonyms=False)
    shown = json.loads((results / "metrics.json").read_text())
    with_names = list(csv.DictReader((results / "predictions.csv").read_text().splitlines()))
    workdir, results = run(faces=False, pseudonyms=True)
    hidden = json.loads((results / "metrics.json").read_text())
    assert hidden["protocols"] == shown["protocols"]
    assert hidden["attention_check"] == shown["attention_check"]
    assert hidden["config"]["model"] == shown["config"]["model"]
    with (workdir / pseudonyms.FILE).open(encoding="utf-8") as file:
        names = {row["video"]: row["video_id"] for row in csv.DictReader(file)}
    rows = list(csv.DictReader((results / "predictions.csv").read_text().splitlines()))
    own = {"video_id": None, "subject_id": None, "task": None}
    assert sorted((names[row["video_id"]], *(row | own).values()) for row in rows) == sorted(
        (row["video_id"], *(row | own).values()) for row in with_names
    )


def test_columns_that_may_name_people_are_no_groups():
    videos = [Video(f"v{i}", f"s{i // 2}", f"v{i}", "ab"[i % 2], 5.0) for i in range(16)]
    details = {
        f"v{i}": {
            "sex": "fm"[i // 2 % 2],
            "name": f"n{i // 2 % 8}",
            "number": str(1000 + i // 2),  # at quartiles, its edges would be such numbers
            "age": str(30 + i // 4),
            "rare": "yes" if i == 0 else "no",
        }
        for i in range(16)
    }
    scale = scales.default()
    columns = [
        [each["column"] for each in group_errors(videos, np.zeros(16), scale, details, anonymous)]
        for anonymous in (False, True)
    ]
    assert columns == [["task", "age", "name", "number", "rare", "sex"], ["task", "age", "sex"]]


def test_a_run_of_before_is_read_as_it_was():
    config = workdirs.tiny_config().to_dict()
    del config["report"]
    read = stored_config.from_dict(config)
    assert read.report.to_dict() == {"faces": True, "pseudonyms": False}
    assert config_lib.differences(read, workdirs.tiny_config()) == []


def test_a_rebuild_keeps_the_pseudonyms(builder, tmp_path):
    import tensorflow_datasets as tfds

    key = (builder.data_path / "pseudonyms.csv").read_text()
    shutil.copytree(builder.data_path.parents[2], tmp_path / "data_dir")
    again = avec_faces.Builder(config=builder.builder_config, data_dir=tmp_path / "data_dir")
    mode = tfds.GenerateMode.REUSE_CACHE_IF_EXISTS
    again.download_and_prepare(download_config=tfds.download.DownloadConfig(download_mode=mode))
    assert (again.data_path / "pseudonyms.csv").read_text() == key
