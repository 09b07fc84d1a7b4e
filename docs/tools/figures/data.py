"""The data of each chart, as JSON would hold it, from measured files."""

from typing import Any

import numpy as np

from core.emotions import EMOTIONS, noun
from core.measures.curves import coverage_accuracy, load_predictions
from core.measures.curves import reliability as reliability_table
from docs.tools.measured import Measured, NotMeasuredError

Data = dict[str, Any]
# A chart has no room for "a neutral expression".
_NAMES = ["neutral" if name == "neutral" else noun(name) for name in EMOTIONS]


def class_balance(measured: Measured) -> Data:
    """Training images by expression, and how many taggers agree with the label."""
    train = measured.need("models/studies/dataset_facts.json")["fer2013"]["splits"]["train"]
    return {
        "expressions": _NAMES,
        "images": [train["per_class"][name] for name in EMOTIONS],
        "agreement": [
            train["ferplus"]["per_class"].get(name, {}).get("agreement") for name in EMOTIONS
        ],
    }


def training(measured: Measured) -> Data:
    """Accuracy on the validation split by epoch, a line for each recipe."""
    lines: dict[str, Any] = {}
    for name in measured.all_expression_models():
        if not measured.load(f"models/{name}/curves.json"):
            continue  # an ensemble has no training of its own
        card = measured.load(f"models/{name}/card.json") or {}
        curves = measured.need(f"models/{name}/curves.json")
        line = {
            "epoch": [row["epoch"] for row in curves],
            "validation": [row["val_accuracy"] for row in curves],
        }
        lines.setdefault(card.get("recipe", {}).get("name", name), line)
    return {"lines": lines}


def confusion(measured: Measured) -> Data:
    """Counts of label against verdict."""
    report = measured.need(f"models/{measured.default_model}/evaluation.json")
    return {
        "expressions": _NAMES,
        "counts": report["all"]["confusion"],
    }


def reliability(measured: Measured) -> Data:
    """Confidence against accuracy, and accuracy against the share that is judged."""
    card = measured.load(f"models/{measured.default_model}/card.json") or {}
    path = f"models/{measured.default_model}/predictions.npz"
    predictions = load_predictions(measured.root / "models" / measured.default_model)
    if predictions is None:
        raise NotMeasuredError(path, measured.command(path))
    measured.needed.append(path)
    # In double precision, so that bins are the same on every processor.
    probabilities: Any = predictions.probabilities.astype(np.float64)
    table = reliability_table(predictions.labels, probabilities)
    thresholds = np.arange(0, 100, 5) / 100
    coverage = coverage_accuracy(predictions.labels, probabilities, thresholds)
    coverage = coverage[coverage["n"] >= 30]
    return {
        **{name: table[name].tolist() for name in ("confidence", "accuracy", "low", "high", "n")},
        "coverage": coverage["coverage"].tolist(),
        "coverage_accuracy": coverage["accuracy"].tolist(),
        "threshold": card["calibration"]["uncertain_threshold"],
    }


def robustness(measured: Measured) -> Data:
    """Accuracy by corruption and level."""
    study = measured.need(f"models/studies/robustness_{measured.default_model}.json")
    names = list(dict.fromkeys(row["corruption"] for row in study["rows"]))
    levels = sorted({row["level"] for row in study["rows"]})
    found = {(row["corruption"], row["level"]): row["accuracy"] for row in study["rows"]}
    return {
        "corruptions": names,
        "levels": levels,
        "accuracy": [[found[name, level] for level in levels] for name in names],
        "clean": study["clean_accuracy"],
    }


def detectors(measured: Measured) -> Data:
    """Precision against recall of each detector."""
    reports = {
        name: measured.need(f"models/{name}/evaluation.json") for name in measured.detectors()
    }
    return {
        "curves": {
            name: {
                "recall": report["curve"]["recall"],
                "precision": report["curve"]["precision"],
                "ap50": report["ap50"],
            }
            for name, report in reports.items()
        }
    }


def landmarks(measured: Measured) -> Data:
    """Share of faces by error of the points, and accuracy under wrong points."""
    study = measured.need("models/studies/landmarks.json")
    wrong = [
        row
        for row in study["e1"]["rows"]
        if row["set"] == "FER-2013 test" and row["noise"] == "gaussian"
    ]
    return {
        "curves": study["accuracy"]["curves"],
        "noise": {
            name: {
                "level": [row["level"] for row in wrong if row["aligned_by"] == name],
                "accuracy": [row["accuracy"] for row in wrong if row["aligned_by"] == name],
            }
            for name in dict.fromkeys(row["aligned_by"] for row in wrong)
        },
    }


def groups(measured: Measured) -> Data:
    """Share judged right by measured property, with intervals."""
    study = measured.need(f"models/studies/bias_measured_{measured.default_model}.json")
    rows = [
        [attribute["name"], *(group[key] for key in ("group", "n", "share", "low", "high"))]
        for attribute in study["attributes"]
        for group in attribute["outcomes"][0]["groups"]
    ]
    return {"rows": rows, "overall": study["attributes"][0]["outcomes"][0]["overall"]}
