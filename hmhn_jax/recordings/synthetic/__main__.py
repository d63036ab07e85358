"""Command that draws the contact sheet: `python -m hmhn_jax.recordings.synthetic OUT.png`."""

import argparse
from pathlib import Path

import cv2

from hmhn_jax.recordings.synthetic.gallery import contact_sheet


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws a contact sheet of synthetic faces.")
    parser.add_argument("output", type=Path, help="the PNG file to write")
    parser.add_argument("--subjects", type=int, default=8, help="how many people (default 8)")
    parser.add_argument("--seed", type=int, default=0, help="which people (default 0)")
    arguments = parser.parse_args()
    picture = contact_sheet(num_subjects=arguments.subjects, seed=arguments.seed)
    _, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    try:
        arguments.output.write_bytes(png.tobytes())
    except OSError as error:
        parser.exit(1, f"cannot write {arguments.output}: {error.strerror}\n")


if __name__ == "__main__":
    main()
