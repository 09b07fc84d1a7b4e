"""How many photos a second a batch does: `.venv/bin/python benchmarks/batch.py --json batch.json`.

Photos of 1280x720 with one face, no two alike, through the code of `mien batch` with one worker
and with two. Counted from the first part written to the last, when all workers have their models.
On a busy machine look at the processor time a photo: other programs do not lengthen it much.
"""

import io
import json
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import typer
from PIL import Image

from cli.bench_material import cpu_name, photo_jpeg
from core.config import load_settings
from services.batch.files import iter_files
from services.batch.folder import open_batch
from services.batch.run import batch_job, local_client, run_batch


def write_album(folder: Path, n_photos: int) -> None:
    """Photos with the same face and noise of their own, so that each is decoded anew."""
    with Image.open(io.BytesIO(photo_jpeg(1))) as picture:
        base = np.asarray(picture.convert("RGB"), np.int16)
    rng = np.random.default_rng(0)
    for number in range(n_photos):
        coarse = rng.integers(-6, 7, (72, 128, 3), np.int16)
        noisy = np.clip(base + np.kron(coarse, np.ones((10, 10, 1), np.int16)), 0, 255)
        Image.fromarray(noisy.astype(np.uint8)).save(folder / f"{number:05d}.jpg", quality=90)


def measure(album: Path, out: Path, n_workers: int) -> dict[str, Any]:
    """One run; photos a second and processor time a photo."""
    settings = load_settings()
    job = batch_job(settings, model_id=settings.default_model, detector=settings.default_detector)
    done: list[tuple[float, float, int]] = []
    load_average = os.getloadavg()[0]
    with (
        open_batch(out, str(album), job, iter_files(str(album))) as folder,
        local_client(n_workers) as client,
    ):

        def on_part(n_files: int) -> None:
            done.append(
                (time.perf_counter(), sum(client.run(time.process_time).values()), n_files)
            )

        run_batch(folder, client, on_part=on_part)
        summary = folder.finish()
    # The first part of each worker pays for loading; what follows is the steady state.
    first_at, first_cpu_s, _ = done[n_workers - 1]
    last_at, last_cpu_s, _ = done[-1]
    n_steady = sum(n for _, _, n in done[n_workers:])
    return {
        "workers": n_workers,
        "photos": summary.n_done,
        "faces": summary.n_faces,
        "photos_per_s": round(n_steady / (last_at - first_at), 1),
        "cpu_ms_per_photo": round((last_cpu_s - first_cpu_s) / n_steady * 1000, 1),
        "load_average": round(load_average, 1),
    }


def main(photos: int = 1000, out: Annotated[Path | None, typer.Option("--json")] = None) -> None:
    """Run with one worker and with two, print, write."""
    with tempfile.TemporaryDirectory() as temporary:
        album = Path(temporary) / "album"
        album.mkdir()
        write_album(album, photos)
        runs = []
        for n_workers in (1, 2):
            runs.append(measure(album, Path(temporary) / f"out{n_workers}", n_workers))
            print(json.dumps(runs[-1]), flush=True)
    content = {
        "machine": cpu_name(),
        "python": platform.python_version(),
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d"),
        "runs": runs,
    }
    if out:
        out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
