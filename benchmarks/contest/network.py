"""One network of random weights, as files for every contestant."""

from pathlib import Path

import flax.serialization
import jax
import torch
from torch_twin import make_twin

from benchmarks.contest.workload import Workload, onnx_path


class Scores(torch.nn.Module):
    """PyTorch's network without the outputs that are only for people to look at."""

    def __init__(self, module: torch.nn.Module):
        super().__init__()
        self.module = module

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.module(images)[0]


def write(folder: str, workload: dict, to_onnx: bool) -> None:
    """Writes the weights for ours and for PyTorch and, if asked for, the network for ONNX."""
    folder, work = Path(folder), Workload(**workload)
    twin = make_twin(**work.fields)
    variables = jax.device_get(twin.variables)
    (folder / "variables.msgpack").write_bytes(flax.serialization.msgpack_serialize(variables))
    torch.save(twin.torch.state_dict(), folder / "weights.pth")
    if to_onnx:
        images = torch.zeros(work.batch_size, 3, work.image_size, work.image_size)
        scores = Scores(twin.torch.eval())
        torch.onnx.export(scores, (images,), onnx_path(folder), dynamo=True, verbose=False)
