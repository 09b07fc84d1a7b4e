"""What a page held goes when it is closed: a weak reference to every kind of holder is dead.

docs/privacy.md promises a time, and this asks a running server whether it keeps it. The server is
this file, too: `python -m tests.e2e.test_forgotten run serve.py` is Streamlit's command line in a
process that writes twice a second, into the file that MIEN_WATCH_FILE names, for each class of
`WATCHED` how many objects were made and how many of them a weak reference still finds; and once
none is left, how many frames of pages' functions are, which hold whatever stood in a variable.
"""

import gc
import importlib
import json
import os
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import serve
from tests.helpers.agree import agree_in_browser
from tests.helpers.audit_sets import csv_bytes, good_zip, zipped
from tests.helpers.clips import encode_clip, wandering, write_camera_film
from tests.paths import ROOT

pytestmark = pytest.mark.e2e

SLOW_MS = 120_000
TTL_S = 1
# Two looks, fifteen seconds apart, and what a busy machine adds.
GONE_S: Final = TTL_S + 2 * 15 + 15
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
FRAMES: Final = "frames of pages"
EVERY_S: Final = 0.5
ASTRONAUT = ROOT / "samples" / "astronaut.jpg"


def hand_over(page: Page, name: str, data: bytes, *, at: int = 0) -> None:
    file: Any = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    page.locator('input[type="file"]').first.wait_for(state="attached")
    page.locator('input[type="file"]').nth(at).set_input_files([file])


def many_photos(page: Page, url: str) -> None:
    page.goto(f"{url}/upload")
    agree_in_browser(page)
    page.get_by_role("tab", name="Many photos (ZIP)").click()
    photo = ASTRONAUT.read_bytes()
    hand_over(page, "a.zip", zipped({f"{n}.jpg": photo for n in range(3)}), at=-1)
    page.get_by_text("would say happy").first.wait_for()


def audit(page: Page, url: str) -> None:
    page.goto(f"{url}/model_metrics?metrics_section=Your+own+data")
    agree_in_browser(page)
    hand_over(page, "a.csv", csv_bytes(20))
    page.get_by_text("Now add the ZIP").wait_for()
    hand_over(page, "a.zip", good_zip(20), at=1)
    page.get_by_role("button", name="Run the audit").click()
    page.get_by_role("radio", name="Misjudged", exact=True).last.click()
    page.get_by_text("The pictures are shown from your upload").wait_for()


def clip(page: Page, url: str) -> None:
    page.goto(f"{url}/webcam")
    agree_in_browser(page)
    page.get_by_role("radio", name="Video file").click()
    with Image.open(ASTRONAUT) as photo:
        frames = wandering(np.asarray(photo.convert("RGB"), np.uint8), 20)
    hand_over(page, "a.mp4", encode_clip(frames))
    page.get_by_text("Annotated video").wait_for()


def live_video(page: Page, url: str) -> None:
    page.goto(f"{url}/webcam")
    agree_in_browser(page)
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_text("Live. Nothing is kept.").wait_for()


def landmarks(page: Page, url: str) -> None:
    page.goto(f"{url}/landmark_analysis")
    page.get_by_text("Use your own photos").first.click()
    agree_in_browser(page)
    hand_over(page, "a.jpg", ASTRONAUT.read_bytes())
    page.get_by_text("Forget this photo").wait_for()
    page.get_by_text("What if the points were wrong?").wait_for()
    page.get_by_text("How wrong, in %").wait_for()


def counts(file: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = json.loads(file.read_text())
    return found


def test_what_closed_pages_held_is_gone_in_time(
    chromium: Callable[..., Browser], tmp_path: Path
) -> None:
    """All of them at once; nobody else comes, whose runs would clear up."""
    film, told = tmp_path / "camera.mjpeg", tmp_path / "watched.json"
    write_camera_film(film)
    for server in serve(
        tmp_path,
        streamlit="tests.e2e.test_forgotten",
        MIEN_WATCH_FILE=str(told),
        STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(TTL_S),
    ):
        browser = chromium(
            "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        )  # fmt: skip
        for visit in (many_photos, audit, clip, landmarks, live_video):
            page = browser.new_context(viewport={"width": 1280, "height": 1100}).new_page()
            page.set_default_timeout(SLOW_MS)
            visit(page, server.url)
        time.sleep(1)
        before = counts(told)
        browser.close()
        deadline = time.monotonic() + GONE_S
        while (now := counts(told)) and time.monotonic() < deadline:
            if FRAMES in now and not any(one["alive"] for one in now.values()):
                break
            time.sleep(0.5)
        # Each kind was there, or the test shows nothing.
        assert {name for name, one in before.items() if one["alive"]} == set(WATCHED), before
        assert {name: one["alive"] for name, one in now.items()} == dict.fromkeys(
            (*WATCHED, FRAMES), 0
        )


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


def frames_of_pages() -> list[str]:
    """Functions of pages that ended and whose variables something still holds."""
    pages = (str(ROOT / "ui"), str(ROOT / "pages"), str(ROOT / "Home.py"))
    return [
        one.f_code.co_qualname
        for one in gc.get_objects()
        if isinstance(one, FrameType)
        and one.f_code.co_filename.startswith(pages)
        and not one.f_code.co_filename.startswith(str(ROOT / "ui" / "runtime"))
    ]


def tell(file: Path, watched: dict[str, list[weakref.ref[Any]]]) -> None:
    """Write the counts, again and again."""
    while True:
        counts = {
            name: {"made": len(made), "alive": sum(one() is not None for one in made)}
            for name, made in watched.items()
        }
        if not any(one["alive"] for one in counts.values()):
            counts[FRAMES] = {"made": 1, "alive": len(frames_of_pages())}
        part = file.with_suffix(".part")
        part.write_text(json.dumps(counts))
        part.replace(file)
        time.sleep(EVERY_S)


if __name__ == "__main__":
    seen = {name: watch(name) for name in WATCHED}
    target = Path(os.environ["MIEN_WATCH_FILE"])
    threading.Thread(target=tell, args=(target, seen), daemon=True).start()
    from streamlit.web.cli import main

    main()
