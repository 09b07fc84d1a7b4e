"""The data sets that are used here: what each is, its terms, its parts, and what its labels mean.

The cards of models, the data cards in docs/datasets.md and the messages about a file that is
missing say what stands here.
"""

from dataclasses import dataclass
from typing import Final, Literal

from core.expression.model_card import ModelCard, TrainingData

Dialect = Literal["fer2013", "people", "none"]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """One set.

    Attributes:
        file: how the file is called in this project's commands.
        made_by: who and when; `link` is where they tell of it.
        collected: where pictures and labels came from; empty where `made_by` says so.
        splits: its parts, and what each is for.
        dialect: what a label is: FER-2013's word, what people say, or no expression at all.
        flaws: what a model's card says of it.
        research_only: whether a model that learned from it is for research alone, and never the
            default.

    Examples:
        >>> SETS["rafdb"].research_only, SETS["votes"].research_only
        (True, False)
    """

    name: str
    file: str
    holds: str
    made_by: str
    terms: str
    splits: str
    used_for: str
    link: str = ""
    collected: str = ""
    dialect: Dialect = "none"
    flaws: tuple[str, ...] = ()
    research_only: bool = False

    def on_card(self, part: str, n_train: int) -> TrainingData:
        """What a model's card says of a part of the set that it learned from."""
        return TrainingData(
            name=f"{self.name}{part}",
            source=", ".join(filter(None, (self.made_by, self.link))),
            terms=f"{self.terms} No image of it is in this repository.",
            n_train=n_train,
            known_flaws=list(self.flaws),
        )

    def learned_by(self, cards: list[ModelCard]) -> list[str]:
        """Ids of the models that learned from it, members of an ensemble not counted again."""
        return [
            card.id
            for card in cards
            if not card.members
            and any(data.name.startswith(self.name) for data in (card.data, *card.further_data))
        ]

    def missing(self, option: str) -> str:
        """The sentence for a run that needs the set and was not given it."""
        return (
            f"{self.name} is needed: say `{option}` and its file ({self.file}). "
            f"{self.terms} Where it comes from: docs/datasets.md."
        )


SETS: Final[dict[str, DataSet]] = {
    "fer2013": DataSet(
        name="FER-2013",
        file="fer2013.parquet, or Kaggle's csv or folders",
        holds="faces of 48 × 48 grey pixels with one of seven expressions",
        made_by="Goodfellow et al. 2013, for a contest at ICML",
        link="https://arxiv.org/abs/1307.0414",
        collected="web image search for words of emotion, faces cut by a program, labels checked "
        "by few people",
        terms="Research use, as Kaggle distributes it; nobody in it was asked.",
        splits="train (learning), validation (PublicTest: choices), test (PrivateTest: read by "
        "the evaluation alone)",
        dialect="fer2013",
        used_for="training, validation and test of the expression models",
        flaws=(
            "Labels come from search words and few people: human agreement with them is about "
            "65 %.",
            "Near-duplicates across the splits: 310 of 3,589 test images have one in training.",
            "Disgust has 436 training images, happiness 7,215.",
            "Posed and stock photographs; who is in them is not recorded.",
        ),
    ),
    "votes": DataSet(
        name="FER+ votes",
        file="fer2013_votes.parquet, or Microsoft's fer2013new.csv",
        holds="ten people's votes on each image of FER-2013: seven expressions, contempt, "
        "unknown, not a face",
        made_by="Barsoum et al. 2016, Training deep networks for facial expression recognition "
        "with crowd-sourced label distribution",
        link="https://arxiv.org/abs/1608.01041",
        terms="MIT licence; the images stay FER-2013's.",
        splits="FER-2013's",
        dialect="people",
        used_for="the people's heads, their calibration, and how often models say what people say",
        flaws=(
            "Ten taggers a face, recruited on a crowd-sourcing market; who they are is not "
            "recorded.",
            "Fear and disgust are the majority of few votes: 4 and 2 % of them.",
        ),
    ),
    "rafdb": DataSet(
        name="RAF-DB",
        file="rafdb.parquet",
        holds="real photos of faces with one of seven basic expressions, some forty annotators a "
        "photo",
        made_by="Li, Deng and Du 2017, Reliable Crowdsourcing and Deep Locality-Preserving "
        "Learning for Expression Recognition in the Wild (CVPR)",
        terms="Given on request for non-commercial research, not to be passed on.",
        splits="train (a tenth of it is held out for choices), test (read by the evaluation "
        "alone); images nearly the same as one of FER-2013's validation or test split were left "
        "out",
        dialect="people",
        used_for="how models do on photos; training of models for research, never of the default",
        flaws=(
            "Photos of people from the web, who were not asked.",
            "Fear has 253 of the faces that are learnt from, happiness 4,289.",
        ),
        research_only=True,
    ),
    "wider": DataSet(
        name="WIDER FACE",
        file="wider_train.parquet and wider_val.parquet",
        holds="photos with boxes around all faces, flags for blur, covering, pose, light",
        made_by="Yang et al. 2016, from a web image search for events",
        link="https://arxiv.org/abs/1511.06523",
        terms="Non-commercial research (CC BY-NC-ND).",
        splits="train (learning and choices), validation (figures)",
        used_for="measuring face detectors, and training our own",
        research_only=True,
    ),
    "helen": DataSet(
        name="HELEN",
        file="helen68.parquet",
        holds="faces with 68 points, annotated again by iBUG for 300-W",
        made_by="Le et al. 2012, points by Sagonas et al. 2013; photos from Flickr",
        terms="Research only.",
        splits="train (fitting the map of points), test (figures)",
        used_for="errors of landmarks, and the linear map from the mesh to 68 points",
        research_only=True,
    ),
    "utkface": DataSet(
        name="UTKFace",
        file="utkface.parquet",
        holds="faces with age, gender and race",
        made_by="Zhang, Song and Qi 2017; web photos, labels estimated by a program and checked "
        "by people",
        terms="Non-commercial research.",
        splits="none here: drawn so that groups are of like size",
        used_for="disparities of detection and verdicts by annotated group, and an annotator that "
        "is thrown away",
        research_only=True,
    ),
}
