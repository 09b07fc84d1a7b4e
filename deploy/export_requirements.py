"""Writes requirements.txt for hosts that install with pip, from uv.lock: `make deploy-files`.

pip knows no overrides, so MediaPipe brings opencv-contrib-python along, whose files and those of
the headless build lie in one folder. Both are pinned to one version, so that it does not matter
whose files come last; packages.txt names the libraries that the contrib build loads. Every file
that may be installed is named by its hash, so that nobody can put another one in its place; those
of the contrib build, which is not in the lock, are asked of the package index.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made from uv.lock by `make deploy-files`; a test holds it to the lock.\n"
HEADLESS = re.compile(r"^opencv-python-headless==(\S+)", re.MULTILINE)
BARE = ["--no-annotate", "--no-header", "--quiet"]


def requirements(uv: str) -> str:
    """The text of requirements.txt; `uv` is the program to export with."""
    text = _said_by([uv, "export", "--frozen", "--no-emit-project", *BARE])
    found = HEADLESS.search(text)
    if found is None:
        raise ValueError("opencv-python-headless is not in the lock")
    wanted = f"opencv-contrib-python=={found[1]}\n"
    # Apart from pyproject.toml, whose override would leave it out.
    compiled = [uv, "pip", "compile", "--no-config", "--no-deps", "--generate-hashes", *BARE, "-"]
    contrib = _said_by(compiled, wanted)
    return HEADER + text[: found.start()] + contrib + text[found.start() :]


def _said_by(command: list[str], given: str = "") -> str:
    done = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, input=given
    )
    return done.stdout


if __name__ == "__main__":
    (ROOT / "requirements.txt").write_text(requirements(sys.argv[1]), encoding="utf-8")
