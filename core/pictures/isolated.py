"""Work on strangers' files in a process of its own, which can be stopped and may fall over.

A decoder in C cannot be interrupted, and what it takes is taken from everybody. In a process of
its own it has limits that the operating system keeps, none of the server's secrets in its
environment, and an end.
"""

import atexit
import contextlib
import io
import os
import select
import signal
import struct
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
_REQUEST: Final = struct.Struct("<QQQ")  # two limits, and how many bytes follow
_MOST_IDLE: Final = 2  # processes of `Workers`, some 60 MB each


def start(
    module: str, *arguments: str, stdin: IO[bytes] | int, own_session: bool = False
) -> "subprocess.Popen[bytes]":
    """Run `module`, which has a `__main__` part, with Python in a process of its own.

    It limits itself first (`limit_myself`). In a session of its own it is ended with all that it
    has started (`os.killpg`).
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
        start_new_session=own_session,
    )


class Workers:
    """Processes of a module that stay (`serve`) and fork one of their own for each file.

    To start Python takes a fifth of a second of the processor, a fork next to nothing. The process
    that stays reads nothing of a file, so there is nothing of one where the next is decoded.
    """

    def __init__(self, module: str) -> None:
        self._module, self._lock = module, threading.Lock()
        self._idle: list[subprocess.Popen[bytes]] = []
        self._owner = os.getpid()
        atexit.register(self.close)

    def ask(
        self,
        limits: tuple[int, int],
        data: bytes,
        *,
        read: Callable[[BinaryIO], T],
        seconds: float,
    ) -> T:
        """Give `limits` and `data` to a process, and `read` what it writes, all of it.

        Raises:
            EOFError: the process ended too early, at the latest after so many `seconds`.
        """
        process: Any = self._taken()
        stop = threading.Timer(seconds, _kill, [process])
        stop.start()
        try:
            write_all(process.stdin, _REQUEST.pack(*limits, len(data)))
            write_all(process.stdin, data)
            answer = read(process.stdout)
        except BaseException as exc:
            stop.cancel()
            _end(process)
            if isinstance(exc, BrokenPipeError):
                raise EOFError from exc
            raise
        stop.cancel()
        with self._lock:
            if len(self._idle) < _MOST_IDLE:
                self._idle.append(process)
                return answer
        _end(process)
        return answer

    def close(self) -> None:
        """End those that wait."""
        with self._lock:
            while self._idle:
                _end(self._idle.pop())

    def _taken(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._owner != os.getpid():  # those of a process that this one was forked from
                self._idle, self._owner = [], os.getpid()
            while self._idle:
                process = self._idle.pop()
                if process.poll() is None:
                    return process
                _end(process)
        return start(self._module, stdin=subprocess.PIPE, own_session=True)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """A process of its own session, and what it has forked; harmless the second time."""
    if process.returncode is None:  # or its number may be somebody else's by now
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _end(process: "subprocess.Popen[bytes]") -> None:
    _kill(process)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def serve(work: Callable[[bytes, int, int], None]) -> None:
    """Fork for each request of `Workers`, until one fails or none can come any more.

    `work` takes data and the limits, limits itself, and writes an answer to standard output.
    """
    while select.select([0], [], []):
        child = os.fork()
        if child == 0:
            try:
                with io.FileIO(0, closefd=False) as sent:
                    *limits, n_bytes = _REQUEST.unpack(exactly(sent, _REQUEST.size))
                    work(exactly(sent, n_bytes), *limits)
                sys.stdout.buffer.flush()
                os._exit(0)
            finally:
                os._exit(1)
        if os.waitpid(child, 0)[1]:
            return


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


def exactly(sent: BinaryIO | io.RawIOBase, n_bytes: int) -> bytes:
    """So many bytes.

    Raises:
        EOFError: there are fewer.
    """
    data = bytearray(n_bytes)
    fill(sent, memoryview(data))
    return bytes(data)


def fill(sent: BinaryIO | io.RawIOBase, room: memoryview) -> None:
    """Read as many bytes as there is `room` for, into it.

    Raises:
        EOFError: there are fewer.
    """
    at = 0
    while at < len(room):
        n_read = sent.readinto(room[at:])  # type: ignore[union-attr]
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
