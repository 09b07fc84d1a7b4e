"""The way of a photo as boxes of a grid: a row on wide screens, a column on phones."""

import html
from dataclasses import dataclass
from typing import Final, Literal

Tone = Literal["way", "gone", "kept", "log"]

# Borders at 3:1 on both grounds; never colour alone, each box says what it is.
TONES: Final[dict[Tone, str]] = {
    "way": "#14948A",
    "gone": "#82878D",
    "kept": "#C77700",
    "log": "#3B82C4",
}
_STYLE: Final = """<style>
.mien-flow{display:grid;gap:1.6rem 1.4rem;margin:0 0 1.6rem!important;list-style:none}
.mien-flow{padding:0!important}
.mien-flow li{position:relative;border:1.6px solid;border-radius:.6rem;margin:0}
.mien-flow li{padding:.6rem .8rem}
.mien-flow b{display:block;margin-bottom:.2rem}
.mien-way li+li::before,.mien-ends li::before{position:absolute;opacity:.6;line-height:1}
.mien-ends li::before{content:"↓";left:50%;top:-1.4rem}
@media(min-width:761px){.mien-way{grid-template-columns:repeat(5,1fr)}
.mien-ends{grid-template-columns:repeat(3,1fr)}
.mien-way li+li::before{content:"→";left:-1.25rem;top:45%}}
@media(max-width:760px){.mien-way li+li::before{content:"↓";left:50%;top:-1.4rem}
.mien-ends{padding-left:1.4rem!important}}
</style>"""


@dataclass(frozen=True)
class Step:
    """One box of the picture."""

    title: str
    words: str
    tone: Tone = "way"


def steps() -> tuple[Step, ...]:
    """The way that every photo takes."""
    return (
        Step("You", "read the notice, say what it is for, choose what you allow"),
        Step("Your photo", "goes to the computer that serves this page, nowhere else"),
        Step("Faces", "are found; hidden data (place, time, camera) is dropped"),
        Step("Seven scores", "say how much each expression resembles a prototype"),
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
            "Photo and scores live in working memory and go when you leave or take the next one.",
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
    way = _boxes("ol", "mien-way", steps())
    return _STYLE + way + _boxes("ul", "mien-ends", ends(result_days, image_days))


def _boxes(tag: str, name: str, found: tuple[Step, ...]) -> str:
    items = "".join(
        f'<li style="border-color:{TONES[step.tone]};background:{TONES[step.tone]}1a">'
        f"<b>{html.escape(step.title)}</b>{html.escape(step.words)}</li>"
        for step in found
    )
    return f'<{tag} class="mien-flow {name}">{items}</{tag}>'
