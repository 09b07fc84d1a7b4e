"""Model cards: what a shipped expression model is, read from `models/<id>/card.json`.

Follows Mitchell et al. 2019, "Model Cards for Model Reporting" (arXiv 1810.03993), as far as a
machine needs it; `models/<id>/README.md` says the same to people.
"""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from core.emotions import EMOTIONS
from core.errors import ModelError, UnknownModelError, damage_is
from core.pictures.face_input import EyesMouth, FaceInput


class InputSpec(BaseModel, frozen=True, extra="forbid"):
    """The classifier's input, as `FaceInput` takes it: a square of `size_px` with `channels`."""

    size_px: int
    channels: int
    scale: float
    offset: float
    geometry: EyesMouth


class ExpressionCalibration(BaseModel, frozen=True, extra="forbid"):
    """What turns logits into probabilities that can be believed; fitted on validation images.

    Attributes:
        temperature: logits are divided by it (Guo et al. 2017, arXiv 1706.04599).
        uncertain_threshold: below this top probability the app says "uncertain".
        target_accuracy: accuracy aimed at on the faces that are not uncertain, 0..1.
        coverage: share of the validation faces that are not uncertain, 0..1.
    """

    temperature: float = Field(gt=0)
    uncertain_threshold: float = Field(ge=0, le=1)
    target_accuracy: float
    coverage: float


# Whose labels a network predicts: FER-2013's own, or what people say of a face.
Dialect = Literal["fer2013", "people"]
N_LABELS: Final = len(EMOTIONS)


class Head(BaseModel, frozen=True, extra="forbid"):
    """One part of a network's output: the logits of one label dialect, and their calibration.

    Attributes:
        dialect: whose labels it predicts.
        first: index of its first logit in the output.
        n_outcomes: 7, or 8 where the last outcome is "none of these".
        temperature: logits are divided by it (Guo et al. 2017, arXiv 1706.04599).
        bias: (n_outcomes,) added after that; it sets how often each outcome is said at all.
        tau: how much of the logarithm of each outcome's frequency the bias takes off.
    """

    dialect: Dialect
    first: int = 0
    n_outcomes: int = N_LABELS
    temperature: float = Field(gt=0)
    bias: list[float] = [0.0] * N_LABELS
    tau: float = 0.0

    @property
    def logits(self) -> slice:
        """Where its logits stand in the output."""
        return slice(self.first, self.first + self.n_outcomes)


class TrainingData(BaseModel, frozen=True, extra="forbid"):
    """The set a model was trained on (`n_train` faces of it), and the terms of its use."""

    name: str
    source: str
    terms: str
    n_train: int
    known_flaws: list[str]


