"""One network, two label dialects: which logits become whose probabilities."""

import numpy as np
import pytest

from core.errors import ModelError
from core.expression.classify import EmotionClassifier, EnsembleClassifier, softmax
from core.expression.model_card import Head, ModelCard
from core.types import FloatArray
from tests.helpers.faces import card_dict

LABELS = [float(i) for i in range(7)]
PEOPLE = [3.0, 2.0, 1.0, 0.0, -1.0, -2.0, -3.0, 4.0]
FACES = np.zeros((2, 48, 48, 1), np.float32)


class Fixed(EmotionClassifier):
    """A network that says the same of every face."""

    def _run(self, faces: FloatArray) -> FloatArray:
        return np.tile(np.float32(LABELS + PEOPLE), (len(faces), 1))

    def with_card(self, card: ModelCard, dialect: str | None = None) -> EmotionClassifier:
        return Fixed(card, b"", dialect=dialect)


def two_headed(**changes: object) -> ModelCard:
    heads = [
        Head(dialect="fer2013", temperature=2.0),
        Head(
            dialect="people", first=7, n_outcomes=8, temperature=0.5, bias=[0, 0, 0, 1, 0, 0, 0, 0]
        ),
    ]
    card = ModelCard.model_validate(card_dict())
    return card.model_copy(update={"heads": heads, "serves": "people", **changes})


def test_the_head_that_the_card_serves_answers_and_none_of_these_is_left_out() -> None:
    scaled = np.float32(PEOPLE) / 0.5 + np.float32([0, 0, 0, 1, 0, 0, 0, 0])
    outcomes = np.exp(scaled) / np.exp(scaled).sum()
    classifier = Fixed(two_headed(), b"")
    np.testing.assert_allclose(classifier.outcomes(FACES), [outcomes] * 2, rtol=1e-5)
    shares = classifier.probabilities(FACES)
    np.testing.assert_allclose(shares, [outcomes[:7] / outcomes[:7].sum()] * 2, rtol=1e-5)


def test_a_measurement_against_search_words_asks_the_other_head() -> None:
    classifier = Fixed(two_headed(), b"").in_dialect("fer2013")
    np.testing.assert_allclose(
        classifier.probabilities(FACES), softmax(np.float32([LABELS] * 2) / 2.0), rtol=1e-5
    )
    assert classifier.single_view().head.dialect == "fer2013"


def test_an_ensemble_asks_the_same_head_of_its_members() -> None:
    member = Fixed(two_headed(), b"")
    card = two_headed(heads=[Head(dialect=d, temperature=1.0) for d in ("fer2013", "people")])
    whole = EnsembleClassifier(card, [member, member])
    np.testing.assert_allclose(whole.probabilities(FACES), member.probabilities(FACES), rtol=1e-4)
    np.testing.assert_allclose(
        whole.in_dialect("fer2013").probabilities(FACES),
        member.in_dialect("fer2013").probabilities(FACES),
        rtol=1e-4,
    )


def test_a_model_that_never_learnt_what_people_say_says_so() -> None:
    card = ModelCard.model_validate(card_dict())
    assert card.head("fer2013").temperature == card.calibration.temperature
    with pytest.raises(ModelError, match=r"predicts labels of fer2013 only, not of people"):
        Fixed(card, b"", dialect="people")


def test_no_faces_are_no_rows() -> None:
    assert Fixed(two_headed(), b"").probabilities(FACES[:0]).shape == (0, 7)
