"""The store behind the pages: opened once, and what is said where it cannot be opened."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from db.types import Choices
from services.person.consent import current_notice, current_policy, give
from services.store import Store, open_store
from tests.helpers.agree import agree
from tests.ui.tools import choose_sample, text_of, upload
from ui.shared.queue import turns
from ui.shared.store import forget_store, opened
from ui.webcam.session import slots

OpenPage = Callable[[str], AppTest]


def _folder_is_a_file(data_dir: Path, _patch: pytest.MonkeyPatch) -> str:
    data_dir.write_text("in the way")
    return "data folder"


def _bad_address(_data_dir: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setenv("MIEN_DATABASE_URL", "mysql://somewhere/else")
    return "MIEN_DATABASE_URL"


def _lost_key(data_dir: Path, _patch: pytest.MonkeyPatch) -> str:
    open_store(data_dir).close()
    for file in (data_dir / "secrets").iterdir():
        file.unlink()
    return "MIEN_MASTER_KEY"


@pytest.mark.parametrize("break_it", [_folder_is_a_file, _bad_address, _lost_key])
def test_without_a_store_samples_work_and_uploads_do_not(
    open_page: OpenPage,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    break_it: Callable[[Path, pytest.MonkeyPatch], str],
) -> None:
    forget_store()
    advice = break_it(data_dir, monkeypatch)
    app = open_page("upload")
    assert any(advice in error.value for error in app.error), [e.value for e in app.error]
    assert len(app.file_uploader) == len(app.checkbox) == 0
    app = choose_sample(app)
    assert not app.exception
    assert "would say happy" in text_of(app)
    app = app.switch_page("pages/ethics_privacy.py").run()
    assert not app.exception
    for part in ("Policy", "My consents", "Admin"):
        app = app.segmented_control(key="privacy_section").set_value(part).run()
        assert not app.exception
        assert any(advice in error.value for error in app.error)


def test_the_store_is_opened_once_with_one_purge_thread(open_page: OpenPage, store: Store) -> None:
    for page in ("upload", "ethics_privacy", "upload"):
        open_page(page)
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("mien-purge") == 1
    forget_store()
    assert "mien-purge" not in [thread.name for thread in threading.enumerate()]


def test_emptied_caches_of_streamlit_end_no_work_behind_the_pages(store: Store) -> None:
    queue, places = turns(), slots()
    st.cache_resource.clear()
    st.cache_data.clear()
    assert "mien-purge" in [thread.name for thread in threading.enumerate()]
    assert opened().store is store
    assert (turns(), slots()) == (queue, places)


def test_many_first_visitors_at_once_get_one_store(data_dir: Path) -> None:
    forget_store()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: opened(), range(8)))
    assert len(set(map(id, found))) == 1
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("mien-purge") == 1


def test_pages_write_only_into_the_data_folder(
    open_page: OpenPage, store: Store, data_dir: Path
) -> None:
    app = upload(agree(open_page("upload"), "keep_image"))
    assert not app.exception
    with sqlite3.connect(data_dir / "mien.sqlite3") as database:
        assert database.execute("select count(*) from stored_image").fetchone() == (1,)
    database.close()
    assert current_policy(store).version >= 1
    given = give(store, Choices(), context="personal", notice_id=current_notice(store).id)
    assert given.code is None
