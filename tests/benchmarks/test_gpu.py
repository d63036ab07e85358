"""Tests of benchmarks/gpu/__main__.py, on a CPU."""

import dataclasses
import math
import time

import jax
import numpy as np
import pytest
from plain_hmhn import PlainHMHN

from benchmarks.contest import dispatch, flops
from benchmarks.contest.workload import TINY
from benchmarks.gpu import __main__, tables
from benchmarks.gpu import agreement as gpu_agreement
from benchmarks.gpu import ours as gpu_ours

# Little to compile: the trunk alone.
TRUNK = dataclasses.replace(
    TINY, fields={"width": 2, "use_gwa": False, "use_dff": False, "use_mab": False}
)


def products(jaxpr):
    """Counts the operations of all matrix products and convolutions that JAX traced."""
    count = 0
    for equation in jaxpr.eqns:
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                count += products(inner)
        shapes = [each.aval.shape for each in equation.invars]
        if equation.primitive.name == "conv_general_dilated":
            kernel = shapes[1]  # height, width, in, out: each output adds up all but the last
            count += 2 * math.prod(equation.outvars[0].aval.shape) * math.prod(kernel[:3])
        if equation.primitive.name == "dot_general":
            (axes, _), _ = equation.params["dimension_numbers"]
            added = math.prod(shapes[0][axis] for axis in axes)
            count += 2 * math.prod(equation.outvars[0].aval.shape) * added
    return count


@pytest.mark.parametrize(
    ("size", "fields"), [(224, {}), (50, {"num_heads": 2, "grid": (2, 4), "width": 16})]
)
def test_operations_are_those_that_jax_traces(size, fields):
    images = jax.ShapeDtypeStruct((1, size, size, 3), np.float32)
    model = PlainHMHN(**fields)
    variables = jax.eval_shape(model.init, jax.random.key(0), images)
    traced = jax.make_jaxpr(model.apply)(variables, images)
    assert sum(flops.forward(size, **fields).values()) == products(traced.jaxpr)


def test_operations_of_the_trunk_are_resnet_18s():
    # 1.814 G multiply-adds with its last layer of 512 x 1000 (torchvision).
    trunk = flops.forward(224)["trunk"] / 2 + 512 * 1000
    assert trunk / 1e9 == pytest.approx(1.814, abs=0.001)


def test_a_device_is_waited_for_once_a_round():
    log = []

    def step():
        log.append("step")
        time.sleep(0.05)

    measured = dispatch.measure(step, lambda: log.append("wait"), 2)
    steps = measured["steps"]
    assert 2 <= steps <= 5
    rounds = ["step"] * steps + ["wait"]
    assert log == ["step", "wait"] * 2 + ["step"] * 3 + ["wait"] + rounds * 2
    assert measured["seconds"] == pytest.approx([0.05, 0.05], abs=0.04)


def test_gradients_that_are_rounding_errors_do_not_count():
    reference = {"bias": np.array([1e-14]), "large": np.array([3.0, 4.0]), "small": np.array([0.1])}
    grads = {"bias": np.array([1e-7]), "large": np.array([3.0, 4.4]), "small": np.array([0.15])}
    off = gpu_agreement.compare_gradients(grads, reference)
    assert off["worst_array"] == "['small']"
    assert off["worst_gradient"] == pytest.approx(0.5)
    assert off["gradient"] == pytest.approx(np.hypot(0.4, 0.05) / np.sqrt(25.01))


def test_gpu_measures_on_a_cpu_too():
    pytest.importorskip("torch", reason="PyTorch is not installed: see the extra 'parity'")
    names = ("infer: ours, bfloat16", "train: PyTorch, bfloat16")
    everyone = __main__.contestants([dataclasses.replace(TRUNK, batch_size=4)], 2, quick=True)
    chosen = [each for each in everyone if each.name in names]
    missing = dataclasses.replace(chosen[0], name="missing", module="no_such_module")
    outcome = __main__.measure([*chosen, missing], 60, quick=True)
    assert outcome["absent"] == {"missing": "not installed (No module named 'no_such_module')"}
    rows = [row for name in names for row in outcome["rows"][name]]
    assert [row["batch_size"] for row in rows] == [4, 4]
    assert all(seconds > 0 for row in rows for seconds in (row["first_s"], *row["seconds"]))


def test_gpu_asks_for_a_gpu_and_stops_in_time():
    everyone = __main__.contestants([TRUNK], 1, quick=False)
    assert __main__.measure(everyone, 0, quick=False) == {
        "rows": {},
        "absent": {each.name: "no time was left" for each in everyone},
    }
    if jax.default_backend() == "cpu":
        with pytest.raises(RuntimeError, match=r"expected a GPU, JAX .* found cpu"):
            gpu_ours.describe_device(gpu=True)


def test_gpu_tables_compare_the_same_size():
    def row(batch_size, seconds):
        values = {"first_s": 2.0, "peak_mib": 512.0, "device": "GPU"}
        return {"batch_size": batch_size, "seconds": seconds, **values}

    off = {"features": 0.001, "scores": 0.01}
    worst = {"gradient": 0.02, "worst_gradient": 0.3, "worst_array": "['a']"}
    agreement = {"dtype": "bfloat16", "fast": False, "batch_size": 8, **off, **worst}
    outcome = {
        "rows": {
            __main__.AGREEMENT: [agreement | {"device": "GPU"}],
            "train: PyTorch, bfloat16": [row(64, [0.1] * 3), row(256, [0.5] * 3)],
            "train: ours, bfloat16": [row(64, [0.04, 0.05, 0.9]), row(256, [1.0] * 3)],
            "train: ours, bfloat16, plain layers": [row(64, [0.2] * 3)],
        },
        "absent": {"infer: ours": "too slow"},
        "workload": {"image_size": 224, "fields": {}},
        "machine": {},
    }
    text = tables.text(outcome)
    lines = text.splitlines()
    assert "| bfloat16 | False | 8 | 1.0e-03 | 1.0e-02 | 2.0e-02 | 3.0e-01, `['a']` |" in lines
    # 4.542 G operations an image, three times.
    ours = "50.00 (45.00 to 475.00) | 1280 | 17.4 | 512 | 2.0 | 0.50 | 0.25 |"
    assert f"| 64 | ours, bfloat16 | {ours}" in lines
    assert "200.00 (200.00 to 200.00) | 320 | 4.36 | 512 | 2.0 | 2.00 |  |" in text
    assert "Not measured: infer: ours, too slow." in lines
