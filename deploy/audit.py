"""Asks whether a package in the lock has a known hole: `make audit`.

Ends with 1 where one has, and with 2 and a sentence where nothing, or too little, was learnt: an
answer that nobody gave is not the answer "none".
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIP_AUDIT = "pip-audit==2.10.1"


def main(uv: str) -> int:
    """Run pip-audit over requirements.txt; `uv` is the program that fetches it."""
    command = [uv, "tool", "run", "--quiet", PIP_AUDIT, "--requirement", "requirements.txt"]
    options = ["--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json"]
    try:
        done = subprocess.run(
            [*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=600
        )
        packages = json.loads(done.stdout)["dependencies"]
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired):
        print("Nothing was learnt: pip-audit or the service it asks cannot be reached.")
        return 2
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if len(unknown) == len(packages):
        print(
            f"Nothing was learnt: the service knows none of the {len(packages)} packages. "
            "Does it stand behind a mirror? Run this where pypi.org can be asked."
        )
        return 2
    holes = [(package, hole) for package in packages for hole in package.get("vulns", ())]
    for package, hole in holes:
        mended = ", ".join(hole["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {hole['id']}, mended in {mended}")
    print(f"{len(packages) - len(unknown)} packages asked about, {len(holes)} holes known")
    if unknown:
        print(f"Not known to the service, so nobody knows: {', '.join(unknown)}.")
    return 1 if holes else 2 if unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
