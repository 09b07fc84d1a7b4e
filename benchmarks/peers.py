"""Expression packages side by side: `make bench-peers DATA=fer2013.parquet`.

The same photos for all, one process a package, one after another. Accuracy is that on FER-2013's
test split, whose images all get in the same order; labels are compared here, by the same code
that evaluates Mien's own models. Writes a JSON file, from which docs/performance.md is made.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from cli.bench_material import cpu_name, photo_jpeg
from core.config import ROOT
from core.emotions import EMOTIONS
from core.measures.accuracy import measure
from core.measures.people import measure_people
from core.pictures.images import decode_image
from training.data.fer2013 import Faces, load_split

# Row -> package.
PACKAGES = {
    "fer": "fer",
    "fer-float": "fer",
    "facial-emotion-recognition": "facial-emotion-recognition",
    "ybc-face-emotion": "ybc-face-emotion",
    "facemood": "facemood",
    "facex": "facex",
}
WORKER = Path(__file__).with_name("peers_worker.py")
TIMEOUT_S = 3600


def write_inputs(folder: Path, data: Path) -> Faces:
    """Photos and faces for all packages; returns the faces with labels and people's votes."""
    for name, n_faces in (("one", 1), ("ten", 10)):
        (folder / f"{name}.jpg").write_bytes(photo_jpeg(n_faces))
    test = load_split(data, "test")
    sample = cv2.cvtColor(decode_image(photo_jpeg(1)).image_rgb, cv2.COLOR_RGB2GRAY)
    face = cv2.resize(sample[82:188, 75:181], (48, 48), interpolation=cv2.INTER_AREA)
    np.savez(folder / "faces.npz", sample=face, test=test.images)
    return test


def run_one(python: Path, peer: str, folder: Path, runs: int) -> dict[str, Any]:
    """What a package's process prints; where it fails, the last line of why."""
    done = subprocess.run(
        [str(python), str(WORKER), peer, str(folder), "--runs", str(runs)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        cwd=folder,
    )
    if done.returncode:
        why = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        return {"failed": why[0][:200] if why else f"exit code {done.returncode}"}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def with_accuracy(found: dict[str, Any], test: Faces) -> dict[str, Any]:
    """The labels said replaced by how right they are, by FER-2013's labels and by people's."""
    if "labels" not in found:
        return found
    one_hot = np.eye(len(EMOTIONS), dtype=np.float32)
    said = found.pop("labels")
    for_people = found.pop("people_labels", said)
    measures = measure(test.labels, one_hot[said])
    if test.votes is not None:
        people = measure_people(test.votes, one_hot[for_people])
        found["clear_agreement"] = round(people.clear_agreement, 4)
    return {
        **found,
        "accuracy": round(measures.accuracy, 4),
        "balanced_accuracy": round(measures.balanced_accuracy, 4),
        "n_test": measures.n,
    }


def peer_versions(python: Path) -> dict[str, str]:
    """Versions of packages and of what they run on, in their own environment."""
    names = sorted({*PACKAGES.values(), "tensorflow-cpu", "torch", "opencv-python-headless"})
    code = (
        "import sys, json\nfrom importlib.metadata import version\n"
        f"print(json.dumps({{n: version(n) for n in {names!r}}}))"
    )
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    """Run all, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="FER-2013 as parquet")
    parser.add_argument("--python", type=Path, default=ROOT / ".venv-peers/bin/python")
    parser.add_argument("--runs", type=int, default=20, help="photos a package")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/performance/peers.json")
    parser.add_argument(
        "--only", nargs="*", default=["mien", *PACKAGES], help="the other rows stay as they are"
    )
    args = parser.parse_args()
    versions = {**peer_versions(args.python), "mien": version("mien")}
    content: dict[str, Any] = {
        "machine": cpu_name(),
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d"),
        "runtimes": {n: v for n, v in versions.items() if n not in PACKAGES.values()},
        "runs": args.runs,
        "rows": json.loads(args.out.read_text("utf-8"))["rows"] if args.out.exists() else {},
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        test = write_inputs(folder, args.data)
        for peer in args.only:
            python = Path(sys.executable) if peer == "mien" else args.python
            load_average = round(os.getloadavg()[0], 1)
            found = with_accuracy(run_one(python, peer, folder, args.runs), test)
            content["rows"][peer] = {
                "version": versions[PACKAGES.get(peer, "mien")],
                "load_average": load_average,
                **found,
            }
            print(peer, json.dumps(content["rows"][peer]), flush=True)
            # After each, so that a run that is stopped leaves what it has measured.
            args.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
