"""Tables of what was tried in training; as `docs.tools.tables.make`, from models/studies/."""

from docs.tools.measured import Measured, shown, total
from docs.tools.tables.parts import Table, interval, to_lines
from training.recipes.base import Recipe
from training.recipes.catalogue import load_recipe


def pruning(measured: Measured, model: str) -> Table:
    """Accuracy, size and speed by share of weights that are zero."""
    path = f"models/studies/pruning_{model}.json"
    study = measured.load(path)
    if study is None:
        return [], [], measured.command(path)
    steps: dict[float, dict[str, dict[str, float]]] = {}
    for row in study["rows"]:
        steps.setdefault(row["target_sparsity"], {})[row["precision"]] = row
    rows = [
        [
            shown(zeros, ".0%"), shown(step["float32"]["accuracy"], ".1%"),
            shown(step["int8"]["accuracy"], ".1%"), shown(step["int8"]["bytes"] / 1e6, ".2f"),
            shown(step["int8"]["bytes_gzipped"] / 1e6, ".2f"),
            shown(step["int8"]["ms_per_face"], ".2f"),
        ]
        for zeros, step in sorted(steps.items())
    ]  # fmt: skip
    header = ["zeros", "accuracy, 32-bit floats", "accuracy, 8-bit integers", "MB (8-bit)",
              "MB compressed (8-bit)", "ms a face (8-bit)"]  # fmt: skip
    return to_lines(header, rows), [path], ""


def trials(measured: Measured, name: str) -> Table:
    """Short trainings side by side, the best first."""
    path = f"models/studies/trials_{name}.json"
    study = measured.load(path)
    if study is None:
        return [], [], measured.command(path)
    ordered = sorted(study["rows"], key=lambda row: -row["accuracy"])
    rows = [
        [
            row["trial"], shown(row["accuracy"], ".1%"), interval(row["accuracy_ci95"]),
            shown(row["parameters"] / 1e6, ".2f"), shown(row["macs"] / 1e6, ",.0f"),
        ]
        for row in ordered
    ]  # fmt: skip
    header = ["trial", "accuracy", "95 %", "M parameters", "M MACs"]
    return to_lines(header, rows), [path], ""


def cosines(measured: Measured, model: str) -> Table:
    """The recipes that made a model, one after another, and how far each of them got.

    Args:
        measured: the measured files.
        model: folder under models/, as `mien-fast` or `unshipped/resnet50`.
    """
    path, of = f"models/{model}/curves.json", f"models/{model}/card.json"
    curves, card = measured.load(path), measured.load(of)
    if curves is None or card is None:
        return [], [], measured.command(path)
    rows = []
    for recipe in _chain(card["recipe"]["name"]):
        part, curves = curves[: recipe.epochs], curves[recipe.epochs :]
        best = max(row["val_accuracy"] for row in part)
        rows.append(
            [f"`{recipe.name}`", shown(recipe.learning_rate, "g"),
             ", ".join(f"`{name}`" for name in recipe.teachers) or "labels alone",
             str(len(part)), shown(total(part, "train_s") / 3600, ".1f"), shown(best, ".1%")]
        )  # fmt: skip
    header = ["recipe", "highest rate", "taught by", "epochs", "hours", "validation, one view"]
    return to_lines(header, rows), [path, of], ""


def _chain(name: str) -> list[Recipe]:
    """The recipe, after those whose weights it began from."""
    recipe = load_recipe(name)
    return [*(_chain(recipe.start_from) if recipe.start_from else []), recipe]
