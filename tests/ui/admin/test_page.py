"""The admin part: seen by nobody but signed-in admins, and what they can do there."""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from streamlit.testing.v1 import AppTest

from db.errors import StoreError
from db.types import Choices, ConsentState, Kind
from services.admin.review import Action, retention_policies
from services.admin.sign_in import create_admin, set_admin_disabled, sign_in
from services.person.consent import current_notice, current_policy, give
from services.store import Store
from tests.db.fixtures import QUICK_HASHER, FakeClock
from tests.helpers.agree import agree
from tests.ui.tools import button, kept, labels, logged, text_of, upload
from ui.admin import cookie

OpenPage = Callable[[str], AppTest]
PASSWORD = "a long enough password"
# A section [auth] in which nothing is weak.
PROVIDER = {
    "client_id": "mien",
    "cookie_secret": "0123456789abcdef" * 4,
    "redirect_uri": "https://mien.example.org/oauth2callback",
    "server_metadata_url": "https://id.example.org/.well-known/openid-configuration",
}
REVIEW = ("Today", "Consents", "Stored", "Retention", "Removals", "Audit log")


@pytest.fixture
def admin_page(open_page: OpenPage) -> Callable[[], AppTest]:
    def open_it() -> AppTest:
        app = open_page("ethics_privacy")
        return app.segmented_control(key="privacy_section").set_value("Admin").run()

    return open_it


@pytest.fixture
def account(store: Store) -> str:
    create_admin(store, "ada", PASSWORD, by="operator", hasher=QUICK_HASHER)
    return "ada"


def enter(app: AppTest, password: str = PASSWORD, name: str = "Ada ") -> AppTest:
    app.text_input(key="admin_name").input(name)
    app.text_input(key="admin_password").input(password)
    app = button(app, "Sign in").click().run()
    assert not app.exception
    return app


def shows_review(app: AppTest) -> bool:
    return "admin_part" in [control.key for control in app.segmented_control]


def table(app: AppTest, column: str) -> pd.DataFrame:
    """The first table on the page that has this column."""
    return next(one.value for one in app.dataframe if column in one.value.columns)


def part(app: AppTest, name: str) -> AppTest:
    app = app.segmented_control(key="admin_part").set_value(name).run()
    assert not app.exception
    return app


@pytest.fixture
def inside(admin_page: Callable[[], AppTest], account: str) -> AppTest:
    app = enter(admin_page())
    assert shows_review(app)
    return app


def consents(store: Store, *, yes: int, no: int) -> None:
    notice_id = current_notice(store).id
    for choices in [Choices(analyse=True, keep_result=True)] * yes + [Choices()] * no:
        give(store, choices, context="personal", notice_id=notice_id)


def test_without_accounts_it_says_how_to_make_one_and_shows_nothing(
    admin_page: Callable[[], AppTest],
) -> None:
    app = admin_page()
    assert "mien admin create" in text_of(app)
    assert not shows_review(app)
    assert len(app.text_input) == 0


def test_strangers_see_a_form_and_nothing_else(
    admin_page: Callable[[], AppTest], account: str, store: Store
) -> None:
    app = enter(admin_page(), "a wrong password!")
    assert "Name or password is wrong" in text_of(app)
    assert not shows_review(app)
    assert len(app.dataframe) == len(app.metric) == 0
    assert logged(store, Action.SIGN_IN_FAILED) == 1


def test_five_wrong_passwords_lock_even_the_right_one_out(
    clock: FakeClock, admin_page: Callable[[], AppTest], account: str, store: Store
) -> None:
    app = admin_page()
    for _ in range(5):
        app = enter(app, "a wrong password!")
    assert "Too many failed attempts" in text_of(app)
    app = enter(app)
    assert "Too many failed attempts" in text_of(app)
    assert not shows_review(app)
    assert logged(store, Action.SIGN_IN_LOCKED) == 1
    clock.forward(minutes=15)
    assert shows_review(enter(app))


