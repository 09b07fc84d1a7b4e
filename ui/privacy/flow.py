"""The way of a photo as boxes of a grid: a row on wide screens, a column on phones."""

import html
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One box of the picture; `tone` is its class in frame.css: gone, kept or log."""

    title: str
    words: str
    tone: str = ""


def steps() -> tuple[Step, ...]:
    """The way that every photo takes."""
    return (
        Step("You", "read the notice, say what it is for, choose what you allow"),
        Step("Your photo", "goes to the computer that serves this page, nowhere else"),
        Step("Faces", "are found; hidden data (place, time, camera) is dropped"),
        Step("Seven scores", "say how many people would name each expression"),
        Step("Your screen", "shows picture and scores to you alone"),
    )


def ends(result_days: int, image_days: int) -> tuple[Step, ...]:
    """What can become of it afterwards; the days are those in force, 0 for not offered."""
    offered = [
        f"{what} {days} days"
        for what, days in (("result", result_days), ("image", image_days))
        if days
    ]
    kept = f"Locked with a key of your own: {', '.join(offered)}. With your code you can see it, "
    kept += "take it with you or have it erased at once. Then the key is destroyed."
    return (
        Step(
            "Forgotten – if you tick nothing more",
            "Both live in working memory alone. The photo goes when you leave its page, the "
            "scores when you forget them or close it.",
            "gone",
        ),
        Step("Kept – only what you ticked", kept if offered else "Not offered here.", "kept"),
        Step(
            "One line in the log – always",
            "Time, purposes, a random number. No name, no address, no picture, no score.",
            "log",
        ),
    )


def flow_html(result_days: int, image_days: int) -> str:
    """Both lists for `st.html`; days for which results and images are kept, 0 for not offered."""
    return _boxes("ol", "way", steps()) + _boxes("ul", "ends", ends(result_days, image_days))


def _boxes(tag: str, name: str, found: tuple[Step, ...]) -> str:
    items = "".join(
        f'<li class="{step.tone}"><b>{html.escape(step.title)}</b>{html.escape(step.words)}</li>'
        for step in found
    )
    return f'<{tag} class="mien-flow mien-{name}">{items}</{tag}>'
