"""What the Ethics & Privacy page says, as data: each claim with its source."""

from dataclasses import dataclass
from typing import Final

CANNOT_TELL: Final = (
    ("What anybody feels.", "A face moves for many reasons: thought, pain, the sun."),
    ("What anybody thinks, intends or is like.", "No honesty, character, health, or fitness."),
    (
        "Who anybody is.",
        "Faces are not recognised or remembered.",
    ),
    ("Pain or tiredness.", "They are not among the seven and are not measured."),
    (
        "Anything to decide about a person by.",
        "No hiring, grading, treating, policing, pricing or letting in.",
    ),
)


@dataclass(frozen=True)
class Claim:
    """One finding and where it is from."""

    text: str
    source: str
    url: str


LIMITS: Final = (
    Claim(
        "People scowl in only about a third of the cases in which they are angry, and the same "
        "movement means different things in different people and situations.",
        "Barrett et al. 2019",
        "https://journals.sagepub.com/eprint/SAUES8UM69EN8TSMUGF9/full",
    ),
    Claim(
        "Over many studies, an emotion and the expression that is taken for it went together "
        "with an effect size of 0.13 for full expressions and 0.23 for partial ones.",
        "Durán and Fernández-Dols 2021",
        "https://doi.org/10.1037/emo0001015",
    ),
    Claim(
        "The expressions that people have in mind for six emotions differ between East and West.",
        "Jack et al. 2012",
        "https://doi.org/10.1073/pnas.1200155109",
    ),
    Claim(
        "People themselves agree with the labels of FER-2013, on which such models are trained "
        "and measured, in about 65 of 100 pictures.",
        "Goodfellow et al. 2013",
        "https://arxiv.org/abs/1307.0414",
    ),
    Claim(
        "Blur, noise, darkness or a partly covered face can double the errors of good models.",
        "Greco et al. 2022",
        "https://doi.org/10.1007/s11042-022-12790-7",
    ),
    Claim(
        "Expression models say that they are surer than they are, and more so on pictures that "
        "look unlike those of their training.",
        "FER-C 2023",
        "https://arxiv.org/abs/2312.11542",
    ),
)
OTHERS_BIAS: Final = (
    Claim(
        "Two players smiled equally by people's judgement; a commercial service called the white "
        "one angry in 0.1 % of the score, the Black one in 27 %.",
        "Rhue 2018",
        "https://racismandtechnology.center/2024/07/21/",
    ),
    Claim(
        "Where one gender was rare in an expression's training pictures, it was recognised up to "
        "29 points less often.",
        "Dominguez-Catena et al. 2022",
        "https://arxiv.org/abs/2210.05332",
    ),
    Claim(
        "More training pictures by augmentation made models more accurate but not fairer.",
        "Xu et al. 2020",
        "https://www.repository.cam.ac.uk/items/e06ba49f-3645-4924-9440-95b4c072b0ce",
    ),
)


@dataclass(frozen=True)
class Use:
    """A field in which somebody may want to use it, and what law and product say of it."""

    title: str
    icon: str
    verdict: str
    could: tuple[str, ...]
    law: str
    law_ids: tuple[str, ...]
    product: str


USES: Final = (
    Use(
        "Health care",
        ":material/stethoscope:",
        "high-risk, and not a medical device",
        (
            "Studies of how faces move after a palsy or an operation, with participants who "
            "agreed.",
            "Practice for people who want to see how their own expressions come across.",
        ),
        "Medical reasons are an exception to the prohibition at work and in education. What is "
        "meant to diagnose, monitor or treat is a medical device (Regulation (EU) 2017/745, "
        "article 2(1)) and needs its conformity shown first. Health data and biometric data need "
        "explicit consent or another ground of GDPR article 9.",
        ("ai_act_5_1_f", "gdpr", "ai_act_annex_iii"),
        "Mien is not a medical device and was not tested for any medical purpose. It asks for the "
        "use, says so, and keeps nothing by default.",
    ),
    Use(
        "Education",
        ":material/school:",
        "prohibited on pupils and students",
        (
            "Lessons about such systems and their errors, with sample pictures.",
            "Bias and statistics exercises on Model Metrics, which need no photo of anybody.",
        ),
        "Inferring emotions of people in education is prohibited in the European Union since "
        "2 February 2025, consent or not. Attention or mood monitoring and exam supervision "
        "belong to it.",
        ("ai_act_5_1_f",),
        "Mien refuses this use and writes down that it did, without a word on who asked.",
    ),
    Use(
        "Customer service",
        ":material/support_agent:",
        "high-risk, and people must be told",
        (
            "Tests of an advertisement or a screen with people who agreed, as counts over many.",
            "Showing visitors of an exhibition what such a system does with a face.",
        ),
        "It is not prohibited for customers, but it is high-risk, people must be told at first "
        "exposure, and a refusal must cost them nothing. Staff who come into the picture fall "
        "under the prohibition at work. Profit from biometric data is forbidden in Illinois.",
        ("ai_act_50_3", "ai_act_annex_iii", "gdpr", "bipa"),
        "Mien shows the notice before any uploader, has a *no* beside the *yes*, and passes "
        "nothing on.",
    ),
)
