"""Contestants that score batches with the exported ONNX network."""

import os
from collections.abc import Callable

import numpy as np

from benchmarks.contest.workload import Workload, onnx_path


def onnx_runtime(workload: dict, folder: str) -> Callable[[], np.ndarray]:
    """Scores with ONNX Runtime, all its optimisations on."""
    import onnxruntime

    work = Workload(**workload)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    path = onnx_path(folder)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = {session.get_inputs()[0].name: _planes(work)}
    return lambda: session.run(None, inputs)[0]


def openvino(workload: dict, folder: str) -> Callable[[], np.ndarray]:
    """Scores with OpenVINO, set to the lowest latency, in float32."""
    import openvino

    work = Workload(**workload)
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0)),
    }
    compiled = openvino.Core().compile_model(onnx_path(folder), "CPU", settings)
    planes = _planes(work)
    return lambda: np.array(compiled(planes)[0])


def _planes(work):
    """Transposes images to f32[B,3,S,S], the layout of ONNX's network."""
    return np.ascontiguousarray(work.images().transpose(0, 3, 1, 2))
