"""Tests of rating scales: their bands, and what is none."""

import dataclasses
import json

import numpy as np
import pytest

from hmhn_jax.base import scales
from hmhn_jax.base.errors import UsageError, UserError

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0, "none or minimal"),
        (13, "none or minimal"),
        (13.4, "none or minimal"),
        (13.44, "none or minimal"),
        (13.46, "mild"),
        (13.5, "mild"),
        (19.2, "mild"),
        (19.46, "moderate"),
        (20, "moderate"),
        (28.3, "moderate"),
        (28.5, "severe"),
        (63, "severe"),
    ],
)
def test_levels_of_whole_and_other_scores(score, expected):
    assert scales.default().band_name(score) == expected


def test_the_level_is_that_of_the_decimal_which_is_shown():
    band = scales.default().band
    for score in np.arange(0, 63, 0.01, dtype=np.float32):
        assert band(score) == band(float(f"{score:.1f}"))


@pytest.mark.parametrize("score", [-1, 64])
def test_no_level_outside_of_the_scale(score):
    with pytest.raises(ValueError, match=r"BDI-II \(0 to 63\)"):
        scales.default().band(score)


PHQ9 = scales.presets()["phq9"]
OWN = {"name": "Ours", "least": 1, "greatest": 5}


def band(name, least, greatest):
    return {"name": name, "least": least, "greatest": greatest}


@pytest.mark.parametrize("name", scales.presets())
def test_presets_have_cut_offs_with_a_source_and_survive_json(name):
    preset = scales.presets()[name]
    assert preset.source
    assert preset.bands
    assert scales.parse(json.loads(json.dumps(preset.to_json())), "here") == preset
    assert [preset.band_name(end) for end in preset.ends] == [
        preset.bands[0].name,
        preset.bands[-1].name,
    ]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"least": 5}, "least to be below greatest, got 5 to 5"),
        ({"greatest": float("nan")}, "whole numbers"),
        ({"greatest": 4.5}, "whole numbers"),
        ({"name": "a\nb"}, "names of 1 to 60 letters"),
        ({"worse": "up"}, "worse to be high or low"),
        ({"bands": [band("a", 1, 3), band("b", 3, 5)]}, "without gap or overlap"),
        ({"bands": [band("a", 1, 2), band("b", 4, 5)]}, "next one from 3, got b from 4 to 5"),
        ({"bands": [band("a", 1, 4)]}, "bands up to 5, got 4"),
        ({"bands": [band("a", 1, 2), band("a", 3, 5)]}, "different names"),
        ({"bands": 3}, "not iterable"),
        ({"bands": [band(str(n), n, n) for n in range(1, 22)], "greatest": 21}, "20 bands at most"),
        ({"columns": "wb"}, "columns must be a list"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_no_scale_is_refused_in_a_line_with_the_presets(values, reason):
    with pytest.raises(UserError) as caught:
        scales.parse(OWN | values, "mine.toml")
    message = str(caught.value)
    assert message.startswith("mine.toml: no rating scale: ")
    assert reason in message
    assert "bdi2, phq9, phq8, hamd17, madrs, gad7, cesd" in message


@pytest.mark.parametrize("values", [None, [], "phq9", 3, {}])
def test_other_json_is_no_scale(values):
    with pytest.raises(UserError, match="no rating scale"):
        scales.parse(values, "there")


def test_a_scale_of_fractions_may_lie_anywhere_and_be_upside_down():
    bands = [band("bad", -1, 0.5), band("good", 0.5, 2)]
    own = scales.parse(
        {"name": "W", "least": -1, "greatest": 2, "whole": False, "worse": "low", "bands": bands},
        "here",
    )
    assert [own.band_name(score) for score in (-1, 0.44, 0.5, 2)] == ["bad", "bad", "good", "good"]
    assert [own.severity(score) for score in (-1, 0.5, 2)] == [1, 0.5, 0]
    assert own.extent(own) == own.ends
    assert PHQ9.extent(PHQ9) == (-0.5, 27.5)


def test_without_bands_a_score_has_none_but_must_be_on_the_scale():
    own = scales.parse(OWN, "here")
    assert own.band(3) is None
    assert own.band_name(3) == ""
    with pytest.raises(ValueError, match="Ours"):
        own.band(6)


def test_a_scale_is_chosen_by_name_or_file(tmp_path):
    (tmp_path / "own.json").write_text(json.dumps(OWN))
    (tmp_path / "own.toml").write_text('name = "Ours"\nleast = 1\ngreatest = 5\n')
    assert scales.choose("phq9") == PHQ9
    for name in (str(tmp_path / "own.json"), "own.toml"):
        assert scales.choose(name, tmp_path) == scales.parse(OWN, "here")
    for name in ("phq10", "none.toml", "own.txt"):
        with pytest.raises(UsageError, match=f"one of bdi2, .*cesd, or a .toml .*got '{name}'"):
            scales.choose(name, tmp_path)
    (tmp_path / "own.toml").write_text("name =")
    with pytest.raises(UserError, match=r"own\.toml: cannot be read as a scale"):
        scales.choose("own.toml", tmp_path)


def test_the_scale_beside_a_table(tmp_path):
    assert scales.beside(tmp_path) is None
    (tmp_path / "scale.json").write_text(json.dumps(OWN))
    assert scales.beside(tmp_path).name == "Ours"
    (tmp_path / "scale.toml").touch()
    with pytest.raises(UserError, match="one scale"):
        scales.beside(tmp_path)


def test_data_of_before_mean_the_default():
    assert scales.of({}) == scales.default()
    assert scales.of({"scale": PHQ9.to_json()}) == PHQ9


def test_bands_do_not_make_another_scale_but_ends_do():
    assert PHQ9.measures_as(dataclasses.replace(PHQ9, bands=(), source=""))
    assert not PHQ9.measures_as(dataclasses.replace(PHQ9, greatest=26))
