"""Scores that look like those of another scale, and what is asked then."""

import json
import random

import pytest

from hmhn_jax.base import scales
from hmhn_jax.recordings import scale_fit
from hmhn_jax.recordings.folder import FolderSettings, find

pytestmark = pytest.mark.pure

LOW = [n % 22 for n in range(40)]  # up to 21


@pytest.fixture
def folder(tmp_path):
    """Returns a function that writes a table of people with these scores."""

    def write(scores, column="score"):
        rows = [f"v{n}.mp4,p{n},{score},train" for n, score in enumerate(scores)]
        for n in range(len(scores)):
            (tmp_path / f"v{n}.mp4").touch()
        (tmp_path / "people.csv").write_text("\n".join([f"file,subject,{column},split", *rows]))
        return tmp_path

    return write


def question(folder, **settings):
    return find(folder, FolderSettings(**settings)).question


def test_scores_that_end_where_another_scale_does_raise_the_question(folder):
    asked = question(folder(LOW))
    assert "PHQ-9 or PHQ-8 or GAD-7 better than BDI-II (0 to 63)" in asked
    assert "--config.data.scale=phq9 or phq8 or gad7, or bdi2 if it is that" in asked
    assert "no score is above 21" in asked
    assert "PHQ-8" not in question(folder([*LOW, 26]))
    assert question(folder([*LOW, 28])) == ""


def test_a_word_about_the_scale_is_the_answer(folder):
    root = folder(LOW)
    assert question(root, scale="bdi2") == ""
    assert find(root, FolderSettings(scale="phq9")).scale == scales.presets()["phq9"]
    (root / "scale.json").write_text(json.dumps(scales.presets()["madrs"].to_json()))
    found = find(root, FolderSettings())
    assert (found.question, found.scale.name) == ("", "MADRS")
    assert find(root, FolderSettings(scale="phq9")).scale.name == "PHQ-9"


def test_few_scores_raise_none_and_one_persons_videos_count_once(folder, tmp_path):
    assert question(folder(LOW[: scale_fit.LEAST_SCORES - 1])) == ""
    rows = [f"v{n}.mp4,anna,{n % 5},train" for n in range(40)]
    root = folder(LOW)
    (root / "people.csv").write_text("\n".join(["file,subject,score,split", *rows]))
    assert question(root) == ""


@pytest.mark.parametrize("column", ["BDI-II", "bdi score"])
def test_the_columns_name_is_a_word_about_the_scale(folder, column):
    assert question(folder(LOW, column)) == ""


def test_a_column_of_another_scale_raises_the_question(folder):
    root = folder([3, 5, 7], "PHQ-9")
    assert "the column PHQ-9 sounds like PHQ-9 better" in question(root)
    assert "or bdi2 and --config.data.columns=score:PHQ-9 if it is that" in question(root)
    assert question(root, scale="phq9") == ""
    assert question(root, scale="bdi2", columns="score:PHQ-9") == ""


def test_scores_beyond_the_scale_are_problems_that_name_it(folder):
    (problem,) = find(folder([3, 28]), FolderSettings(scale="phq9")).problems
    assert "score 28 is not between 0 and 27, as on PHQ-9" in problem
    assert "for another scale: --config.data.scale" in problem


def test_a_scale_that_was_told_is_doubted_aloud(folder):
    def lines(scores, name):
        found = find(folder(scores), FolderSettings(scale=name))
        return scale_fit.warnings(found.recordings, found.scale)

    (line,) = lines([3, 9, 27], "bdi2")
    assert "largest score is 27" in line
    assert "PHQ-9 (0 to 27), not on BDI-II (0 to 63)" in line
    assert "GAD-7" in lines(LOW, "bdi2")[0]
    assert lines([3, 9, 26], "bdi2") == lines([3, 9, 27], "phq9") == []
    draw = random.Random(0)
    assert lines([min(63, int(draw.gammavariate(1.6, 9.6))) for _ in range(60)], "bdi2") == []
