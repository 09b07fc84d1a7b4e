"""Temperature and the threshold of "uncertain", fitted on validation images alone."""

import numpy as np
from scipy.optimize import minimize_scalar

from core.expression.classify import softmax
from core.expression.model_card import Calibration
from core.measures.accuracy import Labels
from core.types import FloatArray


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


def calibrate(logits: FloatArray, labels: Labels, *, target_accuracy: float = 0.85) -> Calibration:
    """Fit both on the logits (n, 7) and labels (n,) of the validation split."""
    temperature = round(fit_temperature(logits, labels), 4)
    probabilities = softmax(logits / np.float32(temperature))
    threshold, coverage = fit_threshold(probabilities, labels, target_accuracy)
    return Calibration(
        temperature=temperature,
        uncertain_threshold=threshold,
        target_accuracy=target_accuracy,
        coverage=round(coverage, 4),
    )
