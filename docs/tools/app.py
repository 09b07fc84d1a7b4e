"""The app as it is served, for tools that look at it or load it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docs.tools.measured import ROOT

_START_S = 180


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """Its address and process, on a free port until the end of the block.

    `folder` takes its data and its log.

    Raises:
        RuntimeError: it does not start; the message is the end of its log.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, env = f"http://127.0.0.1:{port}", {**os.environ, "MIEN_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "streamlit", "run", "serve.py", f"--server.port={port}"]
    command += ["--server.address=127.0.0.1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        deadline_s = time.monotonic() + _START_S
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError((folder / "log").read_text()[-3000:])
            time.sleep(0.2)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False
