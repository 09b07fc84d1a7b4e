"""The `mien` command, in a checkout and installed.

A wheel holds the rooms (`core`, `services`, `cli` …) and the models inside this package, so that
no package of anybody else is shadowed by a name as common as `core`. For the command alone the
folder they lie in is put first on the path.
"""

import sys
from pathlib import Path


def main() -> None:
    """Find the rooms, then do what `cli.main` does."""
    here = Path(__file__).resolve().parent
    rooms = here if (here / "cli").is_dir() else here.parent
    sys.path.insert(0, str(rooms))
    from cli.main import main as run

    run()