def test_every_part_of_the_review_opens_empty_and_full(
    inside: AppTest, store: Store, open_page: OpenPage
) -> None:
    for name in REVIEW:
        part(inside, name)
    upload(agree(open_page("upload"), "keep_result", "keep_image"))
    for name in REVIEW:
        app = part(inside, name)
        if name == "Stored":
            assert [metric.value for metric in app.metric] == ["1", "1"]
    assert logged(store, Action.SIGNED_IN) == 1


def test_the_password_does_not_stay_in_the_session(inside: AppTest) -> None:
    assert "admin_password" not in inside.session_state


def test_signing_out_closes_the_part(inside: AppTest, store: Store) -> None:
    app = button(inside, "Sign out").click().run()
    assert not shows_review(app)
    assert not shows_review(app.run())
    assert logged(store, Action.SIGNED_OUT) == 1


@pytest.mark.parametrize(
    ("wait", "inside_still"), [({"minutes": 14}, True), ({"minutes": 16}, False)]
)
def test_who_does_nothing_is_signed_out(
    clock: FakeClock, inside: AppTest, wait: dict[str, float], inside_still: bool
) -> None:
    clock.forward(**wait)
    app = inside.run()
    assert shows_review(app) == inside_still
    assert ("signed out because of the time" in text_of(app)) != inside_still


def test_a_disabled_account_can_not_even_press_the_button_it_still_sees(
    inside: AppTest, store: Store
) -> None:
    app = part(inside, "Retention")
    app = app.number_input(key="retention_image").set_value(5).run()
    set_admin_disabled(store, "ada", True, by="operator")
    app = app.button(key="set_image").click().run()
    assert not shows_review(app)
    days = {policy.kind: policy.days for policy in retention_policies(store)}
    assert days[Kind.IMAGE] == 30


def test_a_shorter_retention_is_previewed_then_acts_and_is_published(
    clock: FakeClock, open_page: OpenPage, inside: AppTest, store: Store
) -> None:
    upload(agree(open_page("upload"), "keep_result", "keep_image"))
    clock.forward(minutes=10)
    app = part(inside, "Retention")
    app = app.number_input(key="retention_image").set_value(0).run()
    assert "1 item would go now, 0 stay" in text_of(app)
    assert kept(store) == (1, 1)
    version = current_policy(store).version
    app = app.button(key="set_image").click().run()
    assert not app.exception
    assert "0 days from now on" in text_of(app)
    assert current_policy(store).version == version + 1
    assert logged(store, Action.RETENTION_CHANGED) == 1
    app.run()  # the purge on read
    assert kept(store) == (1, 0)


def test_no_retention_beyond_three_years_can_be_typed(inside: AppTest) -> None:
    app = part(inside, "Retention")
    assert {number.max for number in app.number_input} == {1095}
    assert {number.min for number in app.number_input} == {0}


def test_the_log_can_be_filtered(inside: AppTest, store: Store) -> None:
    consents(store, yes=2, no=3)
    app = part(inside, "Audit log")
    everything = len(table(app, "action"))
    app = app.selectbox(key="audit_action").set_value("CONSENT_REFUSED").run()
    rows = table(app, "action")
    assert set(rows["action"]) == {"CONSENT_REFUSED"}
    assert len(rows) == 3 < everything
    told = table(app, "what happened")
    assert all("said no" in sentence for sentence in told["what happened"])
    app = app.text_input(key="audit_actor").input(rows["who"][0]).run()
    assert len(table(app, "action")) == 1
    app = app.date_input(key="audit_days").set_value((date(2020, 1, 1), date(2020, 1, 2))).run()
    assert len(table(app, "action")) == 0


