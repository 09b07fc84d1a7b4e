"""The log: one line an event, as text or JSON, with nothing of a person in it.

Our own messages hold no names by rule. Libraries do not know that rule, and an exception's text
may quote what it choked on: so what looks like an address, a file of a person or a receipt code
is taken out of every line, and of exceptions that are not ours only type and place are written.
"""

import contextlib
import ipaddress
import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

from core.config import ROOT
from core.errors import MienError
from services.observe import Observer

# Photos, clips, and what people hand over to an audit.
_SUFFIXES: Final = (
    "jpe?g|png|webp|gif|bmp|tiff?|heic|avif|mp4|mov|webm|mkv|avi|zip|csv|parquet|xlsx?|pdf"
)
_MOST: Final = 8000  # characters of one text; a page can make a library write what it sent
_ENDS: Final = r"\s'\"(),:;="  # an unquoted name
# Each begins where a word begins, so that a long word is not tried from each of its letters.
_PERSONAL: Final = (
    # A quoted name may hold blanks; an unquoted one ends at the first.
    (re.compile(rf"(['\"])[^'\"\n]*\.(?:{_SUFFIXES})\1", re.IGNORECASE), "[file]"),
    (re.compile(rf"(?<![^{_ENDS}])[^{_ENDS}]+\.(?:{_SUFFIXES})\b", re.IGNORECASE), "[file]"),
    (re.compile(r"\b[0-9A-Z]{5}(?:-[0-9A-Z]{5}){3}\b"), "[code]"),
    (re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[mail]"),
    (re.compile(r"(://[^/\s:@]+:)[^@\s]+@"), r"\1[secret]@"),
)
# What may be an address: four numbers, or hexadecimal groups; `ipaddress` decides.
_ADDRESS: Final = re.compile(
    r"(?<![\w.:])(?:\d+(?:\.\d+){3}|[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*)", re.I
)
TRACEBACK: Final = "Traceback (most recent call last)"
_PLACE: Final = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
# Libraries that write of single connections, addresses included, below this level.
_QUIET: Final = (
    "aioice", "aiortc", "alembic", "asyncio", "matplotlib", "PIL", "streamlit_webrtc", "urllib3",
    "websockets",
)  # fmt: skip
# What `logging` and uvicorn put on a record themselves; all else came by `extra`.
_STANDARD: Final = {*logging.makeLogRecord({}).__dict__, "message", "asctime", "color_message"}


def without_personal_data(text: str) -> str:
    """`text` without what may point to a person, and no longer than 8,000 characters.

    Examples:
        >>> without_personal_data("cannot open 'Anna at the sea.jpg' for 192.0.2.7")
        'cannot open [file] for [address]'
    """
    if len(text) > _MOST:
        text = f"{text[:_MOST]} …"
    for pattern, substitute in _PERSONAL:
        text = pattern.sub(substitute, text)
    return _ADDRESS.sub(_without_address, text)


def _without_address(found: re.Match[str]) -> str:
    words = found[0].rstrip(".:") if not found[0].endswith("::") else found[0]
    try:
        address = ipaddress.ip_address(words)
    except ValueError:  # a time, a version
        return found[0]
    return found[0] if address.is_loopback else "[address]" + found[0][len(words) :]


class _Formatter(logging.Formatter):
    """What both formats share: the message and the exception, without personal data."""

    def parts(self, record: logging.LogRecord) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """The message, what came by `extra`, and of an exception type, place and our words."""
        message = record.getMessage()
        if TRACEBACK in message:  # some libraries write it into the message
            message = _traceback_without_values(message)
        extra = {
            key: without_personal_data(value) if isinstance(value, str) else value
            for key, value in record.__dict__.items()
            # Only plain values: an object's text may hold anything.
            if key not in _STANDARD and isinstance(value, str | int | float | bool | None)
        }
        error: dict[str, Any] = {}
        if record.exc_info and record.exc_info[0] is not None:
            kind, raised, trace = record.exc_info
            error = {"error": kind.__name__, "trace": _places(trace)}
            if isinstance(raised, MienError):
                error["reason"] = without_personal_data(str(raised))
        return without_personal_data(message), extra, error


class JsonFormatter(_Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Keys `time` (UTC), `level`, `logger`, `message`, and what came by `extra`."""
        message, extra, error = self.parts(record)
        line = {
            "time": _utc(record).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message,
            **extra,
            **error,
        }
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(_Formatter):
    """One line an event for people, the places of an exception below it."""

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, logger, message, and what came by `extra`."""
        message, extra, error = self.parts(record)
        said = "".join([message, *(f" {key}={value}" for key, value in extra.items())])
        when = f"{_utc(record):%Y-%m-%d %H:%M:%S}"
        line = f"{when} {record.levelname:<7} {record.name}: {said}"
        if not error:
            return line
        reason = f": {error['reason']}" if "reason" in error else ""
        return "\n  ".join([line, f"{error['error']}{reason}", *error["trace"]])


class LogObserver(Observer):
    """Writes what services do into the log, as numbers."""

    def __init__(self) -> None:
        self._log = logging.getLogger("services")

    def photo_analysed(self, timings_ms: Mapping[str, float], n_faces: int) -> None:
        """How long a photo took and how many faces it has."""
        total_ms = timings_ms.get("total", 0.0)
        self._log.info("photo analysed", extra={"faces": n_faces, "elapsed_ms": total_ms})

    def photo_refused(self, kind: str) -> None:
        """Why a photo was not analysed."""
        self._log.info("photo refused", extra={"reason_kind": kind})

    def purge_ended(self, n_removed: int, n_unfinished: int, elapsed_s: float) -> None:
        """A purge, where there was something to remove."""
        if n_removed or n_unfinished:
            extra = {"removed": n_removed, "unfinished": n_unfinished, "elapsed_s": elapsed_s}
            self._log.info("purge ended", extra=extra)


class StandardError(logging.StreamHandler[TextIO]):
    """Writes to whatever standard error is at that moment, or to what `kept` says that it was."""

    kept: TextIO | None = None

    def __init__(self) -> None:
        """Without a stream: it is looked up."""
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        """Standard error."""
        return StandardError.kept or sys.stderr

    @stream.setter
    def stream(self, _value: TextIO) -> None:
        """Stay with standard error."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say that an event could not be put into words, without its words."""
        words = f"an event of {record.name}:{record.lineno} could not be written"
        lost = logging.LogRecord(__name__, logging.ERROR, "", 0, words, None, None)
        with contextlib.suppress(OSError, ValueError):  # the stream itself is gone
            self.stream.write(self.format(lost) + self.terminator)


def formatter(log_format: str) -> logging.Formatter:
    """The formatter for "json" or "text"."""
    return JsonFormatter() if log_format == "json" else TextFormatter()


def set_up_logs(log_format: str, level: str) -> None:
    """Send everything to standard error in one format; may be called again."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, StandardError):
            root.removeHandler(handler)
    handler = StandardError()
    handler.setFormatter(formatter(log_format))
    root.addHandler(handler)
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _traceback_without_values(message: str) -> str:
    """What stands before the traceback, its last place, and the type of the exception."""
    before, _, trace = message.partition(TRACEBACK)
    places = [f"{_short(found[1])}:{found[2]} {found[3]}" for found in _PLACE.finditer(trace)]
    kind = next((line for line in reversed(trace.splitlines()) if line.strip()), "")
    return " ".join([*before.split(), *places[-1:], kind.partition(":")[0].strip()])


def _utc(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _places(trace: TracebackType | None) -> list[str]:
    """Such as "core/pictures/images.py:71 decode_image", outermost first; without any values."""
    return [
        f"{_short(frame.filename)}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)
    ]


def _short(filename: str) -> str:
    for start in (f"{ROOT}/", "site-packages/", "lib/python"):
        _, found, rest = filename.rpartition(start)
        if found:
            return rest
    return filename
