"""Temperature, biases and the threshold of "uncertain", fitted on validation images alone."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from core.emotions import EMOTIONS
from core.expression.classify import softmax
from core.expression.model_card import ExpressionCalibration
from core.measures.accuracy import Labels
from core.measures.people import PeopleMeasures, measure_people
from core.types import FloatArray

# Of the agreement with people that the best-calibrated shares reach: how much may be given for
# saying the rare expressions more often.
_MAX_AGREEMENT_LOSS: Final = 0.005
_MAX_SHARE_BIAS: Final = 0.03  # of any expression's mean share
_TAUS: Final = (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0.0)
# On the squares of biases fitted to photos: of 0.001 to 0.1 the one with which most photos of a
# tenth that was left out of the fit were named as people name them, ten times over.
_PHOTO_PENALTY: Final = 0.01


def fit_temperature(logits: FloatArray, labels: Labels) -> float:
    """Temperature that minimises the cross-entropy (Guo et al. 2017, arXiv 1706.04599)."""

    def loss(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / np.exp(log_temperature)
        log_sum = np.logaddexp.reduce(scaled, axis=1)
        return float((log_sum - scaled[np.arange(len(labels)), labels]).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def fit_threshold(
    probabilities: FloatArray, labels: Labels, target_accuracy: float
) -> tuple[float, float]:
    """Smallest top probability above which accuracy reaches the target, and the coverage there.

    Returns:
        (threshold, coverage), both 0..1; (1, 0) if the target is never reached.
    """
    # Thresholds have four digits, so faces are told apart by as many: never upwards, or the
    # faces at the threshold itself would fall under it.
    confidence = np.floor(probabilities.max(axis=1).astype(np.float64) * 1e4) / 1e4
    right = probabilities.argmax(axis=1) == labels
    order = np.argsort(-confidence)
    confidence, right = confidence[order], right[order]
    accuracy = np.cumsum(right) / np.arange(1, len(labels) + 1)
    last_of_equals = np.append(confidence[1:] < confidence[:-1], True)[: len(labels)]
    reached = np.flatnonzero((accuracy >= target_accuracy) & last_of_equals)
    if not len(reached):
        return 1.0, 0.0
    last = int(reached[-1])
    return float(confidence[last]), (last + 1) / len(labels)


def calibrate(
    logits: FloatArray, labels: Labels, *, target_accuracy: float = 0.85
) -> ExpressionCalibration:
    """Fit both on the logits (n, 7) and labels (n,) of the validation split."""
    temperature = round(fit_temperature(logits, labels), 4)
    probabilities = softmax(logits / np.float32(temperature))
    threshold, coverage = fit_threshold(probabilities, labels, target_accuracy)
    return ExpressionCalibration(
        temperature=temperature,
        uncertain_threshold=threshold,
        target_accuracy=target_accuracy,
        coverage=round(coverage, 4),
    )


def fit_shares(
    logits: NDArray[Any],
    votes: NDArray[Any],
    *,
    penalty: float = 0.0,
    temperature: float | None = None,
) -> tuple[float, NDArray[np.float64]]:
    """Temperature and biases (k,) with which logits (n, k) predict shares of votes (n, k) best.

    They minimise the cross-entropy (vector scaling after Guo et al. 2017, arXiv 1706.04599, with
    one temperature), with `penalty` times the squares of the biases added. The biases undo that
    rare expressions were drawn more often in training. A `temperature` that is given stays.
    """
    wanted = votes[votes.sum(axis=1) > 0].astype(np.float64)
    given = logits[votes.sum(axis=1) > 0].astype(np.float64) / (temperature or 1)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale = np.exp(-parameters[0])
        scaled = given * scale + parameters[1:]
        log_shares = scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True)
        error = np.exp(log_shares) - wanted
        slopes = np.append(-(error * given * scale).sum(), error.sum(axis=0)) / len(given)
        slopes[0] *= temperature is None
        slopes[1:] += 2 * penalty * parameters[1:]
        value = -(wanted * log_shares).sum(axis=1).mean() + penalty * (parameters[1:] ** 2).sum()
        return float(value), slopes

    best = minimize(loss, np.zeros(1 + logits.shape[1]), jac=True, method="L-BFGS-B").x
    return (temperature or 1) * float(np.exp(best[0])), best[1:] - best[1:].mean()


def fit_people(
    logits: FloatArray,
    votes: FloatArray,
    *,
    photos: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[float, list[float], float]:
    """Calibrate the people's head on logits (n, 8) and votes (n, 8) of the validation split.

    Most majorities are happy or neutral, so calibrated shares say disgust and fear too seldom
    where these are shown on purpose. `tau` times the logarithm of each expression's share is
    taken off (Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314),
    as much as costs next to no agreement and keeps the mean shares right. Where the network
    learned from photos, `photos`, logits and votes (m, 8) of those kept out of training, say
    instead how often each expression is seen; the votes still say how much people differ.

    Returns:
        temperature, biases (8,), and the tau that was chosen.
    """
    temperature, bias = fit_shares(logits, votes)
    if photos is not None:
        _, bias = fit_shares(*photos, penalty=_PHOTO_PENALTY, temperature=temperature)
        return temperature, _rounded(bias), 0.0
    prior = votes[votes.sum(axis=1) > 0].mean(axis=0)[: len(EMOTIONS)]
    adjustment = np.append(np.log(prior / prior.sum()), 0.0)

    def measured(tau: float) -> PeopleMeasures:
        shares = softmax((logits / temperature + bias - tau * adjustment).astype(np.float32))
        seven = shares[:, : len(EMOTIONS)]
        return measure_people(votes, seven / seven.sum(axis=1, keepdims=True))

    found = {tau: measured(tau) for tau in _TAUS}
    calibrated = [tau for tau in _TAUS if _worst_bias(found[tau]) <= _MAX_SHARE_BIAS]
    aim = found[0.0].clear_agreement - _MAX_AGREEMENT_LOSS
    tau = next((tau for tau in calibrated if found[tau].clear_agreement >= aim), 0.0)
    return temperature, _rounded(bias - tau * adjustment), tau


def _rounded(bias: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 4) for value in bias - bias.mean()]


def _worst_bias(measures: PeopleMeasures) -> float:
    return max(abs(value) for value in measures.share_bias.values())
