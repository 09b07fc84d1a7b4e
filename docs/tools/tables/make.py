"""Tables of models and detectors. Each gives lines, the files behind them, and a command.

Lines are empty where nothing is measured yet; the command is then what makes the files.
"""

from statistics import median
from typing import Any

from core.emotions import EMOTIONS, noun
from core.measures.corruptions import mean_accuracy
from docs.tools.measured import Measured, shown, total
from docs.tools.tables.parts import Table, interval, score, to_lines


def models(measured: Measured) -> Table:
    """All expression models on FER-2013's test split."""
    rows, paths = [], []
    for name in measured.all_expression_models():
        path, card_path = f"models/{name}/evaluation.json", f"models/{name}/card.json"
        report, card = measured.need(path), measured.need(card_path)
        robustness_path = f"models/studies/robustness_{card['id']}.json"
        robustness = measured.load(robustness_path)
        if robustness and robustness["model_sha256"] != card["sha256"]:
            robustness = None  # of an earlier file
        paths += [path, card_path, *([robustness_path] if robustness else [])]
        whole, clean = report["all"], report["without_near_duplicates"]
        rows.append([
            card["id"] if card["id"] == name else f"{card['id']} (not shipped)",
            shown(whole["accuracy"], ".1%"), interval(whole["accuracy_ci95"]),
            shown(clean["accuracy"], ".1%"), shown(whole["balanced_accuracy"], ".1%"),
            shown(whole["macro_f1"], ".3f"), shown(whole["ece"], ".3f"),
            shown(mean_accuracy(robustness), ".1%") if robustness else "–",
            shown(card["n_parameters"] / 1e6, ".2f"),
            shown(card["n_macs"] / 1e6, ",.0f") if card["n_macs"] else "–",
            shown(card["n_bytes"] / 1e6, ".1f"),
        ])  # fmt: skip
    header = ["model", "accuracy", "95 %", "no near-dup.", "balanced", "macro F1",
              "calibration error", "corrupted", "M parameters", "M MACs", "MB"]  # fmt: skip
    return to_lines(header, rows) if rows else [], paths, "mien publish"


def per_class(measured: Measured, model: str) -> Table:
    """Precision, recall and F1 of one model by expression."""
    path = f"models/{model}/evaluation.json"
    report = measured.load(path)
    if report is None:
        return [], [], measured.command(path)
    rows = [
        [noun(name), *(shown(report["all"]["per_class"][name][key], ".1%")
                       for key in ("precision", "recall", "f1")),
         str(report["all"]["per_class"][name]["support"])]
        for name in EMOTIONS
    ]  # fmt: skip
    return to_lines(["expression", "precision", "recall", "F1", "test images"], rows), [path], ""


def effort(measured: Measured) -> Table:
    """Epochs and hours that each model's training took, with the pauses that it made."""
    rows, paths, seen = [], [], set()
    for name in measured.all_expression_models():
        path = f"models/{name}/curves.json"
        curves = measured.load(path)
        card = measured.load(f"models/{name}/card.json")
        recipe = card["recipe"].get("name", name) if card else name
        if not curves or recipe in seen or "train_s" not in curves[0]:
            continue
        seen.add(recipe)
        paths.append(path)
        best = max(curves, key=lambda row: row["val_accuracy"])
        rows.append([
            recipe, str(len(curves)), shown(total(curves, "train_s"), "hours"),
            shown(median(row["train_s"] for row in curves), ".0f"),
            shown(best["val_accuracy"], ".1%"), str(best["epoch"]),
        ])  # fmt: skip
    header = [
        "recipe",
        "epochs",
        "hours by the clock",
        "median seconds an epoch",
        "best on validation",
        "in epoch",
    ]
    return (
        to_lines(header, rows) if rows else [],
        paths,
        "mien train RECIPE --data fer2013.parquet",
    )


