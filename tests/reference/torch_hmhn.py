"""HMHN in PyTorch, written from the paper alone: the reference for the Flax network.

It shares no code with the package and knows nothing of its modules; what the paper leaves open is
decided as docs/science/reproduction.md says. Images are NCHW. Trunk, heads and output carry the
names of DAN's state dict (`features`, `cat_head{i}`, `fc`, `bn`), so that its files can be made
here.
"""

import torch
from torch import nn
from torch.nn import functional as F


class BasicBlock(nn.Module):
    """ResNet-18's block, with torchvision's names."""

    def __init__(self, channels, features, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, features, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(features)
        self.conv2 = nn.Conv2d(features, features, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(features)
        self.downsample = None
        if stride != 1 or channels != features:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, features, 1, stride, bias=False), nn.BatchNorm2d(features)
            )

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + shortcut)


def resnet18(width):
    """Makes ResNet-18 without pooling and classifier: [B,3,H,W] -> [B,8*width,H/32,W/32]."""
    layers = [
        nn.Conv2d(3, width, 7, 2, 3, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    channels = width
    for stage in range(4):
        features = width * 2**stage
        first = BasicBlock(channels, features, 1 if stage == 0 else 2)
        layers.append(nn.Sequential(first, BasicBlock(features, features, 1)))
        channels = features
    return nn.Sequential(*layers)


def conv_bn(channels, features, kernel):
    height, width = kernel
    conv = nn.Conv2d(channels, features, kernel, padding=(height // 2, width // 2))
    return nn.Sequential(conv, nn.BatchNorm2d(features))


class GWA(nn.Module):
    """Grid-wise attention (Table 2, Eq. 1-6): [B,3,H,W] -> the same, and weights [B,3,h,w]."""

    def __init__(self, grid, expansion, softmax_axis):
        super().__init__()
        self.grid, self.softmax_axis = grid, softmax_axis
        self.lgfe = nn.Sequential(
            nn.Conv2d(3, 3 * expansion, 1),
            nn.BatchNorm2d(3 * expansion),
            nn.LeakyReLU(),
            nn.Conv2d(3 * expansion, 3, 1),
            nn.BatchNorm2d(3),
            nn.LeakyReLU(),
        )

    def forward(self, images):
        batch, channels, height, width = images.shape
        rows, columns = self.grid
        padded = F.pad(images, (0, -width % columns, 0, -height % rows), mode="replicate")
        tall, wide = padded.shape[2] // rows, padded.shape[3] // columns
        grids = padded.reshape(batch, channels, rows, tall, columns, wide)
        grids = grids.permute(0, 2, 4, 1, 3, 5).reshape(-1, channels, tall, wide)
        features = self.lgfe(grids).reshape(batch, rows * columns, channels, tall, wide)
        logits = features @ features.transpose(-1, -2) / wide**0.5  # Eq. 4, d_k = W/w
        attention = logits.softmax(1 if self.softmax_axis == "grid" else -1)
        weights = attention.mean((-1, -2))  # Eq. 5
        weights = weights.reshape(batch, rows, columns, channels).permute(0, 3, 1, 2)
        over_pixels = weights.repeat_interleave(tall, 2).repeat_interleave(wide, 3)
        return images * over_pixels[:, :, :height, :width], weights  # Eq. 6


class DFF(nn.Module):
    """Deep feature fusion (Eq. 7): the image and the weighted image become one."""

    def __init__(self):
        super().__init__()
        self.ft1 = nn.Sequential(*conv_bn(3, 3, (3, 3)), nn.ReLU())
        self.ft2 = nn.Sequential(*conv_bn(3, 3, (3, 3)), nn.ReLU())
        self.fusion = nn.Sequential(
            *conv_bn(3, 3, (3, 3)), nn.PReLU(), *conv_bn(3, 3, (3, 3)), nn.PReLU()
        )
        self.out = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, images, weighted):
        both = self.ft1(images) + self.ft2(weighted)
        return self.out(self.fusion(both) + both).sigmoid()


class SpatialAttention(nn.Module):
    """The left of Fig. 4 (Eq. 8): features [B,D,H,W] -> weighed features and map [B,H,W]."""

    def __init__(self, channels, kernels, reduce):
        super().__init__()
        self.reduce = reduce
        self.conv1x1 = conv_bn(channels, channels // 2, (1, 1))
        self.branches = []
        for index, (height, width) in enumerate(kernels, start=1):
            name = f"conv_{height}x{width}"
            if hasattr(self, name):  # "Standard Conv" of Table 5 has one kernel three times
                name += f"_{index}"
            self.add_module(name, conv_bn(channels // 2, channels, (height, width)))
            self.branches.append(name)

    def forward(self, features):
        reduced = self.conv1x1(features)
        maps = F.relu(sum(getattr(self, name)(reduced) for name in self.branches))
        spatial = maps.sum(1) if self.reduce == "sum" else maps.mean(1)
        return features * spatial[:, None], spatial


class ChannelAttention(nn.Module):
    """The right of Fig. 4 (Eq. 9): [B,D,H,W] -> a head's vector [B,D]."""

    def __init__(self, channels):
        super().__init__()
        self.attention = nn.Sequential(
            nn.Linear(channels, channels // 16),
            nn.BatchNorm1d(channels // 16),
            nn.ReLU(),
            nn.Linear(channels // 16, channels),
            nn.Sigmoid(),
        )

    def forward(self, features):
        pooled = features.mean((2, 3))
        return pooled * self.attention(pooled)


class Head(nn.Module):
    """A cross attention head (section 3.4): [B,D,H,W] -> (vector [B,D], spatial map [B,H,W])."""

    def __init__(self, channels, kernels, reduce):
        super().__init__()
        self.sa = SpatialAttention(channels, kernels, reduce)
        self.ca = ChannelAttention(channels)

    def forward(self, features):
        weighed, spatial = self.sa(features)
        return self.ca(weighed), spatial


class TorchHMHN(nn.Module):
    """The network: images [B,3,H,W] -> (scores [B], a dict of what lies between).

    The dict has `features` [B,D,H',W'], and where the parts are on `grid_weights` [B,3,h,w],
    `fused` [B,3,H,W], `attention` [B,K,H',W'], `vectors` [B,K,D] and, after the log-softmax,
    `heads` [B,K,D].
    """

    def __init__(
        self,
        num_heads=4,
        grid=(3, 3),
        kernels=((3, 3), (1, 3), (3, 1)),
        use_gwa=True,
        use_dff=True,
        use_mab=True,
        width=64,
        lgfe_expansion=16,
        gwa_softmax_axis="grid",
        spatial_reduce="mean",
        dropout_rate=0.2,
        use_output_norm=True,
    ):
        super().__init__()
        self.gwa = GWA(grid, lgfe_expansion, gwa_softmax_axis) if use_gwa else None
        self.dff = DFF() if use_dff else None
        self.features = resnet18(width)
        self.num_heads = num_heads if use_mab else 0
        for i in range(self.num_heads):
            self.add_module(f"cat_head{i}", Head(8 * width, kernels, spatial_reduce))
        self.dropout = nn.Dropout(dropout_rate)
        self.fc = nn.Linear(8 * width, 1)
        self.bn = nn.BatchNorm1d(1) if use_output_norm else None

    def forward(self, images):
        aux = {}
        x = images
        if self.gwa is not None:
            x, aux["grid_weights"] = self.gwa(images)
        if self.dff is not None:
            x = aux["fused"] = self.dff(images, x)
        features = aux["features"] = self.features(x)
        if self.num_heads:
            heads = [getattr(self, f"cat_head{i}")(features) for i in range(self.num_heads)]
            vectors, maps = (torch.stack(parts, 1) for parts in zip(*heads, strict=True))
            aux["vectors"], aux["attention"] = vectors, maps
            # Over one head the log-softmax would be 0 whatever the image.
            aux["heads"] = vectors.log_softmax(1) if self.num_heads > 1 else vectors
            summary = aux["heads"].sum(1)
        else:
            summary = features.mean((2, 3))
        scores = self.fc(self.dropout(summary))
        return (scores if self.bn is None else self.bn(scores))[:, 0], aux


def partition_loss(heads, ddof=1, epsilon=1e-6):
    """Computes Eq. 11 of heads [B,K,D]; 0 for one head."""
    num_heads = heads.shape[1]
    if num_heads == 1:
        return heads.new_zeros(())
    variance = heads.var(1, correction=ddof) + epsilon
    return torch.log(1 + num_heads / variance).mean()


def total_loss(scores, aux, targets, partition_weight=1.0):
    """Computes Eq. 10: f[] of scores [B] and targets [B]."""
    loss = F.mse_loss(scores, targets)
    if "heads" in aux:
        loss = loss + partition_weight * partition_loss(aux["heads"])
    return loss
