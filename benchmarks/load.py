"""Many people upload at once: `.venv/bin/python benchmarks/load.py --users 50 --json load.json`.

Starts the app with a store of its own, lets every user agree and upload some photos at the same
moment, beside one user with a whole album, and checks that nobody met an error, that each photo
that was shown is in the audit log, and what the app took of time and memory. Ends with 1 where
something of that fails. The users run on the same machine and take some of it.
"""

import json
import os
import platform
import re
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil
import typer
from streamlit_user import StreamlitUser

from cli.bench_material import cpu_name, photo_jpeg
from db.audit.log import Action
from docs.tools.app import served
from services.admin.review import AuditFilter, log_entries
from services.store import chain_status, open_store

_WAITING = re.compile(r"Waiting: (?:(\d+) photos? before yours|yours is next)")


@dataclass
class Visit:
    """What one user met."""

    n_photos: int
    seconds: float = 0.0
    shown: int = 0
    most_ahead: int | None = None  # None: never had to wait
    errors: list[str] = field(default_factory=list)


def visit(url: str, seen: Visit, photo: bytes, start: threading.Barrier) -> None:
    """Agree, wait for the others, upload, read the result."""
    waited_for = False
    try:
        user = StreamlitUser(url, "upload")
        user.press("Analyse, keep nothing")
        waited_for = True
        start.wait()
        began = time.perf_counter()
        user.upload("files_", [(f"{n}.jpg", photo) for n in range(seen.n_photos)])
        seen.seconds = time.perf_counter() - began
        text = "\n".join(user.screen.texts)
        total = re.search(r"(\d+) photos, \d+ faces?", text)
        seen.shown = int(total[1]) if total else int("would say" in text)
        ahead = [int(n or 0) for n in _WAITING.findall(text)]
        seen.most_ahead = max(ahead) if ahead else None
        seen.errors += user.screen.errors
        user.close()
    except Exception as exc:
        seen.errors.append(f"{type(exc).__name__}: {exc}")
        if not waited_for:
            start.wait()


def _all_at_once(url: str, visits: list[Visit], photo: bytes) -> float:
    """Seconds until the last of these visits ended."""
    start = threading.Barrier(len(visits))
    threads = [threading.Thread(target=visit, args=(url, seen, photo, start)) for seen in visits]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def run(n_users: int, n_photos: int, n_album: int) -> dict[str, Any]:
    """The whole trial; figures and findings as JSON-able dictionary."""
    photo = photo_jpeg(1)
    visits = [Visit(n_photos) for _ in range(n_users)]
    if n_album:
        visits.append(Visit(n_album))
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with served(folder) as (url, pid):
            process = psutil.Process(pid)
            before_mb, cpu_before = process.memory_info().rss / 1e6, process.cpu_times()
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak starts anew
            elapsed_s = _all_at_once(url, visits, photo)
            status, cpu = Path(f"/proc/{pid}/status").read_text(), process.cpu_times()
            tracebacks = (folder / "log").read_text(errors="replace").count("Traceback")
        store = open_store(folder / "data")
        logged = log_entries(store, AuditFilter(action=Action.ANALYSED.value))[1]
        chain_ok = chain_status(store).ok
        store.close()
    return {
        "machine": cpu_name(),
        "python": platform.python_version(),
        "load_before": round(load_before, 1),
        "users": n_users,
        "photos_each": n_photos,
        "album": n_album,
        "elapsed_s": round(elapsed_s, 1),
        "app_cpu_s": round(cpu.user + cpu.system - cpu_before.user - cpu_before.system, 1),
        "memory_before_mb": round(before_mb),
        "memory_peak_mb": round(int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6),
        "rows_expected": sum(seen.shown for seen in visits),
        "rows_logged": logged,
        "chain_ok": chain_ok,
        "tracebacks": tracebacks,
        "visits": [asdict(seen) for seen in visits],
    }


def faults(found: dict[str, Any]) -> list[str]:
    """What must not be, in words; empty if all is well."""
    visits = found["visits"]
    wrong = sorted({error for seen in visits for error in seen["errors"]})
    unseen = sum(seen["n_photos"] - seen["shown"] for seen in visits)
    if unseen:
        wrong.append(f"{unseen} photos were not shown")
    if found["rows_logged"] != found["rows_expected"]:
        wrong.append(f"{found['rows_logged']} audit rows for {found['rows_expected']} photos")
    if not found["chain_ok"]:
        wrong.append("the audit chain is broken")
    if found["tracebacks"]:
        wrong.append(f"{found['tracebacks']} tracebacks in the log")
    if len(visits) > 4 and all(seen["most_ahead"] is None for seen in visits):
        wrong.append("nobody was told to wait")
    return wrong


def main(
    users: int = 50,
    photos: Annotated[int, typer.Option(help="Of each user.")] = 4,
    album: Annotated[int, typer.Option(help="Photos of one further user.")] = 200,
    out: Annotated[Path | None, typer.Option("--json", help="Write all figures there.")] = None,
) -> None:
    """Run, print, write."""
    found = run(users, photos, album)
    wrong = faults(found)
    if out:
        out.write_text(json.dumps({**found, "faults": wrong}, indent=1) + "\n")
    few = sorted(seen["seconds"] for seen in found["visits"][:users])
    print(f"{found['machine']}; load before {found['load_before']}")
    print(
        f"{users} users with {photos} photos each: half within {few[len(few) // 2]:.1f} "
        f"s, all within {few[-1]:.1f} s"
    )
    if album:
        seconds = found["visits"][-1]["seconds"]
        print(f"beside them an album of {album} photos: {seconds:.1f} s")
    ahead = [seen["most_ahead"] for seen in found["visits"] if seen["most_ahead"] is not None]
    print(f"{len(ahead)} users were told how many come first, at most {max(ahead, default=0)}")
    print(
        f"memory {found['memory_before_mb']} MB before, {found['memory_peak_mb']} MB at most; "
        f"audit rows {found['rows_logged']} of {found['rows_expected']}"
    )
    print("faults: " + ("; ".join(wrong) or "none"))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    typer.run(main)
