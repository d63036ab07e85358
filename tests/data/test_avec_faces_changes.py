"""Tests of a built dataset whose labels have changed since."""

import os

import pytest
import tensorflow_datasets as tfds

from configs import avec2014
from hmhn_jax import tfds as avec_faces
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.input_pipeline.dataset import open_dataset
from hmhn_jax.recordings.synthetic import SyntheticSettings, write_dataset

OVERWRITE = tfds.download.DownloadConfig(download_mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS)


@pytest.fixture
def folder(tmp_path):
    """Makes a manual directory with three rendered people in a folder of their own."""
    folder = tmp_path / "data" / "downloads" / "manual" / "folder"
    settings = SyntheticSettings(num_train=1, num_validation=1, num_test=1, num_frames=2)
    write_dataset(folder, settings, num_processes=1)
    return folder


def build(folder, download_config=None, **videos):
    builder = avec_faces.Builder(
        config=avec_faces.FacesConfig(
            name="mine",
            videos={"source": "folder"} | videos,
            num_processes=1,
            crops={"rate_hz": None},
        ),
        data_dir=folder.parents[2],
    )
    builder.download_and_prepare(download_config=download_config)
    return builder


def test_changed_labels_stop_until_the_dataset_is_built_again(folder):
    first = build(folder)
    assert build(folder).info.metadata == first.info.metadata  # nothing has changed

    labels = folder / "labels.csv"
    header, row, *rows = labels.read_text().splitlines()
    score = int(row.rsplit(",", 1)[1])
    row = row.rsplit(",", 1)[0] + f",{score + 1}"
    labels.write_text("\n".join([header, row, *rows]) + "\n")
    with pytest.raises(UserError, match=r"built from other labels.*--overwrite"):
        build(folder)

    rebuilt = build(folder, OVERWRITE)
    (example,) = rebuilt.as_dataset("train").take(1)
    assert float(example["score"]) == score + 1
    build(folder)


def test_a_video_replaced_by_another_of_the_same_size_and_date_is_noticed(folder):
    one, other = sorted(folder.glob("videos/*.mp4"))[:2]
    size = max(one.stat().st_size, other.stat().st_size)
    for video in (one, other):  # what follows an MP4 file's boxes is passed over
        video.write_bytes(video.read_bytes().ljust(size, b"\0"))
    first = build(folder)
    status = one.stat()
    one.write_bytes(other.read_bytes())
    os.utime(one, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (one.stat().st_size, one.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    with pytest.raises(UserError, match=r"0000\.mp4: not the video that .* --overwrite`$"):
        build(folder)
    anew = build(folder, OVERWRITE)
    assert anew.info.metadata["copies"]
    assert not first.info.metadata["copies"]
    build(folder)


def test_a_copied_or_touched_video_is_the_same_video(folder):
    build(folder)
    for video in folder.glob("videos/*.mp4"):
        os.utime(video, (1, 1))
    build(folder)


def test_a_built_dataset_needs_its_videos_no_more(folder):
    first = build(folder)
    folder.rename(folder.parent / "elsewhere")
    assert build(folder).info.metadata == first.info.metadata


def test_what_the_config_says_of_the_table_counts(folder, capsys):
    with (folder / "labels.csv").open("a") as file:
        file.write(file_row := "videos/none.mp4,more,talking,train,-9\n")
    header, *rows = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join([header.replace("score", "BDI"), *rows]) + "\n")
    (folder / "other.csv").write_text(file_row)
    settings = avec2014.get_config().data
    settings.update(
        dataset="avec_faces/folder",
        data_dir=str(folder.parents[2]),
        table="labels.csv",
        columns="score:BDI",
        missing="-9",
    )
    (one, *_) = sorted(path.stem for path in folder.glob("videos/*.mp4"))
    (folder / "bad.txt").write_text(f"{one}\n")
    settings.exclude = "bad.txt"
    builder = open_dataset(settings)
    assert sum(builder.info.metadata["num_videos"].values()) == 2
    line = builder.info.metadata["facts"][0]
    assert "labels.csv: 2 videos of 2 people; columns file, subject, score (BDI)" in line
    assert line.endswith("; 1 excluded left out; 1 without a score left out")
    assert line in capsys.readouterr().err
    settings.exclude = ""
    with pytest.raises(UserError, match="built from other labels"):
        open_dataset(settings)


def test_choices_that_a_dataset_cannot_heed_are_refused(folder):
    build(folder)
    settings = avec2014.get_config().data
    settings.data_dir = str(folder.parents[2])
    for dataset, field in (("mine", "exclude"), ("synthetic", "exclude"), ("avec2014", "missing")):
        settings.update(dataset=f"avec_faces/{dataset}", exclude="", missing="")
        settings[field] = "-9"
        with pytest.raises(UsageError, match=rf"config\.data\.{field} "):
            open_dataset(settings)


def test_copies_under_other_names_are_reported(folder):
    one, other = sorted(folder.glob("videos/*.mp4"))[:2]
    other.write_bytes(one.read_bytes())
    (fact,) = build(folder).info.metadata["copies"]
    assert str(one) in fact
    assert str(other) in fact
    assert "in validation" in fact


def test_the_scale_must_be_told_once_and_stays(folder):
    labels = folder / "labels.csv"
    header, *rows = labels.read_text().splitlines()
    rows = [f"{row.rsplit(',', 1)[0]},{number + 20}" for number, row in enumerate(rows)]
    labels.write_text("\n".join([header.replace("score", "PHQ-9"), *rows]) + "\n")

    with pytest.raises(UsageError, match=r"told the scale.*--config\.data\.scale=phq9, or bdi2"):
        build(folder)
    built = build(folder, scale="phq9")
    assert built.info.metadata["scale"]["name"] == "PHQ-9"
    build(folder)  # it is known now
    with pytest.raises(UserError, match=r"on PHQ-9 \(0 to 27\).*said to be on BDI-II \(0 to 63\)"):
        build(folder, scale="bdi2", columns="score:PHQ-9")
