"""A real server and a real browser, shared by the tests that drive the app as a person does."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

CHROMIUM = Path(os.environ.get("MIEN_CHROMIUM", "/usr/bin/chromium"))
START_TIMEOUT_S = 120.0

QUIET_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip


@dataclass(frozen=True)
class AppServer:
    """A running `streamlit run serve.py`, as `make app` starts it."""

    url: str
    pid: int
    log: Path


@pytest.fixture(scope="session")
def app_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The app on a free port of this machine, with a data folder of its own."""
    yield from serve(tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="session")
def app_url(app_server: AppServer) -> str:
    """Address of the app, without a slash at its end."""
    return app_server.url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Callable[..., Any]]:
    """`chromium("--a-flag")` is a Playwright `Browser`, closed at the end of the session."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM} (set MIEN_CHROMIUM)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    browsers: list[Any] = []
    with sync_api.sync_playwright() as playwright:

        def launch(*flags: str) -> Any:
            browser = playwright.chromium.launch(
                executable_path=str(CHROMIUM), args=[*QUIET_FLAGS, *flags]
            )
            browsers.append(browser)
            return browser

        yield launch
        for browser in browsers:
            browser.close()


def serve(
    folder: Path, *, streamlit: str = "streamlit", **environment: str
) -> Iterator[AppServer]:
    """Start the app with `environment` added, wait until it answers, end it by its PID.

    `streamlit` is the module that serves it, another one to look into the process.
    """
    port = free_port()
    log = folder / "streamlit.log"
    command = [sys.executable, "-m", streamlit, "run", "serve.py"]
    options = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    env = {**os.environ, "MIEN_DATA_DIR": str(folder / "data"), **environment}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, *options], cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            server = AppServer(f"http://127.0.0.1:{port}", process.pid, log)
            _wait_until_healthy(server, process)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_healthy(server: AppServer, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError(f"the app did not start:\n{server.log.read_text(errors='replace')[-4000:]}")
