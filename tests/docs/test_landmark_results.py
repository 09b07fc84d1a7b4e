"""docs/landmarks.md says what the study's file says."""

import json

from docs.tools.tables import landmarks as landmark_results


def test_the_page_is_up_to_date() -> None:
    written = landmark_results.PAGE.read_text(encoding="utf-8")
    assert written == landmark_results.page(), "make report"


def test_the_study_is_of_everything_and_stands_on_the_page() -> None:
    content = json.loads(landmark_results.STUDY.read_text(encoding="utf-8"))
    assert content["n_images"]["validation"] == content["n_images"]["test"] == 3589
    assert {row["n"] for row in content["e1"]["rows"] if "p_holm" in row} == {3589}
    text = landmark_results.results_markdown(content)
    assert all(content[part]["conclusion"] in text for part in ("e1", "e2", "e3", "e4", "e5"))
    assert f"{content['accuracy']['methods']['mesh, learned']['mean']:.2%}" in text
    # Each way of aligning has a line for each kind of error.
    lines = text.splitlines()
    for source, kind in {(row["aligned_by"], row["noise"]) for row in content["e1"]["rows"]}:
        assert kind == "exact" or any(line.startswith(f"| {source} | {kind} |") for line in lines)
