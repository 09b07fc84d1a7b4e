"""Ethics & Privacy as a visitor sees it: what is said, and what a receipt code is good for."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from streamlit.testing.v1 import AppTest

from core.measures.groups.breakdown import AttributeReport, BiasReport, Outcome
from services.admin.review import Action
from services.person.consent import current_policy
from services.person.context_of_use import legal_dates
from services.person.export import look_up
from services.store import Store
from tests.db.fixtures import FakeClock
from tests.helpers.agree import agree
from tests.ui.tools import (
    READABLE,
    button,
    code_of,
    kept,
    labels,
    logged,
    photos_of,
    text_of,
    upload,
)
from ui.privacy import public as privacy_public
from ui.privacy.flow import ends, flow_html, steps
from ui.privacy.texts import TEXTS
from ui.shared.resources import settings

OpenPage = Callable[[str], AppTest]
PARTS = ("Your photo", "Limits", "Law and uses", "Policy", "My consents", "Admin")


@pytest.fixture
def part(open_page: OpenPage) -> Callable[..., AppTest]:
    """Opens a part of the page, in a new session or in the one of `app`."""

    def open_part(name: str, app: AppTest | None = None) -> AppTest:
        if app is None:
            app = open_page("ethics_privacy")
        else:
            app = app.switch_page("pages/ethics_privacy.py").run()
        app = app.segmented_control(key="privacy_section").set_value(name).run()
        assert not app.exception
        return app

    return open_part


def type_code(app: AppTest, code: str) -> AppTest:
    app.text_input(key="privacy_code_asked").input(code)
    app = button(app, "Look up").click().run()
    assert not app.exception
    return app


@pytest.fixture
def code(open_page: OpenPage, store: Store) -> str:
    """Of a person who keeps a result and an image."""
    app = upload(agree(open_page("upload"), "keep_result", "keep_image", "evaluation"))
    assert kept(store) == (1, 1)
    return code_of(app)


def test_every_part_opens_and_none_promises_too_much(part: Callable[..., AppTest]) -> None:
    for name in PARTS:
        text = text_of(part(name)).lower()
        assert "unbiased" not in text
        assert not re.search(r"you (feel|are) (happy|sad|angry)", text)


def test_the_way_of_a_photo_is_lists_that_can_be_read_aloud(part: Callable[..., AppTest]) -> None:
    shown = [html.value for html in part("Your photo").get("html")]
    (picture,) = [value for value in shown if value == flow_html(30, 30)]
    for step in (*steps(), *ends(30, 30)):
        assert f"<b>{step.title}</b>{step.words}</li>" in picture


def test_what_is_not_offered_is_not_in_the_picture() -> None:
    assert "Not offered here" in flow_html(0, 0)
    assert "image 7 days" in flow_html(0, 7)
    assert "result" not in ends(0, 7)[1].words


def test_limits_name_their_sources(part: Callable[..., AppTest]) -> None:
    text = text_of(part("Limits"))
    for claim in (*TEXTS.limits, *TEXTS.others_bias):
        assert claim.url.startswith("https://")
        assert claim.text in text
        assert f"[{claim.source}]({claim.url})" in text


def bias_report(source: Literal["measured", "annotated"]) -> BiasReport:
    outcome = Outcome(
        key="accuracy", title="judged right", family="primary", better="high", n=0, overall=None,
        groups=[], gap=None,
    )  # fmt: skip
    attribute = AttributeReport(
        name="the attribute", source=source, note="", outcomes=[outcome], further=[]
    )
    return BiasReport(
        title="The study", kind="error", dataset="pictures", n=5, model_id="m", model_sha256="0",
        command="mien", caveats=[], attributes=[attribute], intersections=[],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reports", "open_question"),
    [
        ([], True),
        ([bias_report("measured")], True),  # of the picture, not of the person
        ([bias_report("measured"), bias_report("annotated")], False),
    ],
)
def test_bias_between_people_is_shown_or_said_to_be_unmeasured(
    part: Callable[..., AppTest],
    monkeypatch: pytest.MonkeyPatch,
    reports: list[BiasReport],
    open_question: bool,
) -> None:
    monkeypatch.setattr(privacy_public, "bias_reports", lambda: reports)
    app = part("Limits")
    assert ("not measured yet" in text_of(app)) == open_question
    assert len(app.dataframe) == bool(reports)  # one table of all, whatever was measured
    if reports:
        assert len(app.dataframe[0].value) == len(reports)


def test_limits_are_those_of_the_default_model_once(part: Callable[..., AppTest]) -> None:
    found = privacy_public.bias_reports()
    assert found
    assert {one.model_id for one in found} == {settings().default_model}
    assert len({one.dataset + one.title for one in found}) == len(found)
    app = part("Limits")
    assert len(app.get("plotly_chart")) == len(app.warning) == 1


@pytest.mark.parametrize("name", ["Limits", "Law and uses", "Your photo", "Policy"])
def test_a_part_says_its_point_in_few_words(part: Callable[..., AppTest], name: str) -> None:
    """At most 300 words before something is unfolded."""
    app = part(name)
    folded = {id(e) for box in app.expander for kind in READABLE for e in box.get(kind)}
    shown = [e.value for kind in READABLE for e in app.get(kind) if id(e) not in folded]
    marks = r"(?s)<style>.*?</style>|<[^>]*>|\]\([^)]*\)|:[a-z-]+\["
    text = re.sub(marks, " ", " ".join(map(str, shown)))
    assert len(re.findall(r"\w+", text)) <= 300


def test_dates_of_law_come_from_the_data_file(part: Callable[..., AppTest]) -> None:
    app = part("Law and uses")
    text = text_of(app)
    known = legal_dates()
    assert f"as of {known.as_of:%d %B %Y}".replace(" 0", " ") in text
    for entry in known.dates:
        assert f"{entry.applies_from:%d %B %Y}".lstrip("0") in text
        assert entry.says in text
    assert {use.title for use in TEXTS.uses} == {"Health care", "Education", "Customer service"}
    for use in TEXTS.uses:
        assert use.law in text
        assert set(use.law_ids) <= {entry.id for entry in known.dates}


def test_the_policy_is_a_page_and_a_file(part: Callable[..., AppTest], store: Store) -> None:
    app = part("Policy")
    policy = current_policy(store)
    text = " ".join(text_of(app).split())
    for paragraph in policy.text.partition("\n")[2].strip().split("\n\n"):
        assert " ".join(paragraph.split()) in text
    assert [b.label for b in app.download_button] == ["Policy (Markdown)"]


@pytest.mark.parametrize("typed", ["", "K7Q2M-00000-00000-00000", "no code at all", "' or 1=1 --"])
def test_a_wrong_code_gets_one_sentence(
    part: Callable[..., AppTest], code: str, store: Store, typed: str
) -> None:
    app = type_code(part("My consents"), typed)
    assert ("Type the code" if not typed else "Nothing is kept under this code") in text_of(app)
    assert "Erase everything" not in labels(app)
    assert kept(store) == (1, 1)
    assert logged(store, Action.ERASURE_REQUESTED) == 0


def test_the_code_shows_what_is_kept_however_it_is_typed(
    part: Callable[..., AppTest], code: str
) -> None:
    app = type_code(part("My consents"), f"  {code.lower().replace('-', ' ')} ")
    text = text_of(app)
    assert "**What is kept:** 1 result, 1 image" in text
    assert labels(app).count("Take back") == 4
    assert {b.label for b in app.download_button} == {"Everything as ZIP", "Receipt (JSON)"}
    assert app.dataframe[-1].value["people would say"].tolist() == ["happy"]


def test_one_purpose_can_be_taken_back(
    part: Callable[..., AppTest], code: str, store: Store
) -> None:
    app = type_code(part("My consents"), code)
    app = app.button(key="take_back_keep_image").click().run()
    assert "Deleted: 1 image." in text_of(app)
    assert kept(store) == (1, 0)
    assert "**What is kept:** 1 result, 0 images" in text_of(app)
    app = app.button(key="take_back_analyse").click().run()
    assert "Deleted: 1 result." in text_of(app)
    assert kept(store) == (0, 0)
    assert "Take back" not in labels(app)
    assert "was erased" in text_of(type_code(app, code))


def test_erasing_asks_once_more_and_says_deleted_only_then(
    part: Callable[..., AppTest], code: str, store: Store
) -> None:
    app = type_code(part("My consents"), code)
    app = button(app, "Erase everything").click().run()
    assert "Nobody can undo this" in text_of(app)
    assert kept(store) == (1, 1)
    app = app.button(key="privacy_erase_no").click().run()
    assert kept(store) == (1, 1)
    app = button(app, "Erase everything").click().run()
    app = app.button(key="privacy_erase_yes").click().run()
    assert not app.exception
    assert "Deleted: 1 image, 1 result." in text_of(app)
    assert kept(store) == (0, 0)
    assert "Deleted: 1 image, 1 result." in text_of(type_code(app, code))
    assert "Nothing is kept" in text_of(type_code(app, "K7Q2M-00000-00000-00000"))


def test_an_erasure_that_is_not_finished_is_called_so(
    part: Callable[..., AppTest], code: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = type_code(part("My consents"), code)
    app = button(app, "Erase everything").click().run()
    with monkeypatch.context() as patch:
        patch.setattr("db.consent.erasure.erase_traces", lambda _engine: False)
        app = app.button(key="privacy_erase_yes").click().run()
        text = text_of(app)
        assert "not finished" in text
        assert "Deleted" not in text
        assert "not finished" in text_of(type_code(app, code))
    assert "Deleted: 1 image, 1 result." in text_of(type_code(app, code))


def test_erasing_ends_the_session_that_it_concerns(
    open_page: OpenPage, part: Callable[..., AppTest], store: Store
) -> None:
    app = upload(agree(open_page("upload"), "keep_image"))
    code = code_of(app)
    app = type_code(part("My consents", app), code)
    app = button(app, "Erase everything").click().run()
    app = app.button(key="privacy_erase_yes").click().run()
    assert "Deleted: 1 image" in text_of(app)
    assert "privacy_code" not in app.session_state
    assert not photos_of(app).results
    consent = app.session_state["ui.consent.session.SessionConsent"]
    assert (consent.given, consent.in_passing, consent.images_kept) == (None, None, set())
    app = app.switch_page("pages/upload.py").run()
    assert len(app.file_uploader) == 0


def test_a_consent_can_be_gone_on_with(
    open_page: OpenPage, part: Callable[..., AppTest], code: str, store: Store
) -> None:
    app = type_code(part("My consents"), code)
    app = button(app, "Go on under this consent").click().run()
    assert "go on with Upload" in text_of(app)
    app = upload(app.switch_page("pages/upload.py").run(), name="second.jpg")
    assert "would say happy" in text_of(app)
    assert kept(store) == (2, 2)
    assert code_of(app) == code


def test_what_ran_out_is_gone_before_anybody_looks(
    clock: FakeClock, part: Callable[..., AppTest], code: str, store: Store, data_dir: Path
) -> None:
    def images() -> list[Path]:
        return [file for file in (data_dir / "images").rglob("*") if file.is_file()]

    clock.forward(days=29, hours=23)
    assert "1 result, 1 image" in text_of(type_code(part("My consents"), code))
    assert len(images()) == 1
    clock.forward(hours=1)
    app = type_code(part("My consents"), code)
    assert "Nothing is kept under this code" in text_of(app)
    assert kept(store) == (0, 0)
    assert logged(store, Action.PURGED) >= 1
    assert images() == []


def test_the_receipt_on_the_page_is_the_record_as_it_stands(
    part: Callable[..., AppTest], code: str, store: Store
) -> None:
    from services.person.receipt import as_json, receipt_of_subject

    app = type_code(part("My consents"), code)
    app = app.button(key="take_back_evaluation").click().run()
    view = look_up(store, code)
    record = json.loads(as_json(receipt_of_subject(view, controller=store.controller)))
    states = {entry["purpose"]: entry["state"] for entry in record["processing"]["purposes"]}
    assert states["evaluation"] == "withdrawn"
    assert "Use for evaluation – withdrawn" in text_of(app)
