"""Export of a trained run's weights to a PyTorch file."""

from pathlib import Path

from ml_collections import ConfigDict

from hmhn_jax.interop import torch_weights
from hmhn_jax.workdir import restore


def export_checkpoint(config: ConfigDict, workdir: Path) -> Path:
    """Writes DIR/export/weights.pth, under DAN's names, and prints and returns where it is.

    `config.evaluate.checkpoint` chooses the checkpoint. Raises UserError without one, with one of
    another architecture, when PyTorch is not installed or the file cannot be written.
    """
    step, _, variables = restore.restore_chosen(config, workdir)
    path = workdir / "export" / "weights.pth"
    torch_weights.save(path, variables)
    left_out = [block.upper() for block in ("gwa", "dff") if block in variables["params"]]
    without = f", without {' and '.join(left_out)}, which DAN has not" if left_out else ""
    print(f"weights of step {step}, under DAN's names{without}: {path}")
    if config.model.use_mab and config.model.spatial_reduce == "mean":
        print(
            "note: DAN sums the heads' spatial maps over the channels, here they are means: DAN "
            f"itself gives other scores unless it divides its maps by {8 * config.model.width}"
        )
    print(f"load them with torch.load({str(path)!r}) or --config.init_from={path}", flush=True)
    return path
