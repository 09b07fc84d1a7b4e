"""How often photos that are turned are turned back, and how often upright ones are left alone.

`python -m training.fits.turned_photos --data wider_val.parquet` turns each photo in all four ways
and counts; a photo counts where the detector finds a face in it when it is upright.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from core.config import load_settings
from core.detection import create_detector, for_photos
from core.measures.detection.photos import load_photos
from core.pictures.images import decode_image

QUARTERS = (0, 90, 180, 270)


def main(
    data: Annotated[Path, typer.Option(help="Photos with annotated faces, upright; parquet")],
    detector: Annotated[str | None, typer.Option(help="Name of the detector")] = None,
    every: Annotated[int, typer.Option(help="Only every n-th photo")] = 1,
) -> None:
    """Print, for each way of standing, the share of photos that were seen to stand so."""
    settings = load_settings()
    plain = create_detector(detector or settings.default_detector, settings.models_dir)
    finder = for_photos(plain)
    right = dict.fromkeys(QUARTERS, 0)
    n_photos = 0
    for encoded in load_photos(data).part(every).encoded():
        upright_rgb = decode_image(encoded).image_rgb
        if not plain.detect(upright_rgb):
            continue
        n_photos += 1
        for degrees in QUARTERS:
            turned_rgb = np.ascontiguousarray(np.rot90(upright_rgb, -degrees // 90))
            found = finder.detect(turned_rgb)
            right[degrees] += bool(found) and found[0].turned_degrees == degrees
    for degrees, count in right.items():
        print(f"turned by {degrees:3}: {count} of {n_photos} ({count / max(n_photos, 1):.1%})")


if __name__ == "__main__":
    typer.run(main)
