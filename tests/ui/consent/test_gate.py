"""Nothing is taken before somebody agreed, and kept is exactly what was allowed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db.errors import StoreBusyError
from services.admin.review import Action
from services.person.consent import current_notice, withdraw_by_code
from services.person.context_of_use import CONTEXTS
from services.person.export import look_up
from services.store import Store
from tests.helpers.agree import AGREE, AGREE_AND_KEEP, TITLES, agree
from tests.ui.tools import (
    ASTRONAUT,
    HOPPER,
    button,
    choose_sample,
    code_of,
    details,
    kept,
    labels,
    logged,
    photos_of,
    text_of,
    upload,
)

OpenPage = Callable[[str], AppTest]


def choose(app: AppTest, context: str) -> AppTest:
    return app.pills(key="consent_context").set_value(context).run()


def test_the_notice_and_the_button_that_keeps_nothing_stand_before_any_uploader(
    open_page: OpenPage, store: Store
) -> None:
    app = open_page("upload")
    assert len(app.file_uploader) == 0
    text = current_notice(store).text.partition("\n")[2]
    for part in text.split("\n---\n"):
        assert part.strip() in text_of(app)
    assert app.pills(key="consent_context").value is None
    assert [box.value for box in app.checkbox] == [False] * 3
    for box, title in zip(app.checkbox, TITLES.values(), strict=True):
        assert box.label.startswith(f"**{title}**")
    assert "30 days" in app.checkbox[0].label
    order = labels(app)
    assert order.index("No, thank you") == order.index(AGREE) + 1, "refusing is as near"


def test_one_click_analyses_and_keeps_nothing_whatever_is_ticked(
    open_page: OpenPage, store: Store
) -> None:
    """The button is the act: what it says is what is written down."""
    app = open_page("upload")
    app.checkbox(key="consent_keep_image").check()
    app = button(app, AGREE).click().run()
    assert len(app.file_uploader) == 3
    assert len(app.code) == 0, "no receipt code, as nothing is kept"
    given = details(store, Action.CONSENT_GIVEN)
    assert [json.loads(row) for row in given] == [
        {"analyse": True, "keep_result": False, "keep_image": False, "evaluation": False,
         "context": "personal"}
    ]  # fmt: skip


@pytest.mark.parametrize("context", [c.key for c in CONTEXTS.values() if c.allowed])
def test_an_allowed_use_is_explained_and_let_in(
    open_page: OpenPage, store: Store, context: str
) -> None:
    app = choose(open_page("upload"), context)
    assert CONTEXTS[context].explanation in text_of(app)
    app = agree(app, context=context)
    assert not app.exception
    assert len(app.file_uploader) == 3
    assert logged(store, Action.CONSENT_GIVEN) == 1


@pytest.mark.parametrize("context", ["work", "education"])
def test_work_and_education_are_refused_with_the_reason_and_logged_once(
    open_page: OpenPage, store: Store, context: str
) -> None:
    app = choose(open_page("upload"), context)
    assert CONTEXTS[context].explanation in text_of(app)
    assert "5(1)(f)" in text_of(app)
    assert "since 2 February 2025" in text_of(app)
    assert len(app.checkbox) == len(app.file_uploader) == 0
    assert not {AGREE, AGREE_AND_KEEP} & set(labels(app))
    app = app.run()
    assert logged(store, Action.USE_REFUSED_ART5) == 1
    assert logged(store, Action.CONSENT_GIVEN) == logged(store, Action.CONSENT_REFUSED) == 0
    # Somebody who had picked the wrong line can still go on.
    assert len(agree(app).file_uploader) == 3


def test_keeping_needs_something_ticked_and_says_so_beside_its_button(
    open_page: OpenPage, store: Store
) -> None:
    app = button(open_page("upload"), AGREE_AND_KEEP).click().run()
    assert "Tick what may be kept" in text_of(app)
    assert len(app.file_uploader) == 0
    assert logged(store, Action.CONSENT_GIVEN) == 0


def test_a_no_stands_beside_the_yes_and_is_written_down(open_page: OpenPage, store: Store) -> None:
    app = button(open_page("upload"), "No, thank you").click().run()
    assert "nothing is kept" in text_of(app)
    assert len(app.file_uploader) == 0
    assert logged(store, Action.CONSENT_REFUSED) == 1


def test_taking_back_is_one_click_on_the_same_page(open_page: OpenPage, store: Store) -> None:
    """As giving is."""
    app = agree(open_page("upload"))
    assert len(app.file_uploader) == 3
    app = button(app, "I no longer agree").click().run()
    assert len(app.file_uploader) == 0
    assert "took your consent back" in text_of(app)
    assert [box.value for box in app.checkbox] == [False] * 3
    assert logged(store, Action.CONSENT_WITHDRAWN) == 1


@pytest.mark.parametrize(
    ("keep", "results", "images"),
    [
        ((), 0, 0),
        (("evaluation",), 0, 0),
        (("keep_result",), 1, 0),
        (("keep_image",), 0, 1),
        (("keep_result", "keep_image", "evaluation"), 1, 1),
    ],
)
def test_kept_is_exactly_what_was_allowed(
    open_page: OpenPage, store: Store, keep: tuple[str, ...], results: int, images: int
) -> None:
    app = upload(agree(open_page("upload"), *keep))
    assert not app.exception
    assert "would say happy" in text_of(app)
    assert kept(store) == (results, images)
    assert logged(store, Action.ANALYSED) == 1
    anything = bool(results or images)
    assert len(app.code) == anything
    assert ("only way back" in text_of(app)) == anything
    if anything:
        view = look_up(store, code_of(app))
        assert {p.value for p, s in view.states.items() if s.value == "given"} == {
            "analyse",
            *keep,
        }
    app = app.run()  # a look at the page again is no new analysis
    assert kept(store) == (results, images)
    assert logged(store, Action.ANALYSED) == 1


def test_what_a_person_called_the_file_is_not_kept(
    open_page: OpenPage, store: Store, data_dir: Path
) -> None:
    app = agree(open_page("upload"), "keep_result", "keep_image")
    app = upload(app, name="needle-in-a-name.jpg")
    (analysis,) = look_up(store, code_of(app)).analyses
    assert set(analysis.result) == {
        "width", "height", "faces", "model", "detector", "timings_ms", "notes",
    }  # fmt: skip
    for file in data_dir.rglob("*"):
        assert not file.is_file() or b"needle-in-a-name" not in file.read_bytes()


def test_another_model_keeps_another_result_but_the_image_once(
    open_page: OpenPage, store: Store
) -> None:
    app = upload(agree(open_page("upload"), "keep_result", "keep_image"))
    model = app.selectbox(key="upload_model")
    app = model.select_index(1 if model.index == 0 else 0).run(timeout=120)
    assert not app.exception
    assert kept(store) == (2, 1)


def test_samples_need_no_consent_and_are_nobodys(open_page: OpenPage, store: Store) -> None:
    app = open_page("upload")
    app = choose_sample(app)
    assert "would say happy" in text_of(app)
    app = agree(app, "keep_result", "keep_image")
    assert "would say happy" in text_of(app)
    assert kept(store) == (0, 0)
    assert logged(store, Action.ANALYSED) == 0


def test_what_is_withdrawn_elsewhere_ends_here(open_page: OpenPage, store: Store) -> None:
    app = upload(agree(open_page("upload"), "keep_result"))
    withdraw_by_code(store, code_of(app))
    app = app.run()
    assert len(app.file_uploader) == 0
    assert "took your consent back" in text_of(app)
    assert "would say happy" not in text_of(app)
    assert not photos_of(app).results


def test_withdrawing_here_deletes_what_was_kept(open_page: OpenPage, store: Store) -> None:
    app = upload(agree(open_page("upload"), "keep_result", "keep_image"))
    code = code_of(app)
    app = button(app, "I no longer agree").click().run()
    assert kept(store) == (1, 1), "it asks before it deletes"
    app = button(app, "Take back and delete").click().run()
    assert "Deleted: 1 image, 1 result." in text_of(app)
    assert kept(store) == (0, 0)
    assert code not in text_of(app)
    assert len(app.code) == 0


def test_nothing_is_shown_that_could_not_be_written_down(
    open_page: OpenPage, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_args: Any, **_options: Any) -> None:
        raise StoreBusyError("The store is busy; wait a few seconds and try again.")

    app = agree(open_page("upload"), "keep_result")
    with monkeypatch.context() as patch:
        patch.setattr("services.analysis.records.record_analysis", busy)
        app = upload(app)
        assert "The store is busy" in text_of(app)
        assert "would say happy" not in text_of(app)
        assert kept(store) == (0, 0)
    app = app.run()
    assert "would say happy" in text_of(app)
    assert kept(store) == (1, 0)


def test_one_consent_for_many_photos(open_page: OpenPage, store: Store) -> None:
    app = agree(open_page("upload"), "keep_image")
    app.file_uploader[0].upload("one.jpg", ASTRONAUT, "image/jpeg")
    app = app.file_uploader[0].upload("two.jpg", HOPPER, "image/jpeg").run()
    assert "2 photos, 2 faces" in text_of(app)
    assert kept(store) == (0, 2)


def test_a_policy_of_no_days_is_not_offered(open_page: OpenPage, store: Store) -> None:
    from db.types import AdminIdentity
    from services.admin.review import Kind, set_retention

    for kind in (Kind.RESULT, Kind.IMAGE):
        set_retention(store, kind, 0, admin=AdminIdentity("admin:test", "test", "password"))
    app = open_page("upload")
    assert not app.checkbox
    assert AGREE_AND_KEEP not in labels(app)


def test_other_pages_ask_only_for_what_they_do(open_page: OpenPage) -> None:
    app = open_page("webcam")
    assert not app.checkbox
    app = agree(app)
    assert not app.exception
    assert "I no longer agree" in labels(app)
    app = app.switch_page("pages/upload.py").run()
    assert len(app.file_uploader) == 3