def test_a_changed_row_is_found_and_named(inside: AppTest, store: Store, data_dir: Path) -> None:
    app = part(inside, "Audit log")
    app = button(app, "Check all of it now").click().run()
    assert "Whole:" in text_of(app)
    (end,) = (element.value for element in app.code)
    database = sqlite3.connect(data_dir / "mien.sqlite3")
    triggers = database.execute(
        "select name from sqlite_master where type = 'trigger' and tbl_name = 'audit_event'"
    ).fetchall()
    for (name,) in triggers:
        database.execute(f"drop trigger {name}")
    database.execute("update audit_event set action = 'EXPORTED' where seq = 2")
    database.commit()
    database.close()
    app = button(app, "Check all of it now").click().run()
    assert "Not whole" in text_of(app)
    assert "First bad row: 2" in text_of(app)
    assert end not in [element.value for element in app.code]


def claims(**changes: object) -> dict[str, object]:
    return {
        "is_logged_in": True,
        "iss": "https://id.example.org",
        "sub": "subject-1",
        "exp": time.time() + 3600,
        "email": "ada@example.org",
        "email_verified": True,
        **changes,
    }


@pytest.mark.parametrize(
    ("user", "admins", "let_in"),
    [
        (claims(), ["subject-1"], True),
        (claims(), ["Ada@example.org"], True),
        (claims(), ["somebody-else"], False),
        (claims(email_verified=False), ["ada@example.org"], False),
        (claims(exp=time.time() - 1), ["subject-1"], False),
        (claims(exp=None), ["subject-1"], False),
        (claims(is_logged_in=False), ["subject-1"], False),
        (claims(), [], False),
    ],
)
def test_an_outside_identity_is_judged_by_list_and_expiry(
    open_page: OpenPage,
    store: Store,
    user: dict[str, object],
    admins: list[str],
    let_in: bool,
) -> None:
    app = open_page("ethics_privacy")
    app.secrets["auth"] = PROVIDER
    app.secrets["mien"] = {"admins": admins}
    app.user = user
    app = app.segmented_control(key="privacy_section").set_value("Admin").run()
    assert not app.exception
    assert shows_review(app) == let_in
    assert logged(store, Action.SIGNED_IN) == let_in
    app = app.run()
    assert shows_review(app) == let_in
    assert logged(store, Action.SIGNED_IN) == let_in
    asked = bool(user["is_logged_in"]) and bool(admins)
    assert (logged(store, Action.ACCESS_REFUSED) > 0) == (asked and not let_in)


def test_an_outside_identity_that_runs_out_is_out(
    clock: FakeClock, open_page: OpenPage, store: Store
) -> None:
    app = open_page("ethics_privacy")
    app.secrets["auth"] = PROVIDER
    app.secrets["mien"] = {"admins": ["subject-1"]}
    app.user = claims(exp=clock.now.timestamp() + 600)
    app = app.segmented_control(key="privacy_section").set_value("Admin").run()
    assert shows_review(app)
    clock.forward(minutes=10)
    assert not shows_review(app.run())


def test_each_provider_has_a_door_of_its_own(open_page: OpenPage) -> None:
    app = open_page("ethics_privacy")
    app.secrets["auth"] = {"google": {"client_id": "a"}, "okta": {"client_id": "b"}, "x": "y"}
    app.secrets["mien"] = {"admins": ["subject-1"]}
    app = app.segmented_control(key="privacy_section").set_value("Admin").run()
    assert labels(app) == ["Sign in with Google", "Sign in with Okta"]
    # Neither has the rest of what Streamlit needs; a person is told so, without a traceback.
    app = button(app, "Sign in with Google").click().run()
    assert not app.exception
    assert "not set up completely" in text_of(app)


def test_consent_rates_are_drawn_from_the_store(inside: AppTest, store: Store) -> None:
    consents(store, yes=3, no=1)
    app = part(inside, "Consents")
    rates = table(app, "share")
    first = rates[rates["purpose"] == "Analyse now"].iloc[0]
    assert (first["asked"], first["agreed"]) == (4, 3)
    today = datetime.now(UTC).date()
    monday = today - timedelta(days=today.weekday())
    assert str(first["from"])[:10] == f"{monday:%Y-%m-%d}"  # 90 days are shown by the week
    assert "Sign out" in labels(app)


