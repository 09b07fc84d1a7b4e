"""Expression scores by LiteRT: the only place outside core/detection that runs a network."""

import hashlib
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from core.emotions import EMOTIONS
from core.errors import ModelError
from core.expression.conformal import WITHOUT_FIT, ConformalFit, load_conformal
from core.expression.model_card import Dialect, ModelCard, load_card, load_model_bytes
from core.types import Answer, EmotionScores, FaceQuality, FloatArray

# LiteRT plans its memory for one batch size. A few sizes, each with its own interpreter, cost
# a few megabytes and spare the planning on every call.
_BATCH_SIZES: Final = (1, 2, 4, 8, 16)
_SMALLEST: Final = np.float32(1e-12)  # a probability, before its logarithm


class EmotionClassifier:
    """One expression model, ready to run.

    Thread safety: an interpreter's tensors are shared state, so each is used under one lock;
    callers on other threads wait for the milliseconds that a batch takes.

    `n_threads` are LiteRT's within one call; `dialect` says whose labels are predicted, None for
    those that the card serves.

    Examples:
        >>> from core.config import ROOT
        >>> classifier = EmotionClassifier.load("mien-fast", ROOT / "models")
        >>> crops = np.zeros((2, 48, 48, 1), np.uint8)  # two faces, cut out, grey
        >>> faces = classifier.card.face_input.normalise(crops)
        >>> classifier.probabilities(faces).shape
        (2, 7)
    """

    def __init__(
        self, card: ModelCard, model: bytes, *, n_threads: int = 1, dialect: Dialect | None = None
    ) -> None:
        """Interpreters are made when first needed."""
        self.card, self.head = card, card.head(dialect or card.serves)
        self.conformal: ConformalFit = WITHOUT_FIT
        self._model, self._n_threads = model, n_threads
        self._interpreters: dict[int, Interpreter] = {}
        self._lock = threading.Lock()

    @classmethod
    def load(cls, model_id: str, models_dir: Path, *, n_threads: int = 1) -> "EmotionClassifier":
        """Read card and file, check the hash.

        Raises:
            ModelError: if the model is unknown, missing, damaged or altered.
        """
        card = load_card(model_id, models_dir)
        loaded: EmotionClassifier
        if card.members:
            members = [cls.load(name, models_dir, n_threads=n_threads) for name in card.members]
            if members_sha256(member.card for member in members) != card.sha256:
                raise ModelError(
                    f"The members of {model_id!r} are not those its card describes; "
                    "reinstall Mien."
                )
            loaded = EnsembleClassifier(card, members)
        else:
            loaded = cls(card, load_model_bytes(card, models_dir), n_threads=n_threads)
        loaded.conformal = load_conformal(model_id, models_dir)
        return loaded

    def single_view(self) -> "EmotionClassifier":
        """The same model without averaging over the mirror image."""
        card = self.card.model_copy(update={"flip_average": False})
        return self.with_card(card, self.head.dialect)

    def in_dialect(self, dialect: Dialect) -> "EmotionClassifier":
        """The same model, predicting labels of `dialect`; for measuring against such labels.

        Raises:
            ModelError: if the model has never learnt them.
        """
        return self if dialect == self.head.dialect else self.with_card(self.card, dialect)

    def with_card(self, card: ModelCard, dialect: Dialect | None = None) -> "EmotionClassifier":
        """The same network, calibrated as `card` says; its own dialect unless one is named."""
        return EmotionClassifier(card, self._model, n_threads=self._n_threads, dialect=dialect)

    def probabilities(self, faces: FloatArray) -> FloatArray:
        """Calibrated probabilities (n, 7) for normalised faces (n, S, S, C); n may be 0.

        Where the network knows "none of these", these are shares among the others.
        """
        seven = self.outcomes(faces)[:, : len(EMOTIONS)]
        return np.asarray(seven / seven.sum(axis=1, keepdims=True))

    def outcomes(self, faces: FloatArray) -> FloatArray:
        """Calibrated probabilities (n, 7), or (n, 8) where "none of these" is an outcome."""
        logits = self.logits(faces) / np.float32(self.head.temperature)
        return softmax(logits + np.asarray(self.head.bias, np.float32))

    def scores(self, faces: FloatArray) -> tuple[EmotionScores, ...]:
        """`probabilities` as one `EmotionScores` a face."""
        return tuple(EmotionScores(row) for row in self.probabilities(faces))

    def answer(self, scores: EmotionScores, quality: FaceQuality | None = None) -> Answer:
        """What people would say of a face with these scores in a picture of this quality."""
        return Answer(scores, self.conformal.labels(scores, quality))

    def logits(self, faces: FloatArray) -> FloatArray:
        """The head's logits (n, 7 or 8), averaged over the mirror image where the card says so.

        Raises:
            ValueError: if `faces` has another shape than the model's input.
        """
        spec = self.card.input
        expected = (spec.size_px, spec.size_px, spec.channels)
        if faces.ndim != 4 or faces.shape[1:] != expected:
            raise ValueError(f"faces must have shape (n, {expected}), got {faces.shape}")
        if not len(faces):
            return np.empty((0, self.head.n_outcomes), np.float32)
        if not self.card.flip_average:
            return self._run(faces)[:, self.head.logits]
        both = self._run(np.concatenate([faces, faces[:, :, ::-1]]))[:, self.head.logits]
        return np.asarray(both.reshape(2, len(faces), -1).mean(axis=0))

    def _run(self, faces: FloatArray) -> FloatArray:
        out = np.empty((len(faces), self.card.n_logits), np.float32)
        done = 0
        while done < len(faces):
            left = len(faces) - done
            size = next((size for size in _BATCH_SIZES if size >= left), _BATCH_SIZES[-1])
            part = faces[done : done + size]
            padded = np.zeros((size, *faces.shape[1:]), np.float32)
            padded[: len(part)] = part
            with self._lock:
                out[done : done + len(part)] = self._invoke(padded)[: len(part)]
            done += len(part)
        return out

    def _invoke(self, batch: FloatArray) -> FloatArray:
        """Run one batch of a planned size; the caller holds the lock."""
        interpreter = self._interpreters.get(len(batch))
        if interpreter is None:
            interpreter = self._interpreters[len(batch)] = self._plan(batch.shape)
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], batch)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))

    def _plan(self, shape: tuple[int, ...]) -> Any:
        interpreter = Interpreter(model_content=self._model, num_threads=self._n_threads)
        interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], shape)
        interpreter.allocate_tensors()
        return interpreter


