"""The default model's tables in docs/detection.md; `docs.tools.report` writes them."""

from typing import Any, Final

from docs.tools.measured import ROOT, Measured
from docs.tools.table_parts import to_lines

PAGE: Final = ROOT / "docs" / "detection.md"


def page(measured: Measured | None = None) -> str:
    """The whole page as it should be, from the measured files that there are now."""
    measured = measured or Measured()
    check = measured.need(f"models/{measured.default_model}/quality.json")["check"]
    found = measured.need("models/studies/detectors.json")["detectors"]
    tables = {"detectors": _detectors(found), "quality": _bands(check), "named": _named(check)}
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in tables.items():
        before, rest = text.split(f"<!-- {name}:begin -->")
        _, after = rest.split(f"<!-- {name}:end -->")
        table = "\n".join([f"<!-- {name}:begin -->", *lines, f"<!-- {name}:end -->"])
        text = before + table + after
    return text


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(page(), encoding="utf-8")


def _detectors(found: dict[str, Any]) -> list[str]:
    header = ["detector", "photos", "no face found", "accuracy where found (95 % interval)",
              "accuracy of all"]  # fmt: skip
    rows = [
        ["none: the crops themselves" if name == "none" else name, str(part["n"]),
         str(part["undetected"]),
         f"{part['accuracy_of_detected']:.1%} ({part['accuracy_ci95'][0]:.1%} to "
         f"{part['accuracy_ci95'][1]:.1%})", f"{part['accuracy_of_all']:.1%}"]
        for name, part in found.items()
    ]  # fmt: skip
    return to_lines(header, rows)


def _bands(check: dict[str, Any]) -> list[str]:
    header = ["quality", "pictures", "judged right", "expected from the quality",
              "named with one threshold: share, right",
              "named when it follows quality: share, right"]  # fmt: skip
    rows = [
        [band["quality"], str(band["n"]), f"{band['accuracy_of_all']:.1%}",
         f"{band['mean_quality_times_reference']:.1%}",
         *(", ".join(_named_and_right(band[kind])) for kind in ("fixed", "following"))]
        for band in check["by_quality"]
    ]  # fmt: skip
    return to_lines(header, rows)


def _named(check: dict[str, Any]) -> list[str]:
    kinds = {
        "one threshold for all": "fixed",
        "the threshold follows quality": "following",
        "one stricter threshold that names as many": "one_stricter_threshold_of_the_same_coverage",
    }
    rows = [[words, *_named_and_right(check[key])] for words, key in kinds.items()]
    return to_lines(["threshold", "named", "right of those"], rows)


def _named_and_right(part: dict[str, float | None]) -> tuple[str, str]:
    """Shares as per cent; a dash where nothing was named."""
    named, right = (part[key] for key in ("coverage", "accuracy"))
    return f"{named:.1%}", "–" if right is None else f"{right:.1%}"
