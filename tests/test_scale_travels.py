"""The scale travels: a run on PHQ-9 scores says PHQ-9 in all it writes, and nothing of BDI-II."""

import base64
import csv
import dataclasses
import json
import re
from pathlib import Path

import matplotlib.text
import pytest
import workdirs

from hmhn_jax import tfds as avec_faces
from hmhn_jax.base import fonts, scales
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.evaluation import evaluate
from hmhn_jax.interop import export
from hmhn_jax.prediction import ensemble, predict
from hmhn_jax.serve import results as pages
from hmhn_jax.serve.jobs import Job
from hmhn_jax.serve.predictor import make_work
from hmhn_jax.training import sweep_table
from hmhn_jax.training.train import train

# A 63 that is no part of a longer number; base64 of pictures holds any letters.
FOREIGN = re.compile(r"(?i)bdi|(?<![\w.])63(?![\w.])")
PICTURE = re.compile(r"data:image/([\w+]+);base64,([\w+/=]+)")
PHQ9 = scales.presets()["phq9"]


@pytest.fixture(scope="module")
def figures():
    """Collects what is written in each figure that is drawn, by the name of its file."""
    texts: dict[str, list[str]] = {}
    save = fonts.save

    def note(figure, path, *args, **kwargs):
        found = [each.get_text() for each in figure.findobj(matplotlib.text.Text)]
        texts[path.name] = found
        save(figure, path, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fonts, "save", note)
        yield texts


@pytest.fixture(scope="module")
def phq9(tmp_path_factory, figures):
    """Builds, trains, evaluates, predicts and exports on PHQ-9: config, workdir, builder, video."""
    root = tmp_path_factory.mktemp("phq9")
    videos = {"num_train": 3, "num_validation": 1, "num_test": 2, "num_frames": 5, "scale": "phq9"}
    made = avec_faces.FacesConfig(name="phq9", videos=videos, num_processes=1)
    builder = avec_faces.Builder(config=made, data_dir=root / "data")
    builder.download_and_prepare()
    fields = {"data.dataset": "avec_faces/phq9", "data.data_dir": str(root / "data")}
    fields |= {"train.batch_size": 8, "train.num_epochs": 1}
    config, workdir = workdirs.tiny_config(**fields), root / "run"
    train(config, workdir, builder)
    results = evaluate.evaluate(config, workdir, builder, "test")
    video = next(root.glob("data/downloads/**/synthetic_0000.mp4"))
    predict.predict(config, [workdir], str(video), workdir / "predicted")
    export.export_checkpoint(config, workdir)
    row = sweep_table.Row(sweep_table.Cell("A", "all of it", {}, {}), [results])
    sweep_table.write(workdir / "sweep", "Sweep", [row], 1, "run.py")
    return config, workdir, builder, video


def words(text):
    """Returns a text with, for its figures, what they say: Matplotlib repeats it in comments."""

    def said(picture):
        kind, content = picture.groups()
        if kind != "svg+xml":
            return ""
        return " ".join(re.findall(r"<!-- (.*?) -->", base64.b64decode(content).decode()))

    return PICTURE.sub(said, text)


def test_every_file_of_a_run_is_on_its_scale(phq9):
    _, workdir, builder, _ = phq9
    folders = (workdir, Path(builder.data_path))
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    texts = {"html", "json", "jsonl", "csv", "md", "py"}
    texts = [path for path in paths if path.suffix[1:] in texts and "checkpoints" not in path.parts]
    names = {path.name for path in texts}
    assert names >= {
        *("report.html", "metrics.json", "predictions.csv", "frames.csv", "about.json"),
        *("model_card.md", "export.json", "example.py", "table.md", "table.csv", "metadata.json"),
    }
    written = {path: words(path.read_text(encoding="utf-8")) for path in texts}
    for path, text in written.items():
        assert not FOREIGN.findall(text), path
    silent = {"config.json", "scalars.jsonl", "summary.json", "contact_sheet.html"}
    silent |= {"dataset_info.json", "features.json", "checksums.json"}
    for path, text in written.items():
        assert "PHQ-9" in text or path.name in silent, path
    (report,) = (text for path, text in written.items() if path.name == "report.html")
    assert "predicted PHQ-9 score" in report  # in a figure


def test_every_figure_is_on_its_scale(phq9, figures):
    assert len(figures) >= 3
    for name, texts in figures.items():
        assert not FOREIGN.findall("\n".join(texts)), name
    labels = [text for texts in figures.values() for text in texts]
    assert {"true PHQ-9 score", "PHQ-9 score", "MAE, PHQ-9 points"} <= set(labels)
    assert {"moderately severe", "severe"} <= set(labels)  # bands over time


def test_the_page_is_on_the_scale_of_the_network(phq9, tmp_path):
    config, workdir, _, video = phq9
    members = ensemble.restore(config, [workdir])
    about = {"dataset": "d", "network": "n", "synthetic": True, "evaluation": None}
    environment = pages.make_environment(about | {"scale": members[0].scale})
    outcome = make_work(members, config.evaluate, 60.0)(video, lambda share: None)
    job = Job("id", "clip.mp4", tmp_path, state="done", outcome=outcome)
    shown = [
        json.dumps(outcome.values),
        str(pages.summary(job)),
        pages.fragment(environment, job),
        pages.document(environment, [job]),
        pages.table([job], members[0].scale, "n"),
    ]
    for text in shown:
        text = words(text)
        assert not FOREIGN.findall(text)
        assert "PHQ-9" in text or "of 27 points" in text
    band = PHQ9.band(outcome.values["score"])
    assert outcome.values["band_range"] == [band.least, band.greatest]


def test_scores_are_clipped_and_named_by_the_scale(phq9):
    _, workdir, _, _ = phq9
    with (workdir / "evaluation" / "test" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert 0 <= float(row["prediction"]) <= 27
        assert row["band"] == PHQ9.band_name(float(row["score"]))
        assert row["scale"] == "PHQ-9"


def test_data_and_networks_of_other_scales_are_refused_by_both_names(phq9, tmp_path):
    config, workdir, builder, _ = phq9
    data = {name: value for name, value in builder.info.metadata.items() if name != "scale"}
    old = workdirs.make(tmp_path / "old", config, data)  # says no scale: BDI-II
    with pytest.raises(UserError, match=r"are on PHQ-9 \(0 to 27\).*trained on BDI-II \(0 to 63\)"):
        evaluate.evaluate(config, old, builder, "test")
    with pytest.raises(UserError, match=r"are on PHQ-9 \(0 to 27\).*trained on BDI-II \(0 to 63\)"):
        train(config, old, builder)
    with pytest.raises(UserError, match=r"expected PHQ-9.*got BDI-II"):
        ensemble.restore(config, [workdir, old])
    config = config.copy_and_resolve_references()
    config.data.scale = "gad7"
    with pytest.raises(UsageError, match=r"scores on PHQ-9 .* got gad7"):
        ensemble.restore(config, [workdir])


def test_people_and_faces_are_the_same_on_any_scale():
    from hmhn_jax.recordings.synthetic.clips import Clip

    clip = Clip(0, 3, 2, 4, (160, 120))
    reversed_ = dataclasses.replace(scales.default(), worse="low")
    other, opposite = (dataclasses.replace(clip, scale=each) for each in (PHQ9, reversed_))
    assert other.subject == clip.subject
    assert other.score == pytest.approx(clip.score * 27 / 63, abs=0.75)
    assert opposite.score == 63 - clip.score
    for one, two in zip(clip.frames(), opposite.frames(), strict=True):
        assert (one == two).all()
