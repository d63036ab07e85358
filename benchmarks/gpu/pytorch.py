"""Contestant of `benchmarks.gpu` that runs tests/reference/torch_hmhn.py by PyTorch on a GPU."""

import torch
from torch_hmhn import TorchHMHN, total_loss

from benchmarks.contest import dispatch
from benchmarks.contest.workload import Workload
from benchmarks.gpu.rows import Rows

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as everywhere


def train_step(workloads: list, file: str, rounds: int, gpu: bool, compiled: bool) -> None:
    """Times training steps as configs/avec2014.py says, and appends a row for each workload."""
    rows = Rows(file, describe_device(gpu))
    for workload in workloads:
        _measure(rows, Workload(**workload), _training, rounds, compiled)


def _training(work, compiled):
    module, crops, normalise = _set_up(work)
    module.train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0.01, fused=True)
    scores = torch.from_numpy(work.scores()).to(crops.device)

    def losses(crops, scores):
        with torch.autocast(crops.device.type, torch.bfloat16):
            predictions, aux = module(normalise(crops))
        return total_loss(
            predictions.float(), {name: part.float() for name, part in aux.items()}, scores
        )

    forward = torch.compile(losses) if compiled else losses

    def step() -> None:
        optimizer.zero_grad()
        forward(crops, scores).backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()

    return step


def infer(workloads: list, file: str, rounds: int, gpu: bool, compiled: bool) -> None:
    """Times scores in inference mode, and appends a row for each workload."""
    rows = Rows(file, describe_device(gpu))
    for workload in workloads:
        _measure(rows, Workload(**workload), _scores, rounds, compiled)


def _scores(work, compiled):
    module, crops, normalise = _set_up(work)
    module.eval()

    def scores(crops):
        with torch.autocast(crops.device.type, torch.bfloat16):
            return module(normalise(crops))[0]

    forward = torch.compile(scores) if compiled else scores

    @torch.inference_mode()
    def step() -> None:
        forward(crops)

    return step


def _set_up(work):
    """Returns the network (channels last), crops u8[B,S,S,3], and a standardising function."""
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    module = TorchHMHN(**work.fields).to(device, memory_format=torch.channels_last)
    mean, std = (torch.tensor(numbers, device=device) for numbers in (MEAN, STD))
    crops = torch.from_numpy(work.crops()).to(device)
    # Permuted, NHWC lies channels last.
    return module, crops, lambda crops: ((crops / 255 - mean) / std).permute(0, 3, 1, 2)


def _measure(rows, work, make, rounds, compiled):
    """Measures a row; what `make` makes is freed before the next."""
    on_gpu = torch.cuda.is_available()
    torch.compiler.reset()  # compiled again at the next size, and for that size alone
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    wait = torch.cuda.synchronize if on_gpu else lambda: None
    measured = dispatch.measure(make(work, compiled), wait, rounds)
    peak_mib = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else None
    rows.append(work.batch_size, measured, peak_mib)


def describe_device(gpu: bool) -> str:
    """Returns the name of the device that computes.

    Raises:
      RuntimeError: if it should be a GPU and is not.
    """
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    if gpu:
        raise RuntimeError(f"expected a GPU, PyTorch {torch.__version__} found none")
    return "cpu"