class ModelCard(BaseModel, frozen=True, extra="forbid"):
    """One shipped model. Unknown fields are an error: a card says nothing unread.

    Attributes:
        members: ids of the models that an ensemble averages; it has no file of its own.
        file: name of the model's file; empty for ensembles and for models too heavy to ship.
        teachers: what the model was distilled from, in words; empty where it was not.
        pretraining: what its weights, or its teachers', had learnt from before; empty if nothing.
        heads: parts of the output, one a label dialect; empty for FER-2013's labels alone, whose
            temperature is then `calibration`'s.
        serves: the dialect of the answer that people get.
        further_data: sets that were learnt from besides `data`.

    Examples:
        >>> from core.config import ROOT
        >>> card = load_card("mien-fast", ROOT / "models")
        >>> card.input
        InputSpec(size_px=48, channels=1, scale=0.015625, offset=-2.0, geometry=EyesMouth(...))
        >>> card.calibration
        ExpressionCalibration(temperature=..., uncertain_threshold=..., ...)
        >>> card.head(card.serves)  # its eighth outcome is "none of these"
        Head(dialect='people', first=7, n_outcomes=8, ...)
        >>> card.data
        TrainingData(name='FER-2013, train split', ..., n_train=28697, ...)
    """

    id: str
    title: str
    file: str
    sha256: str
    n_bytes: int
    n_parameters: int
    n_macs: int
    precision: str
    labels: list[str]
    input: InputSpec
    flip_average: bool
    members: list[str] = []
    teachers: list[str] = []
    pretraining: str = ""
    calibration: ExpressionCalibration
    heads: list[Head] = []
    serves: Dialect = "fer2013"
    data: TrainingData
    further_data: list[TrainingData] = []
    recipe: dict[str, Any]
    licence: str
    intended_use: str
    prohibited_use: str
    high_risk_class: str
    limits: list[str]

    def head(self, dialect: Dialect) -> Head:
        """The part of the output that predicts labels of `dialect`.

        Raises:
            ModelError: if the model has never learnt them.
        """
        heads = self.heads or [Head(dialect="fer2013", temperature=self.calibration.temperature)]
        for head in heads:
            if head.dialect == dialect:
                return head
        known = " and ".join(head.dialect for head in heads)
        raise ModelError(f"Model {self.id!r} predicts labels of {known} only, not of {dialect}.")

    @property
    def n_logits(self) -> int:
        """Length of the network's output for one face."""
        return max((head.logits.stop for head in self.heads), default=N_LABELS)

    @cached_property
    def face_input(self) -> FaceInput:
        """The object that cuts and normalises faces for this model."""
        return FaceInput(**dict(self.input))


# Folder below `models_dir` for what is described, but too heavy to ship. The file is there only
# where `mien publish --unshipped` wrote it; git ignores it.
UNSHIPPED = "unshipped"
UNSHIPPED_FILE = "model.tflite"


def model_ids(models_dir: Path) -> tuple[str, ...]:
    """Ids of the expression models under `models_dir`, sorted."""
    return tuple(sorted(card.parent.name for card in models_dir.glob("*/card.json")))


def with_unshipped(model_id: str, models_dir: Path) -> Path:
    """Where a command of training looks for a model: `models_dir`, or its `unshipped/`."""
    unshipped = models_dir / UNSHIPPED
    return unshipped if model_id in model_ids(unshipped) else models_dir


def load_card(model_id: str, models_dir: Path) -> ModelCard:
    """Read the card of one model.

    Raises:
        UnknownModelError: if there is no such model; the message lists those there are.
        ModelError: if the card is damaged or for other labels than `EMOTIONS`.

    Examples:
        >>> from core.config import ROOT
        >>> load_card("mien-fast", ROOT / "models").labels[3]
        'happy'
    """
    known = model_ids(models_dir)
    if model_id not in known:
        names = ", ".join(known) or "none at all"
        raise UnknownModelError(f"There is no model {model_id!r}; shipped are: {names}.")
    with damage_is(ModelError(f"The card of model {model_id!r} is damaged; reinstall Mien.")):
        text = (models_dir / model_id / "card.json").read_text(encoding="utf-8")
        card = ModelCard.model_validate_json(text)
        if card.id != model_id:
            raise ValueError(f"card of {card.id!r} in the folder of {model_id!r}")
    if tuple(card.labels) != EMOTIONS:
        raise ModelError(f"Model {model_id!r} has other labels than {', '.join(EMOTIONS)}.")
    return card


def load_model_bytes(card: ModelCard, models_dir: Path) -> bytes:
    """The model file's bytes, after checking that they are those the card vouches for.

    Raises:
        ModelError: if the file is missing or its SHA-256 differs.
    """
    try:
        content = (models_dir / card.id / (card.file or UNSHIPPED_FILE)).read_bytes()
    except OSError as exc:
        why = "missing; reinstall Mien" if card.file else "not shipped; see docs/guides/train.md"
        raise ModelError(f"The file of model {card.id!r} is {why}.") from exc
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise ModelError(
            f"The file of model {card.id!r} is not the one its card describes; reinstall Mien."
        )
    return content
