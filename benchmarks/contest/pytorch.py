"""PyTorch as a contestant: the network of tests/reference, and a DataLoader with PIL."""

import io
import math
import os
import pickle
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch.utils.data import DataLoader, Dataset
from torch_hmhn import TorchHMHN, total_loss

from benchmarks.contest.workload import Workload

MEAN = torch.tensor([0.485, 0.456, 0.406])  # ImageNet's, as everywhere
STD = torch.tensor([0.229, 0.224, 0.225])


def train_step(workload: dict, compiled: bool = False) -> Callable[[], float]:
    """Runs training steps as configs/avec2014.py says, channels last, with fused AdamW."""
    _use_all_cores()
    torch.manual_seed(0)
    work = Workload(**workload)
    module = TorchHMHN(**work.fields).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0.01, fused=True)
    crops = torch.from_numpy(work.crops())
    scores = torch.from_numpy(work.scores())

    def losses(crops: torch.Tensor) -> torch.Tensor:
        images = (crops / 255 - MEAN) / STD
        predictions, aux = module(images.permute(0, 3, 1, 2))  # which lies channels last
        return total_loss(predictions, aux, scores)

    forward = torch.compile(losses) if compiled else losses

    def run() -> float:
        optimizer.zero_grad()
        loss = forward(crops)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return run


def scores(workload: dict, folder: str) -> Callable[[], np.ndarray]:
    """Scores a batch, channels last, in inference mode."""
    _use_all_cores()
    work = Workload(**workload)
    module = TorchHMHN(**work.fields, dropout_rate=0.0)
    module.load_state_dict(torch.load(Path(folder) / "weights.pth"))
    module = module.eval().to(memory_format=torch.channels_last)
    images = torch.from_numpy(work.images()).permute(0, 3, 1, 2)  # lies channels last already

    @torch.inference_mode()
    def run() -> np.ndarray:
        return module(images)[0].numpy()

    return run


class Faces(Dataset):
    """JPEGs, augmented by PIL as hmhn_jax/input_pipeline/augment.py does by default."""

    def __init__(self, jpegs: list[bytes], image_size: int):
        self.jpegs, self.size = jpegs, image_size

    def __len__(self) -> int:
        return len(self.jpegs)

    def __getitem__(self, index: int) -> torch.Tensor:
        image = Image.open(io.BytesIO(self.jpegs[index])).convert("RGB")
        if image.size != (self.size, self.size):
            image = image.resize((self.size, self.size), Image.Resampling.BILINEAR)
        if random.random() < 0.5:
            image = ImageOps.mirror(image)
        angle = math.radians(random.uniform(-10, 10))
        scale = random.uniform(0.92, 1.08)
        shift_x, shift_y = (random.uniform(-0.04, 0.04) * self.size for _ in range(2))
        cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
        centre = (self.size - 1) / 2
        x, y = centre + shift_x, centre + shift_y
        matrix = (cos, -sin, centre - cos * x + sin * y, sin, cos, centre - sin * x - cos * y)
        image = image.transform(
            image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
        )
        for change in (ImageEnhance.Color, ImageEnhance.Contrast, ImageEnhance.Brightness):
            image = change(image).enhance(random.uniform(0.8, 1.2))
        pixels = torch.from_numpy(np.array(image)) / 255
        return ((pixels - MEAN) / STD).permute(2, 0, 1).contiguous()


def batches(folder: str, batch_size: int, image_size: int, num_workers: int) -> Callable[[], float]:
    """Runs an epoch of the JPEGs."""
    torch.set_num_threads(1)  # as DataLoader's workers have; one crop is too little to share
    jpegs = pickle.loads((Path(folder) / "jpegs.pickle").read_bytes())
    faces = Faces(jpegs, image_size)
    loader = DataLoader(faces, batch_size, shuffle=True, drop_last=True, num_workers=num_workers)

    def run() -> float:
        for images in loader:
            last = images
        return float(last.std())

    return run


def _use_all_cores():
    torch.set_num_threads(len(os.sched_getaffinity(0)))
