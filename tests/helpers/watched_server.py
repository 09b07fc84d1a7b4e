"""Streamlit's command line in a process that tells which holders of pictures are alive in it.

`python -m tests.helpers.watched_server run serve.py` writes twice a second, into the file that
MIEN_WATCH_FILE names, for each class of `WATCHED` how many objects were made and how many of them
a weak reference still finds.
"""

import importlib
import json
import os
import threading
import time
import weakref
from pathlib import Path
from typing import Any, Final

from streamlit.web.cli import main

WATCHED: Final = {
    "ZipPictures": "core.pictures.archive",
    "AuditSet": "services.bias_audit.input",
    "AuditResult": "services.bias_audit.judge",
    "ClipResult": "services.analysis.clips",
    "LiveSession": "services.analysis.live",
    "FrameProcessor": "services.analysis.live_frames",
    "FaceView": "ui.faces.view",
    "Shown": "ui.faces.pictures",
    "UploadedFile": "streamlit.runtime.uploaded_file_manager",
}
EVERY_S: Final = 0.5


def watch(name: str) -> list[weakref.ref[Any]]:
    """Weak references to all objects of a class that are made from now on."""
    made: list[weakref.ref[Any]] = []
    kind = getattr(importlib.import_module(WATCHED[name]), name)
    first = kind.__init__

    def noted(self: Any, *args: Any, **options: Any) -> None:
        first(self, *args, **options)
        made.append(weakref.ref(self))

    kind.__init__ = noted
    return made


def tell(file: Path, watched: dict[str, list[weakref.ref[Any]]]) -> None:
    """Write the counts, again and again."""
    while True:
        counts = {
            name: {"made": len(made), "alive": sum(one() is not None for one in made)}
            for name, made in watched.items()
        }
        part = file.with_suffix(".part")
        part.write_text(json.dumps(counts))
        part.replace(file)
        time.sleep(EVERY_S)


if __name__ == "__main__":
    seen = {name: watch(name) for name in WATCHED}
    target = Path(os.environ["MIEN_WATCH_FILE"])
    threading.Thread(target=tell, args=(target, seen), daemon=True).start()
    main()
