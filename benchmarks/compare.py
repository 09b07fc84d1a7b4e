"""What became slower since the figures of docs/performance; `make bench` ends with it.

Compares a table of `mien bench --out` with the recorded one. Each work's least processor time is
taken in units of the fixed reference work that took turns with it, so that a slower or busier
machine of the same class does not count. Says what takes over 15 % longer.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

RECORDED = Path(__file__).resolve().parents[1] / "docs" / "performance" / "bench.json"
REFERENCE = "reference"


def in_reference_works(table: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Each work with its time as a multiple of the reference's."""
    for n_faces, photo in table["photos"].items():
        times_ms = photo["processor_ms"]
        for work, took_ms in times_ms.items():
            if work != REFERENCE:
                yield f"{work}, photo of {n_faces}", took_ms / times_ms[REFERENCE]


def slower(new: dict[str, Any], recorded: dict[str, Any], limit: float) -> list[str]:
    """A sentence for each work that takes more than `limit` (0.15 is 15 %) longer."""
    before = dict(in_reference_works(recorded))
    return [
        f"{name}: {cost / before[name]:.2f} times as long as recorded "
        f"({cost:.2f} instead of {before[name]:.2f} reference works)"
        for name, cost in in_reference_works(new)
        if name in before and cost > before[name] * (1 + limit)
    ]


def main(
    table: Annotated[Path, typer.Argument(help="of `mien bench --out`")],
    recorded: Path = RECORDED,
    limit: Annotated[float, typer.Option(help="0.15 is 15 %")] = 0.15,
) -> None:
    """Read both, print."""
    new, before = (json.loads(file.read_text(encoding="utf-8")) for file in (table, recorded))
    if new["machine"] != before["machine"]:
        print(f"Recorded on another machine ({before['machine']}), so works may differ by it.")
    found = slower(new, before, limit)
    print("\n".join(found) or f"Nothing takes over {limit:.0%} longer than recorded.")


if __name__ == "__main__":
    typer.run(main)
