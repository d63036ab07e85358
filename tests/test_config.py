"""Tests of configs: every file is usable, wrong values are refused, stored ones come back."""

import importlib
from pathlib import Path

import jax.numpy as jnp
import pytest

from configs import avec2014, default
from hmhn_jax import config as config_lib
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.models import HMHN, factory
from hmhn_jax.workdir import stored_config

pytestmark = pytest.mark.pure

FILES = sorted(path.stem for path in (Path(__file__).parents[1] / "configs").glob("*.py"))


@pytest.mark.parametrize("name", FILES)
def test_every_config_is_usable_and_says_how(name):
    module = importlib.import_module(f"configs.{name}")
    config = module.get_config()
    config_lib.check(config)
    assert isinstance(factory.make_model(config), HMHN)
    assert "python run.py --workdir" in module.__doc__


def test_papers_setting():
    config = avec2014.get_config()
    assert factory.make_model(config) == HMHN()  # the module's defaults are the paper's
    assert config.data.image_size == 224
    assert config.train.batch_size == 64
    assert config.optimizer.learning_rate == 1e-3
    assert config.optimizer.plateau_factor == 0.1
    assert config.model.dropout_rate == 0.2
    assert config.train.num_epochs == 50  # ours: the paper gives none
    assert config.data.train_split == "train+validation"


def test_the_test_split_chooses_nothing():
    for name in FILES:
        config = importlib.import_module(f"configs.{name}").get_config()
        assert "test" not in config.data.train_split + config.data.validation_split


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("model.gwa_softmax_axis", "rows", "'grid' or 'last', got 'rows'"),
        ("model.dtype", "float16", "'float32'"),
        ("model.num_heads", 0, "at least 1 and at most 256, got 0"),
        ("model.dropout_rate", 1.0, "at least 0 and below 1, got 1.0"),
        ("model.grid", (3,), "pairs of whole numbers"),
        ("model.grid", (3, 0), "pairs of whole numbers"),
        ("model.kernels", (), "pairs of whole numbers"),
        ("model.grid", (97, 1), "must fit an image of 96 pixels"),
        ("model.width", 1, "at least 2 and at most 4096, got 1"),
        ("loss.partition_ddof", 2, "0 or 1, got 2"),
        ("loss.partition_epsilon", 0.0, "above 0 and at most 1, got 0.0"),
        ("optimizer.learning_rate", float("inf"), "at least 0, got inf"),
        ("model.use_gwa", False, "needs config.model.use_gwa"),
        ("optimizer.learning_rate", -1.0, "at least 0, got -1"),
        ("optimizer.plateau_factor", 0.0, "above 0 and at most 1, got 0.0"),
        ("optimizer.learning_rate", float("nan"), "at least 0, got nan"),
        ("model.num_heads", 10**9, "at least 1 and at most 256, got 1000000000"),
        ("data.image_size", 10**6, "at most 4096, got 1000000"),
        ("seed", 2**64, "at most 9223372036854775807, got"),
        ("model.kernels", ((3, 3),) * 99, "at most 16 of at most 64 pixels"),
        ("model.kernels", ((3, 10**9),), "at most 16 of at most 64 pixels"),
    ],
)
def test_unusable_values_are_refused(field, value, message):
    config = default.get_config()
    config.update_from_flattened_dict({field: value})
    with pytest.raises(UsageError, match=message) as raised:
        config_lib.check(config)
    assert field in str(raised.value)
    assert "\n" not in str(raised.value)


def test_stored_config_comes_back(tmp_path):
    config = default.get_config()
    config.model.grid = (2, 5)
    stored_config.save(config, tmp_path)
    stored = stored_config.load(tmp_path)
    assert stored.to_dict() == config.to_dict()
    assert config_lib.differences(config, stored) == []


def test_no_stored_config_is_none(tmp_path):
    assert stored_config.load(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    ["{", "[1]", "\xff", "{}", '{"seed": 0}', '{"data": 3, "report": {"faces": {}}}', "[" * 10**5],
)
def test_spoiled_stored_config_is_named(tmp_path, content):
    stored_config.config_path(tmp_path).write_text(content, encoding="latin-1")
    with pytest.raises(UserError, match=r"config\.json"):
        stored_config.load(tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("model.width", "8", "model.width must be of type int, got '8'"),
        ("model.depth", 3, "model.depth is no known field"),
    ],
)
def test_types_and_names_of_fields_are_checked(field, value, message):
    config = default.get_config()
    section, name = field.split(".")
    with config.unlocked(), config[section].ignore_type():
        config[section][name] = value
    with pytest.raises(UsageError, match=message):
        config_lib.check(config)


def test_a_missing_field_is_named_and_a_whole_number_may_stand_for_a_float():
    config = default.get_config()
    with config.optimizer.ignore_type():
        config.optimizer.clip_norm = 1
    config_lib.check(config)
    del config.optimizer.clip_norm
    with pytest.raises(UsageError, match=r"optimizer\.clip_norm is missing"):
        config_lib.check(config)


def test_a_config_of_before_a_field_was_there_gets_its_default(monkeypatch):
    values = default.get_config().to_dict() | {"model": {"width": 8}}
    field = config_lib.Field(3, "more layers", newer=True)
    monkeypatch.setitem(config_lib.FIELDS, "model.depth", field)
    completed = stored_config.from_dict(values)
    assert completed.model.to_dict() == {"width": 8, "depth": 3}
    with pytest.raises(UsageError, match=r"config\.model\.dropout_rate is missing"):
        config_lib.check(completed)


def test_defaults_are_within_limits_and_are_the_papers_setting():
    config = config_lib.default()
    config_lib.check(config)
    assert config == avec2014.get_config()


def test_docs_have_the_table_of_fields():
    page = Path(__file__).parents[1] / "docs" / "use" / "config.md"
    assert page.read_text() == config_lib.markdown(), (
        "python -m hmhn_jax.config > docs/use/config.md"
    )


def test_differences_name_both_values():
    config, stored = default.get_config(), default.get_config()
    config.model.num_heads = 2
    config.seed = 7
    assert config_lib.differences(config, stored) == [
        "model.num_heads 2, stored 4",
        "seed 7, stored 0",
    ]
    assert config_lib.differences(config, stored, "model.") == ["model.num_heads 2, stored 4"]
    assert config_lib.differences(config, stored, ("seed", "data.")) == ["seed 7, stored 0"]


def test_override_changes_a_copy():
    config = default.get_config()
    changed = config_lib.override(config, {"model.width": 8})
    assert changed.model.width == 8
    assert config.model.width != 8
    with pytest.raises(UsageError, match="widht"):
        config_lib.override(config, {"model.widht": 8})


def test_dtype_reaches_the_model():
    config = default.get_config()
    config.model.dtype = "bfloat16"
    assert factory.make_model(config).dtype == jnp.bfloat16
