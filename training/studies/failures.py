"""The mistakes of which a model was surest, on FER-2013's validation split: no pixels, only names.

Validation and not test, because people look at these images to describe them.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

from core.emotions import EMOTIONS
from core.expression.classify import EmotionClassifier
from core.measures.evaluation import judge
from training.data.fer2013 import load_rows, load_split
from training.data.votes import FERPLUS

N_LISTED: Final = 24


def failure_study(data: Path, classifier: EmotionClassifier, *, command: str) -> dict[str, Any]:
    """Counts, and the surest mistakes: name in the set, label, verdict, score.

    Of FER+'s ten votes the shares for label and verdict, None where there are none.
    """
    faces = load_split(data, "validation")
    frame = load_rows(data, "validation", ["name", "ferplus_votes"])
    probabilities = judge(classifier, faces.images)
    verdicts, scores = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(verdicts != faces.labels)
    surest = wrong[np.argsort(-scores[wrong], kind="stable")]
    rows = [
        {
            "name": str(frame["name"].iloc[index]),
            "label": EMOTIONS[faces.labels[index]],
            "judged": EMOTIONS[verdicts[index]],
            "score": round(float(scores[index]), 3),
            "votes_label": _vote(
                frame["ferplus_votes"].iloc[index], EMOTIONS[faces.labels[index]]
            ),
            "votes_judged": _vote(frame["ferplus_votes"].iloc[index], EMOTIONS[verdicts[index]]),
        }
        for index in surest
    ]
    voted = [row for row in rows if row["votes_label"] is not None]
    surest_voted = [row for row in rows[:N_LISTED] if row["votes_label"] is not None]
    return {
        "command": command,
        "dataset": "FER-2013, validation (PublicTest)",
        "model_id": classifier.card.id,
        "model_sha256": classifier.card.sha256,
        "n": len(faces.labels),
        "n_wrong": len(rows),
        "n_wrong_with_votes": len(voted),
        "n_taggers_side_with_model": _n_for_model(voted),
        "n_taggers_side_with_label": sum(r["votes_judged"] < r["votes_label"] for r in voted),
        "n_listed_with_votes": len(surest_voted),
        "n_listed_side_with_model": _n_for_model(surest_voted),
        "rows": rows[:N_LISTED],
    }


def _n_for_model(rows: list[dict[str, Any]]) -> int:
    return sum(row["votes_judged"] > row["votes_label"] for row in rows)


def _vote(votes: Any, emotion: str) -> float | None:
    if votes is None or np.isscalar(votes):
        return None
    return round(float(votes[FERPLUS.index(emotion)] / max(sum(votes), 1)), 3)
