"""Figure data to SVG with matplotlib: one function for each kind of chart."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import PercentFormatter

INK, QUIET, ACCENT, SOFT = "#16212B", "#8A8F94", "#0F766E", "#E6F2F0"
STYLE = Path(__file__).with_name("mien.mplstyle")
Data = dict[str, Any]
_DOTS: Data = {"color": ACCENT, "linestyle": "-", "marker": "o", "markersize": 4, "capsize": 2}
_CENTRED: Data = {"ha": "center", "va": "center", "zorder": 3}
_ARROW = {"arrowstyle": "-|>", "color": QUIET}


def save(kind: str, data: Data, size_inches: tuple[float, float], file: Path) -> None:
    """Draw `data` as `kind`, one of the functions below, into an SVG that carries it."""
    with mpl.rc_context(fname=STYLE):
        figure = Figure(figsize=size_inches, layout="constrained")
        globals()[kind](figure, data)
        carried = json.dumps(data, ensure_ascii=False)
        # Without a date and with fixed ids, drawing the same again gives the same file.
        figure.savefig(file, metadata={"Date": None, "Description": carried}, facecolor="white")


def _percent(*axes: Axis) -> None:
    for axis in axes:
        axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


def _heatmap(axes: Axes, shares: list[list[float]], *, highest: float, light: float) -> None:
    """Shares as colours with their per cent; above `light` these are white."""
    axes.imshow(shares, cmap="GnBu", vmin=0, vmax=highest)
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            colour = "white" if share > light else INK
            axes.text(j, i, f"{100 * share:.0f}", ha="center", va="center", color=colour)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def class_balance(figure: Figure, data: Data) -> None:
    """Bars of images and of agreement."""
    left, right = figure.subplots(1, 2, sharey=True)
    names = data["expressions"]
    left.barh(names, data["images"], color=ACCENT)
    left.bar_label(left.containers[0], fmt="{:,.0f}", padding=3)
    left.set(xlabel="training images", xlim=(0, 1.2 * max(data["images"])))
    right.barh(names, [value or 0 for value in data["agreement"]], color="#0072B2")
    for place, value in enumerate(data["agreement"]):
        text = "no votes" if value is None else f"{100 * value:.0f} %"
        right.text((value or 0) + 0.02, place, text, va="center")
    right.set(xlabel="most of ten taggers agree with the label", xlim=(0, 1.15))
    _percent(right.xaxis)
    left.invert_yaxis()


def training(figure: Figure, data: Data) -> None:
    """Lines over epochs."""
    axes = figure.subplots()
    for name, line in data["lines"].items():
        axes.plot(line["epoch"], line["validation"], label=name, linewidth=2)
    axes.set(xlabel="epoch", ylabel="accuracy on the validation split")
    _percent(axes.yaxis)
    axes.legend(loc="lower right")


def confusion(figure: Figure, data: Data) -> None:
    """Shares of each true label, with counts."""
    axes = figure.subplots()
    counts, names = data["counts"], data["expressions"]
    shares = [[value / max(sum(row), 1) for value in row] for row in counts]
    _heatmap(axes, shares, highest=1, light=0.55)
    labels = [f"{name} ({sum(row):,})" for name, row in zip(names, counts, strict=True)]
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="judged, in % of the row", ylabel="true label (images)")


def reliability(figure: Figure, data: Data) -> None:
    """Confidence against accuracy; accuracy against coverage."""
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=QUIET, linestyle="--", label="ideal")
    right_share = np.array(data["accuracy"])
    error = [right_share - data["low"], np.array(data["high"]) - right_share]
    label = "test images in bins, 95 %"
    left.errorbar(data["confidence"], right_share, yerr=error, label=label, **_DOTS)
    left.set(xlabel="top score", ylabel="judged right", xlim=(0, 1), ylim=(0, 1.02))
    left.legend(loc="upper left")
    right.plot(data["coverage"], data["coverage_accuracy"], marker="o", markersize=4)
    right.set(xlabel="faces that are judged, the others are uncertain", ylabel="of them right")
    _percent(left.xaxis, left.yaxis, right.xaxis, right.yaxis)


def robustness(figure: Figure, data: Data) -> None:
    """Accuracy by corruption and strength."""
    axes = figure.subplots()
    values, names = data["accuracy"], data["corruptions"]
    _heatmap(axes, values, highest=max(data["clean"], 0.01), light=0.6 * data["clean"])
    axes.set_aspect("auto")
    axes.set_xticks(range(len(data["levels"])), data["levels"])
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel=f"strength; untouched images: {100 * data['clean']:.0f} %")
    axes.set_title("accuracy in %", loc="left", fontsize=9)


def detectors(figure: Figure, data: Data) -> None:
    """Precision against recall."""
    axes = figure.subplots()
    for name, curve in data["curves"].items():
        label = name if curve["ap50"] is None else f"{name} (AP {curve['ap50']:.3f})"
        axes.plot(curve["recall"], curve["precision"], label=label, linewidth=2)
    axes.set(
        xlabel="recall: annotated faces that are found",
        xlim=(0, 1),
        ylim=(0, 1.02),
        ylabel="precision: boxes that hold a face",
    )
    _percent(axes.xaxis, axes.yaxis)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))


def landmarks(figure: Figure, data: Data) -> None:
    """Cumulative errors; accuracy under wrong points."""
    left, right = figure.subplots(1, 2)
    for name, curve in data["curves"].items():
        left.plot(curve["error"], curve["share"], label=name)
    left.set(xlabel="mean error, in distances of the outer eyes", ylabel="faces with at most this")
    left.legend(loc="lower right", fontsize=8)
    for name, line in data["noise"].items():
        label = f"aligned by {name}"
        right.plot(line["level"], line["accuracy"], label=label, marker="o", markersize=4)
    right.set(
        xlabel="noise put on the points, same unit",
        ylabel="expressions judged right",
        ylim=(0.5, 0.8),
    )
    right.legend(loc="lower left", fontsize=8)
    _percent(left.xaxis, left.yaxis, right.xaxis, right.yaxis)


def groups(figure: Figure, data: Data) -> None:
    """Dots with intervals, a block for each property."""
    axes = figure.subplots()
    place, ticks, labels, seen = 0.0, [], [], ""
    for name, group, n, share, low, high in data["rows"]:
        if name != seen:
            place += 0.3 if seen else 0
            ticks.append(place)
            labels.append(f"$\\bf{{{name.replace(' ', '~')}}}$")
            place, seen = place + 1, name
        if share is not None and low is not None:
            axes.errorbar(share, place, xerr=[[share - low], [high - share]], **_DOTS)
        ticks.append(place)
        labels.append(f"{group} ({n:,})")
        place += 1
    axes.axvline(data["overall"], color=QUIET, linestyle="--")
    axes.set_yticks(ticks, labels)
    axes.set(xlabel="judged right, 95 % intervals; dashed: all test images")
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    _percent(axes.xaxis)


# Where each room stands, and what is said of it.
_ROOMS = {
    "pages": ((0.3, 0.9), "five pages, Home.py"),
    "ui": ((0.3, 0.67), "Streamlit only here"),
    "cli": ((0.66, 0.67), "the mien command"),
    "services": ((0.24, 0.41), "use-cases"),
    "training": ((0.84, 0.41), "Keras only here"),
    "db": ((0.16, 0.13), "consent, audit, erasure"),
    "core": ((0.62, 0.13), "image in, analysis out; LiteRT"),
}


def _box(axes: Axes, x: float, y: float, size: tuple[float, float], colour: str) -> None:
    width, height = size
    look: Data = {"fc": colour, "ec": ACCENT, "boxstyle": "round,pad=0.008", "zorder": 2}
    axes.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, **look))


def system(figure: Figure, data: Data) -> None:
    """Rooms as boxes, imports as arrows."""
    axes = figure.subplots()
    for source, target in data["edges"]:
        (x0, y0), (x1, y1) = _ROOMS[source][0], _ROOMS[target][0]
        if y0 == y1:
            start, end = (x0 + 0.15, y0), (x1 - 0.15, y1)
        else:
            start, end = (x0 + 0.25 * (x1 - x0), y0 - 0.065), (x1 - 0.1 * (x1 - x0), y1 + 0.065)
        axes.annotate("", end, start, zorder=1, arrowprops=_ARROW)
    for room in data["rooms"]:
        (x, y), words = _ROOMS[room]
        _box(axes, x, y, (0.28, 0.11), SOFT if room != "core" else "#CDE6E2")
        axes.text(x, y + 0.02, room, weight="bold", **_CENTRED)
        axes.text(x, y - 0.03, words, fontsize=7.5, **_CENTRED)
    axes.set(xlim=(0, 1), ylim=(0.02, 1))
    axes.axis("off")


def imports(figure: Figure, data: Data) -> None:
    """A mark in the row of each folder for every folder that it imports."""
    axes, folders = figure.subplots(), data["folders"]
    cells = [[0] * len(folders) for _ in folders]
    for row, column in data["edges"]:
        cells[row][column] = 1 if column > row else 2
    axes.imshow(cells, ListedColormap(["white", ACCENT, "#D55E00"]), vmin=0, vmax=2, aspect="auto")
    axes.plot([-0.5, len(folders) - 0.5], [-0.5, len(folders) - 0.5], color=QUIET, linewidth=1)
    rooms = [folder.partition("/")[0] for folder in folders]
    for place in range(1, len(rooms)):
        if rooms[place] != rooms[place - 1]:
            axes.axhline(place - 0.5, color=QUIET, linewidth=0.6)
            axes.axvline(place - 0.5, color=QUIET, linewidth=0.6)
    axes.set_yticks(range(len(folders)), folders, fontsize=6)
    axes.set_xticks(range(len(folders)), folders, fontsize=6, rotation=90)
    axes.xaxis.tick_top()
    axes.set(ylabel="imports", xlim=(-0.5, len(folders) - 0.5), ylim=(len(folders) - 0.5, -0.5))
    axes.tick_params(length=0)
    axes.grid(visible=False)


def data_flow(figure: Figure, data: Data) -> None:
    """Steps from top to bottom, with module and remark."""
    axes = figure.subplots()
    steps = data["steps"]
    for index, (what, module, remark) in enumerate(steps):
        y = len(steps) - index
        _box(axes, 0.36, y, (0.66, 0.52), SOFT)
        axes.text(0.36, y + 0.1, what, weight="bold", fontsize=8.5, **_CENTRED)
        axes.text(0.36, y - 0.15, module, fontsize=7.5, family="monospace", **_CENTRED)
        axes.text(0.73, y, remark, va="center", fontsize=8, color="#4A555E")
        if index:
            axes.annotate("", (0.36, y + 0.29), (0.36, y + 0.71), arrowprops=_ARROW)
    axes.set(xlim=(0, 1.06), ylim=(0.5, len(steps) + 0.5))
    axes.axis("off")
