"""The sample pictures show what their names say, to the model that a visitor meets first."""

from core.expression.answer import short
from services.analysis.photos import analyse_bytes
from tests.paths import ROOT
from ui.photos.samples import SAMPLES
from ui.shared.resources import analyzer, settings

SAID = {
    "Smiling": "happy",
    "Angry": "angry",
    "Disgusted": "disgust",
    "Afraid": "fear",
    "Sad": "sad",
    "Surprised": "surprise",
}


def said(title: str) -> list[str]:
    engine = analyzer(settings().default_model, settings().default_detector)
    result = analyse_bytes(title, SAMPLES[title].path.read_bytes(), engine, settings())
    assert result.analysis is not None
    return [short(face.answer) for face in result.analysis.faces]


def test_every_expression_a_group_and_a_hard_case_are_there() -> None:
    assert {title: said(title) for title in SAID} == {
        title: [label] for title, label in SAID.items()
    }
    group = said("A group")
    assert len(group) == 6
    assert "neutral" in group
    (hard,) = said("A hard one")
    assert " or " in hard, "people would be split"


def test_each_has_a_source_and_is_small() -> None:
    sources = (ROOT / "samples" / "README.md").read_text()
    for sample in SAMPLES.values():
        assert sample.file in sources
        assert sample.path.stat().st_size < 100_000
        assert ("drawing" in sample.about.lower() or "drawn" in sample.about.lower()) == (
            "drawn" in sample.file
        )
