"""Work on strangers' files in a process of its own, which can be stopped and may fall over.

A decoder in C cannot be interrupted, and what it takes is taken from everybody. In a process of
its own it has limits that the operating system keeps, none of the server's secrets in its
environment, and an end.
"""

import contextlib
import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, TypeVar

T = TypeVar("T")

ROOT: Final = Path(__file__).resolve().parent.parent.parent
_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")
# Large blocks go back to the system at once, or the process grows with the length of its work.
_MEMORY: Final = {"MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_ARENA_MAX": "2"}


def start(module: str, *arguments: str, stdin: IO[bytes] | int) -> "subprocess.Popen[bytes]":
    """Run `module`, which has a `__main__` part, with Python in a process of its own.

    It limits itself first (`limit_myself`).
    """
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**environment, **_MEMORY, "OPENBLAS_NUM_THREADS": "1"},
        bufsize=0,
    )


def ask(
    module: str, *arguments: str, data: bytes, read: Callable[[BinaryIO], T], seconds: float
) -> T:
    """Give `data` to a process (`start`) that reads all of it, and `read` what it writes.

    Raises:
        EOFError: the process ended too early, at the latest after so many `seconds`; also what
            `read` raises.
    """
    process = start(module, *arguments, stdin=subprocess.PIPE)
    stop = threading.Timer(seconds, process.kill)
    stop.start()
    pipes: Any = (process.stdin, process.stdout)
    try:
        with pipes[0]:
            write_all(pipes[0], data)
        with io.BufferedReader(pipes[1]) as sent:
            return read(sent)
    except BrokenPipeError as exc:
        raise EOFError from exc
    finally:
        stop.cancel()
        process.kill()
        process.wait()
        for pipe in pipes:
            pipe.close()


def exactly(sent: BinaryIO, n_bytes: int) -> bytes:
    """So many bytes.

    Raises:
        EOFError: there are fewer.
    """
    data = sent.read(n_bytes)
    if len(data) < n_bytes:
        raise EOFError
    return data


def fill(sent: BinaryIO, room: memoryview) -> None:
    """Read as many bytes as there is `room` for, into it.

    Raises:
        EOFError: there are fewer.
    """
    at = 0
    while at < len(room):
        n_read = sent.readinto(room[at:])  # type: ignore[attr-defined]
        if not n_read:
            raise EOFError
        at += n_read


def limit_myself(*, memory_bytes: int, processor_s: int) -> None:
    """Let this process take so much more memory than it has, and so much processor time.

    Call it after the imports. Beyond the memory there is a MemoryError or an error of the library
    that asked, beyond the time the system ends the process. No file can be written.
    """
    try:
        import resource
    except ImportError:  # Windows: the process can still be ended from outside
        return
    with contextlib.suppress(OSError):
        # Where memory runs out all the same, the system takes this process and not the server.
        Path("/proc/self/oom_score_adj").write_text("1000")
    held = 0
    status = Path("/proc/self/statm")
    if status.exists():
        held = int(status.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (held + memory_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (processor_s, processor_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def write_all(file: IO[bytes] | io.RawIOBase, data: bytes) -> None:
    """All of it, for an unbuffered file may take less at a time.

    Raises:
        BrokenPipeError: if whoever should read it has ended.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]
