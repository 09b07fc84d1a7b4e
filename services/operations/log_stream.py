"""What writes past the log comes into it: exceptions nobody caught, prints, libraries in C.

A log that is read by machines has one JSON object a line, whatever happens. `logging` alone cannot
promise that: Python prints the exceptions of threads, Streamlit its address, TensorFlow Lite what
it has made. So both standard streams become pipes, whose lines are put into words of the log.
"""

import atexit
import io
import logging
import os
import sys
import threading
from typing import IO, Any, Final

from services.operations.logs import TRACEBACK, StandardError

logger = logging.getLogger(__name__)
_LEVELS: Final = {1: ("stdout", logging.INFO), 2: ("stderr", logging.WARNING)}


def log_uncaught() -> None:
    """Send exceptions that nobody caught, and warnings, to the log instead of standard error."""

    def of_program(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            logger.critical("the program ends", exc_info=(kind, error, trace))

    def of_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            found = (args.exc_type, args.exc_value, args.exc_traceback)
            logger.error("a thread ended", exc_info=found)

    def of_nobody(args: "sys.UnraisableHookArgs") -> None:
        if args.exc_value is not None:
            found = (args.exc_type, args.exc_value, args.exc_traceback)
            logger.error("an exception had nobody to go to", exc_info=found)

    sys.excepthook, threading.excepthook, sys.unraisablehook = of_program, of_thread, of_nobody
    logging.captureWarnings(True)


def log_streams() -> None:
    """Turn each line that is written to standard output and error into an event of the log.

    `StandardError` goes on writing to what standard error was. Once a process.
    """
    if StandardError.kept is not None:
        return
    StandardError.kept = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace")
    was = {number: os.dup(number) for number in _LEVELS}
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    readers = [_reader(number) for number in _LEVELS]

    def let_go() -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for number, before in was.items():
            os.dup2(before, number)  # closes the pipe, at whose end its reader ends
        for reader in readers:
            reader.join(2)

    atexit.register(let_go)


def _reader(number: int) -> threading.Thread:
    """A thread that reads what is written to a file descriptor from now on."""
    source, target = os.pipe()
    os.dup2(target, number)
    os.close(target)
    pipe = os.fdopen(source, encoding="utf-8", errors="replace")
    thread = threading.Thread(target=_read, args=(pipe, number), daemon=True, name="mien-log")
    thread.start()
    return thread


def _read(pipe: IO[str], number: int) -> None:
    name, level = _LEVELS[number]
    log = logging.getLogger(name)
    trace: list[str] = []
    for line in pipe:
        text = line.rstrip()
        if TRACEBACK in text or (trace and text.startswith((" ", "\t"))):
            trace.append(text)
        elif trace:  # its last line: type and words of the exception, which stay out
            log.log(level, "%s", "\n".join([*trace, text]))
            trace = []
        elif text:
            log.log(level, "%s", text)