def published(measured: Measured) -> Table:
    """Published accuracies on FER-2013, beside our default model."""
    path = "docs/report/literature.toml"
    ours = f"models/{measured.default_model}/evaluation.json"
    entries = [one for one in measured.need(path)["entry"] if one.get("on") == "FER-2013"]
    lines: list[tuple[float, list[str]]] = [
        (one["accuracy"], [f"[{one['who']}]({one['source']})", shown(one["accuracy"], ".1%"),
                           one["protocol"], one["read"]])
        for one in entries
    ]  # fmt: skip
    report, paths = measured.load(ours), [path]
    if report is not None:
        accuracy = report["all"]["accuracy"]
        card = measured.load(f"models/{measured.default_model}/card.json") or {}
        extra = _extra_data(card)
        protocol = f"private test, one model, {extra}, averaged over the mirror image"
        lines.append((accuracy, [f"**{measured.default_model}** (ours)",
                                 f"**{shown(accuracy, '.1%')}**", protocol,
                                 "measured"]))  # fmt: skip
        paths.append(ours)
    lines.sort(key=lambda line: -line[0])
    header = "| system | accuracy | protocol | read |"
    body = [f"| {' | '.join(cells)} |" for _, cells in lines]
    return [header, "|---|--:|---|---|", *body], paths, ""


def _extra_data(card: dict[str, Any]) -> str:
    if not card.get("pretraining"):
        return "no extra data"
    own_backbone = card["recipe"].get("backbone_weights")
    return "pretrained" if own_backbone else "taught by a pretrained one among others"


def confusions(measured: Measured, model: str, n: int = 8) -> Table:
    """The most common mistakes of a model."""
    path = f"models/{model}/evaluation.json"
    report = measured.load(path)
    if report is None:
        return [], [], measured.command(path)
    matrix = report["all"]["confusion"]
    wrong = sum(map(sum, matrix)) - sum(matrix[i][i] for i in range(len(matrix)))
    cells = [
        (matrix[i][j], i, j) for i in range(len(matrix)) for j in range(len(matrix)) if i != j
    ]
    cells.sort(key=lambda cell: (-cell[0], cell[1], cell[2]))
    rows = [
        [noun(EMOTIONS[i]), noun(EMOTIONS[j]), str(count), shown(count / sum(matrix[i]), ".1%"),
         shown(count / wrong, ".1%")]
        for count, i, j in cells[:n]
    ]  # fmt: skip
    header = ["label", "judged", "images", "of the label", "of all mistakes"]
    return to_lines(header, rows), [path], ""


def recipe(measured: Measured, model: str) -> Table:
    """What a model was trained with, as its card has it."""
    path = f"models/{model}/card.json"
    card = measured.load(path)
    if card is None:
        return [], [], measured.command(path)
    rows = [
        [f"`{name}`", _setting(value)]
        for name, value in card["recipe"].items()
        if value not in (None, "", []) and name not in ("name", "title", "pretraining")
    ]
    return ["| setting | value |", "|---|--:|"] + [f"| {a} | {b} |" for a, b in rows], [path], ""


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name} {_setting(part)}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def detectors(measured: Measured) -> Table:
    """All face detectors on the photos they were measured on."""
    rows, paths = [], []
    for name in measured.detectors():
        path = f"models/{name}/evaluation.json"
        report = measured.need(path)
        paths.append(path)
        rows.append([
            name, *(score(report.get(key), ".3f") for key in ("ap50", "best_f1", "precision",
                                                               "recall")),
            f"{report['n_faces']:,}",
            score(report.get("cpu_ms_per_image") or report.get("ms_per_image"), ".1f"),
        ])  # fmt: skip
    header = ["detector", "AP (overlap 0.5)", "best F1", "precision", "recall", "faces",
              "processor ms a photo"]  # fmt: skip
    command = measured.command("models/NAME/evaluation.json")
    return to_lines(header, rows) if rows else [], paths, command


def speed(measured: Measured) -> Table:
    """Milliseconds a face of each model."""
    path = "models/studies/speed.json"
    study = measured.load(path)
    if study is None:
        return [], [], measured.command(path)
    rows = [
        [name, f"{one['p50_ms']:.2f}", f"{one['p95_ms']:.2f}"]
        for name, one in study["models"].items()
    ]
    return to_lines(["model", "median, ms", "95th percentile, ms"], rows), [path], ""
