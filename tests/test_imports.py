"""Tests that every module can be imported with what is installed."""

import importlib
import pkgutil

import pytest

import benchmarks
import configs
import hmhn_jax

ONLY_FOR_COMPARISON = {"torch", "onnxruntime", "openvino"}  # which benchmarks may lack


@pytest.mark.smoke
@pytest.mark.parametrize("package", [hmhn_jax, configs, benchmarks], ids=lambda p: p.__name__)
def test_every_module_can_be_imported(package):
    names = [each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    assert names
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if package is not benchmarks or error.name not in ONLY_FOR_COMPARISON:
                raise
