"""Tests of the Python API: the same scores as the command's, from any folder, without a print."""

import doctest
import logging
import subprocess
import sys
from pathlib import Path

import avec_trees
import numpy as np
import pytest
import workdirs

import hmhn_jax
from hmhn_jax.base.errors import UserError
from hmhn_jax.interop import export
from hmhn_jax.prediction import ensemble, predict

PAGE = Path(__file__).parents[2] / "docs" / "use" / "python.md"
SHIFT = 6.0


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Makes a folder with a workdir, a video and a text."""
    folder = tmp_path_factory.mktemp("api")
    workdirs.make(folder / "runs" / "demo", workdirs.tiny_config())
    avec_trees.write(folder / "anna.mp4", avec_trees.frames(0))
    (folder / "notes.txt").write_text("not a video")
    return folder


@pytest.fixture(scope="module")
def predictor(place):
    return hmhn_jax.load(place / "runs" / "demo")


def test_importing_is_quick_and_imports_nothing_heavy(environment):
    code = "import sys, hmhn_jax; print(sorted(sys.modules), hmhn_jax.__version__)"
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert hmhn_jax.__version__.encode() in said.stdout
    for heavy in (b"'numpy'", b"'jax'", b"'tensorflow'", b"'absl'", b"'cv2'"):
        assert heavy not in said.stdout


def test_all_names_are_there():
    assert set(hmhn_jax.__all__) <= set(dir(hmhn_jax))
    assert all(hasattr(hmhn_jax, name) for name in hmhn_jax.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        hmhn_jax.nonsense  # noqa: B018


def test_the_page_is_true(place, monkeypatch):
    monkeypatch.chdir(place)
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags)
    assert found.attempted > 10
    assert found.failed == 0


def test_a_prediction_neither_prints_nor_imports_tensorflow(place, environment, tmp_path):
    code = (
        "import sys, hmhn_jax\n"
        f"predictor = hmhn_jax.load({str(place / 'runs' / 'demo')!r})\n"
        f"(made,) = predictor.predict({str(place / 'anna.mp4')!r})\n"
        "assert made.score is not None\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "")
    assert "synthetic faces" in ran.stderr  # by logging
    assert "absl" not in ran.stderr


def test_scores_are_those_of_the_command(place, predictor):
    members = ensemble.restore(workdirs.tiny_config(), [place / "runs" / "demo"])
    (theirs,) = predict.predict_files(members, [place / "anna.mp4"], 8, num_processes=1)
    (ours,) = predictor.predict(str(place / "anna.mp4"))
    assert ours == theirs
    assert [each.score for each in ours.frames] == pytest.approx(ours.frame_scores[0])
    faces = hmhn_jax.crop(place / "anna.mp4", predictor.crop_settings)
    assert [each.time_s for each in ours.frames] == list(faces.times_s)
    np.testing.assert_array_equal(predictor.score(faces.images), ours.frame_scores[0])


def test_crops_of_another_size_are_scaled_as_of_a_video(place, predictor):
    images = hmhn_jax.crop(place / "anna.mp4").images
    assert images.shape[1:] == (224, 224, 3)
    small = predictor._scaled(images)
    assert small.shape[1:] == (64, 64, 3)
    np.testing.assert_array_equal(predictor.score(images), predictor.score(small))
    np.testing.assert_array_equal(predictor.attention(images), predictor.attention(small))


def test_a_bad_file_has_an_error_and_the_others_a_score(place, predictor):
    files = [place / "none.mp4", place, place / "notes.txt", place / "anna.mp4"]
    *bad, good = predictor.predict(iter(files))
    assert all(each.error and each.score is None and not each.frames for each in bad)
    assert good.error is None
    assert good.score is not None
    faces = hmhn_jax.crop(place / "none.mp4")
    assert faces.error == "no such file"
    assert len(faces.images) == 0
    assert predictor.score(faces.images).shape == (0,)


def test_a_file_without_a_face_has_a_warning(tmp_path, predictor):
    noise = np.random.default_rng(0).integers(0, 256, (4, 240, 320, 3), dtype=np.uint8)
    avec_trees.write(tmp_path / "noise.mp4", noise)
    faces = hmhn_jax.crop(tmp_path / "noise.mp4")
    assert (faces.error, faces.face_found_rate) == (None, 0.0)
    assert "no face" in faces.warnings[0]
    (made,) = predictor.predict(tmp_path / "noise.mp4")
    assert (made.error, made.score) == (None, None)


@pytest.mark.parametrize("wrong", [3, None, b"a.mp4", [3], [None]])
def test_other_types_than_paths_are_refused_at_once(predictor, wrong):
    with pytest.raises(TypeError, match=r"expected a path, as str or os.PathLike, got \w+"):
        predictor.predict(wrong)
    with pytest.raises(TypeError, match="expected a path"):
        hmhn_jax.crop(wrong)
    with pytest.raises(TypeError, match="expected a path"):
        hmhn_jax.load(wrong)


@pytest.mark.parametrize(
    ("wrong", "kind", "words"),
    [
        ([[0]], TypeError, "a NumPy array, got list"),
        (np.zeros((1, 8, 8, 3)), TypeError, "of uint8, 0 to 255, got float64"),
        (np.zeros((8, 8, 3), np.uint8), ValueError, r"\[N,S,S,3\], got \[8, 8, 3\]"),
        (np.zeros((1, 8, 9, 3), np.uint8), ValueError, r"\[1, 8, 9, 3\]"),
    ],
)
def test_other_images_are_refused(predictor, wrong, kind, words):
    for method in (predictor.score, predictor.attention):
        with pytest.raises(kind, match=words):
            method(wrong)


def test_several_networks_are_averaged(place, predictor):
    other = workdirs.shifted(place / "runs" / "other", place / "runs" / "demo", SHIFT)
    both = hmhn_jax.load(place / "runs" / "demo", other)
    images = hmhn_jax.crop(place / "anna.mp4").images
    expected = predictor.score(images) + SHIFT / 2
    np.testing.assert_allclose(both.score(images), expected, atol=1e-4)


def test_an_exported_network_scores_the_same(place, predictor, tmp_path):
    config = workdirs.tiny_config()
    file = export.export_checkpoint(config, place / "runs" / "demo", tmp_path / "out")
    (expected,) = predictor.predict(place / "anna.mp4")
    for path in (file, file.parent):
        loaded = hmhn_jax.load(path)
        assert loaded.synthetic
        assert loaded.crop_settings == predictor.crop_settings
        (made,) = loaded.predict(place / "anna.mp4")
        assert made.score == pytest.approx(expected.score, abs=1e-3)
    with pytest.raises(UserError, match="no attention maps"):
        loaded.attention(np.zeros((1, 64, 64, 3), np.uint8))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(UserError, match="its sha256 differs"):
        hmhn_jax.load(file)


def test_a_folder_without_a_network_is_named(tmp_path):
    with pytest.raises(UserError, match=r"expected a workdir or .*, found no .*config\.json"):
        hmhn_jax.load(tmp_path)


def test_synthetic_training_is_logged(place, caplog):
    with caplog.at_level(logging.WARNING, logger="hmhn_jax"):
        hmhn_jax.load(place / "runs" / "demo")
    assert "say nothing about people" in caplog.text
