"""Tables of how fast the whole is; as `docs.tools.tables.make`, from docs/performance/."""

from docs.tools.measured import Measured
from docs.tools.tables.parts import Table, to_lines


def floors(measured: Measured) -> Table:
    """Each step of one photo, and how far it is from what the processor could do at best."""
    path = "docs/performance/floor.json"
    found = measured.load(path)
    if found is None:
        return [], [], measured.command(path)
    rows = [
        [name, f"{step['cpu_ms']:.2f}", f"{step['floor_ms']:.2f}", f"{step['times_floor']:.1f}"]
        for name, step in found["steps"].items()
    ]
    header = ["step", "processor ms", "floor, ms", "times the floor"]
    return to_lines(header, rows), [path], ""


def batches(measured: Measured) -> Table:
    """Photos a second by number of workers."""
    path = "docs/performance/batch.json"
    found = measured.load(path)
    if found is None:
        return [], [], measured.command(path)
    first = found["runs"][0]["photos_per_s"]
    rows = [
        [
            str(run["workers"]), f"{run['photos']:,}", f"{run['photos_per_s']:.1f}",
            f"{run['photos_per_s'] / first:.2f}", f"{run['cpu_ms_per_photo']:.1f}",
        ]
        for run in found["runs"]
    ]  # fmt: skip
    header = ["workers", "photos", "photos a second", "times one worker", "processor ms a photo"]
    return to_lines(header, rows), [path], ""


def crowd(measured: Measured) -> Table:
    """Many people who upload at the same moment."""
    path = "docs/performance/load.json"
    found = measured.load(path)
    if found is None:
        return [], [], measured.command(path)
    seconds = sorted(visit["seconds"] for visit in found["visits"][: found["users"]])
    row = [
        str(found["users"]), str(found["photos_each"]), f"{seconds[len(seconds) // 2]:.1f}",
        f"{seconds[-1]:.1f}", f"{found['memory_peak_mb']:,}",
        f"{found['rows_logged']:,} of {found['rows_expected']:,}", str(len(found["faults"])),
    ]  # fmt: skip
    header = ["people", "photos each", "half done after, s", "all done after, s",
              "most memory, MB", "rows in the audit log", "faults"]  # fmt: skip
    return to_lines(header, [row]), [path], ""


def peers(measured: Measured) -> Table:
    """Expression packages of others on the same photos."""
    path = "docs/performance/peers.json"
    found = measured.load(path)
    if found is None:
        return [], [], measured.command(path)
    rows = [
        [
            "**Mien**" if name == "mien" else name, f"{100 * row['accuracy']:.1f}%",
            f"{100 * row['balanced_accuracy']:.1f}%", f"{row['photo']['cpu_ms']:.0f}",
            f"{row['load_s']:.1f}", f"{row['memory_mb']:,}",
        ]
        for name, row in found["rows"].items()
        if "failed" not in row
    ]  # fmt: skip
    header = ["package", "accuracy", "balanced", "processor ms a photo", "import and load, s",
              "memory, MB"]  # fmt: skip
    return to_lines(header, rows), [path], ""