class EnsembleClassifier(EmotionClassifier):
    """Several models as one: the mean of their calibrated log-probabilities.

    The geometric mean of what the members say, as in Hinton et al. 2015 (arXiv 1503.02531);
    temperature and threshold of the ensemble's own card come after it. All members have the card's
    input, and know the dialect.

    Examples:
        >>> from core.config import ROOT
        >>> two = EmotionClassifier.load("mien-ensemble", ROOT / "models")  # by its card, as any
        >>> type(two).__name__, len(two.card.members)
        ('EnsembleClassifier', 2)
    """

    def __init__(
        self,
        card: ModelCard,
        members: Sequence[EmotionClassifier],
        *,
        dialect: Dialect | None = None,
    ) -> None:
        """Keep the members; each has its own lock."""
        if any(member.card.input != card.input for member in members):
            raise ModelError(f"The members of {card.id!r} want other faces than its card says.")
        self.card, self.head = card, card.head(dialect or card.serves)
        self._members = tuple(member.in_dialect(self.head.dialect) for member in members)
        self.conformal = WITHOUT_FIT

    def logits(self, faces: FloatArray) -> FloatArray:
        """Mean log-probabilities (n, 7); each member averages views as its own card says."""
        total = np.zeros((len(faces), len(EMOTIONS)), np.float32)
        for member in self._members:
            total += np.log(np.maximum(member.probabilities(faces), _SMALLEST))
        return np.asarray(total / np.float32(len(self._members)))

    def single_view(self) -> EmotionClassifier:
        """The same members, each without averaging over the mirror image."""
        card = self.card.model_copy(update={"flip_average": False})
        members = [member.single_view() for member in self._members]
        return EnsembleClassifier(card, members, dialect=self.head.dialect)

    def with_card(self, card: ModelCard, dialect: Dialect | None = None) -> EmotionClassifier:
        """See `EmotionClassifier.with_card`; the members stay as they are."""
        return EnsembleClassifier(card, self._members, dialect=dialect)


def members_sha256(cards: Iterable[ModelCard]) -> str:
    """The hash that vouches for an ensemble: SHA-256 over its members' hashes, in order."""
    return hashlib.sha256("".join(card.sha256 for card in cards).encode()).hexdigest()


def softmax(logits: FloatArray) -> FloatArray:
    """Row-wise softmax of (n, k), without overflow."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)
