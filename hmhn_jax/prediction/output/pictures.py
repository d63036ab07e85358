"""Pictures of one file's score, and the caveat on those of the heads' maps."""

from collections.abc import Sequence
from pathlib import Path

from ml_collections import ConfigDict

from hmhn_jax.base import files
from hmhn_jax.prediction import ensemble
from hmhn_jax.prediction.ensemble import Trained
from hmhn_jax.prediction.output.overlay_video import write_overlay_video
from hmhn_jax.prediction.output.plots import attention_sheet, scores_over_time
from hmhn_jax.prediction.result import Prediction

NO_EXPLANATION = "heads' maps are no explanation of the score"


def write_pictures(
    stem: Path,
    made: Prediction,
    members: Sequence[Trained],
    settings: ConfigDict,
    overlay_video: bool,
) -> None:
    """Writes STEM.attention.png and, for a video, STEM.scores.png and, if asked, STEM.overlay.mp4.

    The heads' maps are those of the first member, the occlusion maps of the mean of all.

    Args:
      stem: path of the files without their endings.
      made: with a score.
      members: the networks.
      settings: `config.evaluate`, for the occlusion maps.
      overlay_video: whether to write that, too.

    Raises:
      UserError: when one cannot be written.
    """
    synthetic = ensemble.is_synthetic(members)

    def place(ending):
        return stem.with_name(stem.name + ending)

    caveat = map_caveat(members[0])
    attention_sheet(place(".attention.png"), made, members, settings, synthetic, caveat)
    if made.is_picture:
        return
    scores_over_time(place(".scores.png"), made, synthetic)
    if overlay_video:
        write_overlay_video(place(".overlay.mp4"), made, members[0], synthetic)


def map_caveat(trained: Trained) -> str:
    """Returns the caveat, with the occlusion check's result for this checkpoint if known."""
    split = trained.provenance.config["data"]["test_split"]
    path = Path(trained.workdir) / "evaluation" / split / "metrics.json"
    try:
        results = files.read_json(path)
        ratio = results["attention_check"]["ratio"]
        same = results["checkpoint_step"] == trained.step
        measured = f"{ratio:.2f}" if same and ratio is not None else None
    except (OSError, ValueError, KeyError, TypeError):  # no evaluation, or an earlier version's
        measured = None
    if measured is None:
        return NO_EXPLANATION
    return (
        f"{NO_EXPLANATION}: hiding what a head looks at moves it {measured} times as far as hiding "
        "another place"
    )
