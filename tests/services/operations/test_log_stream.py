"""A program that does everything to spoil its log: each line stays one JSON object."""

import json
import subprocess
import sys
from typing import Any

from tests.paths import ROOT

START = """
import asyncio, ctypes, logging, os, subprocess, sys, threading, traceback, warnings
from services.operations.log_stream import log_streams, log_uncaught
from services.operations.logs import set_up_logs
set_up_logs("json", "INFO")
log_uncaught()
log_streams()
log_streams()
"""
NAME = "Anna Schmidt"


def run(script: str) -> tuple[int, str, list[dict[str, Any]]]:
    """Exit status, standard output, and the events on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", START + script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, [json.loads(line) for line in done.stderr.splitlines()]


def test_an_exception_that_nobody_caught() -> None:
    status, out, events = run(f"def work(): raise ValueError({NAME!r})\nwork()")
    assert (status, out) == (1, "")
    assert [(e["level"], e["error"]) for e in events] == [("CRITICAL", "ValueError")]
    assert events[0]["trace"][-1].endswith("work")
    assert NAME not in str(events)


def test_threads_tasks_warnings_and_finalizers() -> None:
    _, _, events = run(f"""
def work(*_): raise KeyError({NAME!r})
thread = threading.Thread(target=work); thread.start(); thread.join()
async def main():
    asyncio.get_running_loop().call_soon(work)
    task = asyncio.create_task(asyncio.sleep(0)); await task
asyncio.run(main())
class Gone:
    __del__ = work
Gone()
warnings.warn("old")
""")
    assert [event.get("error") for event in events] == ["KeyError", "KeyError", "KeyError", None]
    assert events[-1]["logger"] == "py.warnings"
    assert NAME not in str(events)


def test_prints_c_libraries_children_and_printed_tracebacks() -> None:
    _, out, events = run(f"""
print("one\\ntwo\\n\\n")
ctypes.CDLL(None).write(2, b"W0000 from C\\n", 13)
subprocess.run(["sh", "-c", "echo child; echo half >&2"])
try:
    raise ValueError({NAME!r})
except ValueError:
    traceback.print_exc()
sys.stderr.write("no end of line")
""")
    assert out == ""
    said = {(event["logger"], event["message"]) for event in events}
    assert {
        ("stdout", "one"), ("stdout", "two"), ("stderr", "W0000 from C"), ("stdout", "child"),
        ("stderr", "half"), ("stderr", "no end of line"),
    } <= said  # fmt: skip
    assert len(said) == 7
    assert NAME not in str(events)
    (trace,) = [words for _, words in said if "ValueError" in words]
    assert trace.endswith("<module> ValueError")


def test_an_event_that_cannot_be_written_and_one_with_many_lines() -> None:
    _, _, events = run(f"""
logging.getLogger("room").error("%d faces", {NAME!r})
logging.getLogger("room").error("one\\ntwo")
""")
    assert [e["message"] for e in events] == [
        "an event of room:10 could not be written", "one\ntwo"
    ]  # fmt: skip


def test_many_threads_and_much_at_once_lose_nothing() -> None:
    _, _, events = run("""
def work(number):
    for i in range(300):
        print(f"{number}:{i} " + 500 * "x")
        logging.getLogger("room").info("%s %s", number, 500 * "y")
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
""")
    assert sum(event["logger"] == "room" for event in events) == 2400
    # Two prints may stand in one line, for Python writes a text and its end one after the other.
    assert "".join(event["message"] for event in events).count(500 * "x") == 2400
