"""docs/detection.md says what the measured files say."""

from docs.tools import detection_results
from docs.tools.measured import Measured


def test_the_page_is_up_to_date() -> None:
    written = detection_results.PAGE.read_text(encoding="utf-8")
    assert written == detection_results.page(), "make report"


def test_each_detector_and_each_band_of_quality_has_its_line() -> None:
    measured, lines = Measured(), detection_results.page().splitlines()
    for name, part in measured.need("models/studies/detectors.json")["detectors"].items():
        start = "| none" if name == "none" else f"| {name} |"
        (line,) = (line for line in lines if line.startswith(start) and f"| {part['n']} |" in line)
        assert line.endswith(f"| {part['accuracy_of_all']:.1%} |")
    check = measured.need(f"models/{measured.default_model}/quality.json")["check"]
    for band in check["by_quality"]:
        (line,) = (line for line in lines if line.startswith(f"| {band['quality']} |"))
        assert f"| {band['n']} | {band['accuracy_of_all']:.1%} |" in line
    assert f"| {check['fixed']['accuracy']:.1%} |" in "\n".join(lines)