def test_today_counts_and_warns(inside: AppTest, store: Store, admin_page: object) -> None:
    consents(store, yes=2, no=1)
    app = part(inside, "Today")
    assert [metric.value for metric in app.metric] == ["2", "1", "0", "0"]
    assert "Nothing needs your attention" in text_of(app)
    with contextlib.suppress(StoreError):
        sign_in(store, "nobody", "a wrong password!")
    assert part(app, "Today").metric[3].value == "1"


def test_consents_are_listed_and_filtered(inside: AppTest, store: Store) -> None:
    consents(store, yes=2, no=1)
    app = part(inside, "Consents")
    rows = table(app, "pseudonym")
    assert sorted(rows["state"]) == ["given", "given", "refused"]
    assert set(rows[rows["state"] == "given"]["allows now"]) == {"analyse now, keep the result"}
    app = app.selectbox(key="consent_state").set_value(ConsentState.REFUSED).run()
    assert len(table(app, "pseudonym")) == 1
    app = app.selectbox(key="consent_state").set_value(None).run()
    app = app.text_input(key="consent_pseudonym").input(rows["pseudonym"][0]).run()
    assert list(table(app, "pseudonym")["pseudonym"]) == [rows["pseudonym"][0]]


def test_a_change_of_retention_names_who_made_it(inside: AppTest) -> None:
    app = part(inside, "Retention")
    assert "Nobody yet" in text_of(app)
    app = app.number_input(key="retention_image").set_value(5).run()
    app = app.button(key="set_image").click().run()
    (change,) = table(app, "from").to_dict("records")
    assert (change["who"], change["from"], change["to"]) == ("ada", "30 days", "5 days")


def posted(ticket: str, scheme: str = "http", **headers: str) -> Response:
    """What the server says to a browser that posts a ticket."""
    sent = {cookie.TICKET_HEADER: ticket, **headers}
    scope = {
        "type": "http", "method": "POST", "path": cookie.address(), "query_string": b"",
        "scheme": scheme, "server": ("testserver", 80),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }  # fmt: skip
    answer: Response = asyncio.run(cookie.route().endpoint(Request(scope)))
    return answer


def test_no_script_reads_the_cookie_and_no_other_site_has_it_sent() -> None:
    plain = posted(cookie.tickets.give("t")).headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in plain.split(";")}
    assert "secure" not in plain
    behind_nginx = {"x-forwarded-proto": "https"}
    for answer in (
        posted(cookie.tickets.give("t"), "https"),
        posted(cookie.tickets.give("t"), **behind_nginx),
    ):
        assert "secure" in answer.headers["set-cookie"].lower()
    for nothing in ("", "made up"):
        assert posted(nothing).status_code == 403
    gone = posted(cookie.tickets.give("")).headers["set-cookie"].lower()
    assert "max-age=0" in gone


def test_a_ticket_that_nobody_fetched_counts_for_a_minute() -> None:
    now = 0.0
    tickets = cookie.Tickets(lambda: now)
    early, late = tickets.give("a"), tickets.give("b")
    now = 59
    assert tickets.take(early) == "a"
    now = 61
    assert tickets.take(late) is None


def test_a_reload_keeps_the_sign_in_and_signing_out_ends_it_everywhere(
    inside: AppTest, admin_page: Callable[[], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    (sent,) = [json.loads(c.proto.json) for c in inside.get("bidi_component")]
    answer = posted(sent["ticket"])
    token = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    assert len(token) > 20
    assert token not in json.dumps(sent)
    assert posted(sent["ticket"]).status_code == 403  # once
    monkeypatch.setattr(type(st.context), "cookies", property(lambda _: {"mien_admin": token}))
    again = admin_page()
    assert shows_review(again)
    button(again, "Sign out").click().run()
    assert not shows_review(admin_page())
    monkeypatch.setattr(type(st.context), "cookies", property(lambda _: {"mien_admin": "x"}))
    assert not shows_review(admin_page())
