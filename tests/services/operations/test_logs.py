import json
import logging
import re
import time
import traceback
from pathlib import Path

import pytest

from core.errors import MienError
from services.operations.logs import (
    JsonFormatter,
    LogObserver,
    TextFormatter,
    formatter,
    set_up_logs,
    without_personal_data,
)


def record(
    message: str, *args: object, error: BaseException | None = None, **extra: object
) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("room", logging.WARNING, "file.py", 1, message, args, info)
    made.__dict__.update(extra)
    return made


def raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("purge ended in 12.5 ms, 3 of 4", "purge ended in 12.5 ms, 3 of 4"),
        ("core/pictures/images.py:71 decode_image", "core/pictures/images.py:71 decode_image"),
        ("version 4.14.0 of 2026-11-20 08:53:57", "version 4.14.0 of 2026-11-20 08:53:57"),
        ("listening on 127.0.0.1:8501", "listening on 127.0.0.1:8501"),
        ("cannot open anna.JPG", "cannot open [file]"),
        ("cannot open 'Anna at the sea.jpeg'!", "cannot open [file]!"),
        ("/home/anna/holiday/one.png is gone", "[file] is gone"),
        ("code K7Q2M-XXXXX-00000-ABCDE used", "code [code] used"),
        ("from anna.s@example.org, twice", "from [mail], twice"),
        ("peer 192.0.2.17:4711 left", "peer [address]:4711 left"),
        ("peer 2001:db8:0:1::7 left", "peer [address] left"),
        ("postgresql://mien:s3cret@host/db", "postgresql://mien:[secret]@host/db"),
    ],
)
def test_what_points_to_a_person_goes_and_the_rest_stays(text: str, kept: str) -> None:
    assert without_personal_data(text) == kept


@pytest.mark.parametrize("bit", ["x", "a.", "@", "1.", ":", "://", "'", "x.jp", "f:", "=a", "A1-"])
def test_long_texts_cost_no_time(bit: str) -> None:
    started_s = time.process_time()
    for text in (bit * 500_000, bit * 4000):
        assert len(without_personal_data(text)) <= 8010
    assert time.process_time() - started_s < 0.5


def test_json_lines_hold_numbers_and_places_and_no_words_of_foreign_errors() -> None:
    error = raised(ValueError("bad value 'Anna Schmidt'"))
    line = JsonFormatter().format(
        record("photo %s failed", "a.jpg", error=error, faces=2, image=object(), reason_kind="x")
    )
    event = json.loads(line)
    assert event["message"] == "photo [file] failed"
    assert event["error"] == "ValueError"
    assert event["trace"][0].endswith("raised")
    assert event["faces"] == 2
    assert "image" not in event  # an object's text may hold anything
    assert "Anna" not in line
    assert "\n" not in line
    assert event["time"].endswith("+00:00")


def test_a_traceback_in_a_message_loses_its_values() -> None:
    error = raised(ValueError("bad value 'Anna Schmidt'"))
    message = "request failed\n" + "".join(traceback.format_exception(error))
    words = json.loads(JsonFormatter().format(record(message)))["message"]
    assert re.fullmatch(r"request failed \S*test_logs.py:\d+ raised ValueError", words)


def test_words_of_our_own_errors_stay() -> None:
    event = json.loads(JsonFormatter().format(record("no", error=raised(MienError("Do this.")))))
    assert event["reason"] == "Do this."
    text = TextFormatter().format(record("no", error=raised(MienError("Do this.")), faces=1))
    assert "room: no faces=1\n  MienError: Do this.\n" in text
    assert "Anna" not in TextFormatter().format(record("no", error=raised(KeyError("Anna"))))


def test_setting_up_twice_writes_each_event_once(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.level
    try:
        set_up_logs("json", "INFO")
        set_up_logs("json", "INFO")
        observer = LogObserver()
        observer.photo_analysed({"total": 12.5}, 2)
        observer.photo_refused("empty_file")
        observer.purge_ended(0, 0, 0.1)
        logging.getLogger("aioice.ice").info("candidate of somebody")
        events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        for handler in [h for h in root.handlers if isinstance(h.formatter, JsonFormatter)]:
            root.removeHandler(handler)
        root.setLevel(before)
    assert [event["message"] for event in events] == ["photo analysed", "photo refused"]
    assert events[0]["faces"] == 2
    assert events[0]["elapsed_ms"] == 12.5
    assert events[1]["reason_kind"] == "empty_file"


def test_formats_have_names() -> None:
    assert isinstance(formatter("json"), JsonFormatter)
    assert isinstance(formatter("text"), TextFormatter)
    assert Path(__file__).name not in formatter("text").format(record("x"))
