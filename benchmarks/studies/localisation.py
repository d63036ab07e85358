"""Localisation by occlusion maps and heads' maps, on faces of which the causes are known.

    python -m benchmarks.studies.localisation --workdir runs/demo --json runs/localisation.json

Each clip of the synthetic test set is rendered twice at one moment, with lids, brows and lip
corners as of the lowest and of the highest score, and all else the same. Where the two aligned
crops differ, there the score is drawn. A map's mass inside that region, over the region's share of
the crop, is 1 by chance. The maps are those of the crop with the clip's own expression. A minute.
"""

import argparse
import dataclasses
import json
from pathlib import Path

import cv2
import dlib
import numpy as np

from benchmarks.contest import machine
from hmhn_jax.base.progress import track
from hmhn_jax.faces.detection.align import align_face
from hmhn_jax.faces.detection.detector import Detector, largest_face, load_detector
from hmhn_jax.prediction import attention, ensemble, occlusion_map
from hmhn_jax.recordings.synthetic.clips import Clip
from hmhn_jax.recordings.synthetic.dataset import SyntheticSettings
from hmhn_jax.recordings.synthetic.painting.camera import render_frame
from hmhn_jax.workdir import stored_config

PACKAGES = ("jax", "numpy", "opencv-python-headless")
LOWEST = {"lid_droop": 0.02, "inner_brow_raise": 0.05, "furrow": 0.0, "lip_corner": 0.18}
HIGHEST = {"lid_droop": 0.76, "inner_brow_raise": 1.3, "furrow": 0.5, "lip_corner": -1.02}
LEAST_CHANGE = 16  # grey levels of 255; the noise of the two crops is the same
HOTTEST = 0.05  # of a crop's pixels


def crop_and_region(clip: Clip, detector: Detector, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Renders a clip's middle frame: the crop u8[size,size,3], and where the causes are drawn.

    Raises:
      ValueError: no face is found.
    """
    frame = clip.num_frames // 2
    head, session, moments = clip.scene()
    expression, pose = moments[frame]

    def render(changes):
        changed = dataclasses.replace(expression, **changes)
        return render_frame(head, session, changed, pose, frame)

    own = render({})
    gray = cv2.cvtColor(own, cv2.COLOR_RGB2GRAY)
    face = largest_face(gray, detector)
    if face is None:
        raise ValueError(f"no face is found in clip {clip.index}")
    # All three are cut out by the landmarks of the first.
    landmarks = detector.landmarks(own, dlib.rectangle(*face.box))
    fixed = dataclasses.replace(detector, landmarks=lambda *_: landmarks)
    crop, low, high = (
        align_face(rgb, face, fixed, size).rgb for rgb in (own, render(LOWEST), render(HIGHEST))
    )
    change = np.abs(high.astype(int) - low).max(axis=-1)
    return crop, change >= LEAST_CHANGE


def inside(maps: np.ndarray, regions: np.ndarray) -> dict[str, float]:
    """Measures how much of the maps lies inside the regions.

    Args:
      maps: f[N,S,S], not negative.
      regions: bool[N,S,S].

    Returns:
      `mass`: share of a map's sum inside, over the region's share of the crop; 1 is chance.
      `hottest`: the same of the map's largest `HOTTEST` pixels.
    """
    flat, hit = maps.reshape(len(maps), -1), regions.reshape(len(maps), -1)
    chance = hit.mean(axis=1)
    mass = (flat * hit).sum(axis=1) / np.maximum(flat.sum(axis=1), 1e-12)
    count = round(HOTTEST * flat.shape[1])
    hottest = np.take_along_axis(hit, np.argsort(-flat, axis=1, kind="stable")[:, :count], axis=1)
    return {
        "mass": float((mass / chance).mean()),
        "hottest": float((hottest.mean(axis=1) / chance).mean()),
    }


def enlarge(maps: np.ndarray, size: int) -> np.ndarray:
    """Enlarges f[N,H,W] between the middles of cells, f[N,size,size], not negative."""
    large = [cv2.resize(each, (size, size), interpolation=cv2.INTER_CUBIC) for each in maps]
    return np.maximum(np.stack(large), 0)


def measure(workdir: Path, num_clips: int) -> dict:
    """Measures both kinds of maps of a workdir's network; see `inside`."""
    config = stored_config.load(workdir)
    (trained,) = ensemble.restore(config, [workdir])
    settings, size, detector = SyntheticSettings(), trained.image_size, load_detector()
    first = settings.num_train + settings.num_validation
    clips = [
        Clip(settings.seed, first + place, settings.num_frames, settings.fps, settings.size)
        for place in range(min(num_clips, settings.num_test))
    ]
    pairs = [crop_and_region(clip, detector, size) for clip in track(clips, "rendering")]
    images, regions = (np.stack(each) for each in zip(*pairs, strict=True))
    falls = occlusion_map.occlusion_maps(ensemble.mean_score([trained]), images, config.evaluate)
    outcome = {
        "num_clips": len(clips),
        "region_share": float(regions.mean()),
        "occlusion": inside(np.abs(falls), regions),
    }
    heads = attention.maps(trained, images)
    if heads is not None:
        scaled = heads / np.maximum(heads.sum(axis=(2, 3), keepdims=True), 1e-12)
        outcome["heads_mean"] = inside(enlarge(scaled.mean(axis=1), size), regions)
        outcome["heads"] = [
            inside(enlarge(scaled[:, head], size), regions) for head in range(heads.shape[1])
        ]
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workdir", type=Path, required=True, action="append")
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--json", type=Path)
    flags = parser.parse_args()
    outcome = {str(workdir): measure(workdir, flags.clips) for workdir in flags.workdir}
    for workdir, each in outcome.items():
        print(f"{workdir}: {each['num_clips']} crops, region {each['region_share']:.1%} of a crop")
        named = {"occlusion map": each["occlusion"], "heads' mean": each.get("heads_mean")}
        named |= {f"head {n}": head for n, head in enumerate(each.get("heads", ()), 1)}
        for name, values in named.items():
            if values:
                print(
                    f"  {name}: mass {values['mass']:.2f}, hottest {values['hottest']:.2f} "
                    "times chance"
                )
    if flags.json:
        flags.json.write_text(
            json.dumps({"machine": machine.describe(PACKAGES), "results": outcome}, indent=2)
        )


if __name__ == "__main__":
    main()
