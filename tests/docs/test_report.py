"""Report, ethics, data cards and slides say what the measured files say."""

import re

import pytest

from docs.tools import slides
from docs.tools.figures.make import FOLDER, SIZES_INCHES, figure_data
from docs.tools.measured import ROOT, Measured, shown
from docs.tools.render import filled, take_marks
from docs.tools.report import DOCS, DOCUMENTS, rendered
from tests.docs.figures import alike, drawn_data

TEMPLATES = [
    *sorted((DOCS / "report").glob("*.md")),
    *sorted((DOCS / "templates").glob("*.md")),
    *sorted((DOCS / "slides").glob("*.md")),
]
# A share or a number with a decimal point; versions, intervals and article numbers are named here.
TYPED_FIGURE = re.compile(r"(?<![\w.])\d+(?:\.\d+)?[\s\u00a0]?%|(?<![\w./])\d+\.\d+(?![\w.])")
NO_RESULTS = ("95 %", "1307.0414", "1511.06523", "2.0")
AGAIN = "run `make report` after a measured file has changed"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_what_its_sources_give(name: str) -> None:
    written, should = (DOCS / name).read_text("utf-8"), rendered(name)
    pairs = zip(written.splitlines(), should.splitlines(), strict=False)
    for number, (line, wanted) in enumerate(pairs, 1):
        assert line == wanted, f"docs/{name}, line {number}: {AGAIN}"
    assert written == should, AGAIN


@pytest.mark.parametrize("name", SIZES_INCHES)
def test_a_figure_shows_what_its_sources_give(name: str) -> None:
    file, data = FOLDER / f"{name}.svg", figure_data(name, Measured())
    assert file.exists(), f"{file.name} is missing: {AGAIN}"
    assert alike(drawn_data(file), data), f"{file.name} shows other figures: {AGAIN}"


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_no_figure_is_typed_by_hand(file) -> None:
    words = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\]\([^)]*\)|`[^`]*`", "", file.read_text("utf-8"))
    typed = [found for found in TYPED_FIGURE.findall(words) if found not in NO_RESULTS]
    assert typed == [], "let number() write it, or published() with an entry in literature.toml"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_mark_leads_to_a_source_and_each_source_to_a_file_and_command(name: str) -> None:
    text = (DOCS / name).read_text("utf-8")
    rows = re.findall(r'<a id="source-(\d+)"></a>\d+ \| `([^`]+)` \| (.+) \|', text)
    assert {number for number, _, _ in rows} == set(re.findall(r"\]\(#source-(\d+)\)", text))
    assert [path for _, path, _ in rows if not (ROOT / path).is_file()] == []
    assert all(command.strip() for _, _, command in rows)


@pytest.mark.parametrize("model", ["mien-fast", "unshipped/resnet50", "vgg16"])
def test_each_cosine_has_its_part_of_the_curves(model: str, tmp_path) -> None:
    template = tmp_path / "cosines.md"
    template.write_text(f"{{{{ table('cosines', '{model}') }}}}", "utf-8")
    lines = take_marks(filled(template, "figures")[0])[0].splitlines()
    curves = Measured().need(f"models/{model}/curves.json")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:-2]]
    assert sum(int(row[3]) for row in rows) == len(curves)
    assert max(row[5] for row in rows) == shown(max(c["val_accuracy"] for c in curves), ".1%")
    card = Measured().need(f"models/{model}/card.json")
    assert rows[-1][0] == f"`{card['recipe']['name']}`"


def test_the_landmark_study_stands_on_its_page() -> None:
    study, text = Measured().need("models/studies/landmarks.json"), rendered("landmarks.md")
    assert study["n_images"]["validation"] == study["n_images"]["test"] == 3589
    assert {row["n"] for row in study["e1"]["rows"] if "p_holm" in row} == {3589}
    assert all(study[part]["conclusion"] in text for part in ("e1", "e2", "e3", "e4", "e5"))
    assert shown(study["accuracy"]["methods"]["mesh, learned"]["mean"], ".2%") in text
    # Each way of aligning has a line for each kind of error.
    lines = text.splitlines()
    for source, kind in {(row["aligned_by"], row["noise"]) for row in study["e1"]["rows"]}:
        assert kind == "exact" or any(line.startswith(f"| {source} | {kind} |") for line in lines)


def test_a_changed_file_changes_the_report(tmp_path) -> None:
    from tests.docs.copies import copy_of_sources

    root = copy_of_sources(tmp_path)
    file = root / "models" / Measured(root).default_model / "evaluation.json"
    before = rendered("report.md", root)
    accuracy = re.search(r'"accuracy": (0\.\d+)', file.read_text("utf-8"))
    assert accuracy
    assert before == rendered("report.md")
    file.write_text(file.read_text("utf-8").replace(accuracy[1], "0.12345", 1), "utf-8")
    assert "is right in 12.3\u00a0%" in rendered("report.md", root)


def test_without_any_study_the_documents_say_what_to_run(tmp_path) -> None:
    from tests.docs.copies import copy_of_sources

    root = copy_of_sources(tmp_path)
    for file in (root / "models" / "studies").glob("*.json"):
        file.unlink()
    report = rendered("report.md", root)
    for command in ("mien study landmarks", "mien bias measured", "mien bias mitigate",
                    "mien study datasets", "mien study failures"):  # fmt: skip
        assert re.search(rf"ot measured yet: run `{command}", report), command
    assert "ot measured yet: run `mien study datasets" in rendered("datasets.md", root)
    assert "ot measured yet: run `mien bias mitigate" in rendered("ethics.md", root)


def test_the_slides_are_twelve_pages_each_with_a_title() -> None:
    all_pages, _ = slides.pages()
    assert len(all_pages) == 12
    assert all(re.search(r"^##? .+", page, re.M) for page in all_pages)


def test_every_picture_exists_and_every_page_with_figures_names_their_files() -> None:
    page = slides.html()
    sources = re.findall(r'<img[^>]+src="([^"]+)"', page)
    assert len(sources) >= 10
    assert [one for one in sources if not (slides.FOLDER / one).resolve().is_file()] == []
    for section, text in zip(
        re.findall(r"<section.*?</section>", page, re.S), slides.pages()[0], strict=True
    ):
        foot = re.search(r"<footer><span>(.*?)</span>", section)
        assert foot
        named = [path for path in foot[1].split(" · ") if path]
        assert bool(named) == ("\x02" in text)
        assert all((ROOT / path).is_file() for path in named)
    assert "\x02" not in page
    assert "{{" not in page
