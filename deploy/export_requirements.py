"""Writes requirements.txt for hosts that install with pip, from uv.lock: `make requirements`.

pip knows no overrides, so MediaPipe brings opencv-contrib-python along, whose files and those of
the headless build lie in one folder. Both are pinned to one version, so that it does not matter
whose files come last; packages.txt names the libraries that the contrib build loads.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made from uv.lock by `make requirements`; a test holds it to the lock.\n"
HEADLESS = re.compile(r"^opencv-python-headless==(\S+)", re.MULTILINE)


def requirements(uv: str) -> str:
    """The text of requirements.txt; `uv` is the program to export with."""
    command = [uv, "export", "--frozen", "--no-hashes", "--no-emit-project", "--no-annotate"]
    done = subprocess.run(
        [*command, "--no-header", "--quiet"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return HEADER + HEADLESS.sub(r"opencv-contrib-python==\1\n\g<0>", done.stdout)


if __name__ == "__main__":
    (ROOT / "requirements.txt").write_text(requirements(sys.argv[1]), encoding="utf-8")
