import io
import threading
import time
import zipfile
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers.agree import agree
from tests.helpers.bad_images import refused_files
from tests.paths import ROOT
from ui.photos import session as photos
from ui.shared.queue import turns, waiting_words
from ui.shared.resources import settings

OpenPage = Callable[[str], AppTest]

ASTRONAUT = (ROOT / "samples" / "astronaut.jpg").read_bytes()
HOPPER = (ROOT / "samples" / "grace_hopper.jpg").read_bytes()


def text_of(app: AppTest) -> str:
    """All that a person can read in Markdown, captions, notes and errors."""
    kinds = ("markdown", "caption", "info", "warning", "error", "subheader", "html")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


@pytest.fixture
def agreed(open_page: OpenPage) -> AppTest:
    return agree(open_page("upload"))


def test_no_uploader_exists_before_the_notice_is_agreed_to(open_page: OpenPage) -> None:
    app = open_page("upload")
    assert "What happens to your photo" in text_of(app)
    assert len(app.file_uploader) == 0


def test_taking_it_back_takes_one_click_on_the_same_page(agreed: AppTest) -> None:
    assert len(agreed.file_uploader) == 3
    take_back = next(b for b in agreed.button if b.label == "I no longer agree")
    app = take_back.click().run()
    assert not app.exception
    assert len(app.file_uploader) == 0


def test_a_sample_shows_the_face_what_it_resembles_and_how_often_that_is_right(
    open_page: OpenPage,
) -> None:
    app = open_page("upload")
    app.pills[0].set_value(["Eileen Collins (NASA)"]).run()
    assert not app.exception
    text = text_of(app)
    assert "would say happy" in text
    assert 'When this model says "happy" it is right in' in text
    assert "is happy" not in text


def test_an_uploaded_photo_is_analysed(agreed: AppTest) -> None:
    app = agreed.file_uploader[0].upload("me.jpg", ASTRONAUT, "image/jpeg").run()
    assert not app.exception
    assert "would say happy" in text_of(app)
    assert [b.label for b in app.download_button] == [
        "Receipt (JSON)",
        "JSON",
        "CSV",
        "ZIP of all",
        "Annotated picture (PNG)",
    ]


def test_a_bad_file_gets_its_sentence_and_never_stops_the_other(agreed: AppTest) -> None:
    empty = refused_files()["empty.jpg"]
    uploader = agreed.file_uploader[0]
    uploader.upload("empty.jpg", empty.data, "image/jpeg")
    app = uploader.upload("me.jpg", ASTRONAUT, "image/jpeg").run()
    assert not app.exception
    (error,) = app.error
    assert empty.words in error.value
    assert "would say happy" in text_of(app)


def test_every_bad_file_at_once_leaves_the_good_one_standing(agreed: AppTest) -> None:
    small = [bad for bad in refused_files().values() if len(bad.data) < 10_000_000]
    uploader = agreed.file_uploader[0].upload("me.jpg", ASTRONAUT, "image/jpeg")
    for number, bad in enumerate(small):
        uploader.upload(f"bad_{number}.jpg", bad.data, "image/jpeg")
    app = uploader.run(timeout=120)
    assert not app.exception
    assert f"**{len(small) + 1} photos, 1 face, {len(small)} refused**" in text_of(app)
    remarks = app.dataframe[0].value["remark"].tolist()[1:]
    assert all(bad.words in remark for bad, remark in zip(small, remarks, strict=True))


def test_forgetting_drops_uploads_and_results(agreed: AppTest) -> None:
    app = agreed.file_uploader[0].upload("me.jpg", ASTRONAUT, "image/jpeg").run()
    forget = next(b for b in app.button if b.label == "Forget these photos")
    app = forget.click().run()
    assert not app.exception
    said_anyway = (
        "resembles each of them",
        "which of seven expressions each face resembles",
    )
    text = text_of(app)
    for words in said_anyway:
        text = text.replace(words, "")
    assert "resembles" not in text
    assert "photo_results" not in app.session_state


def test_model_and_detector_can_be_changed(agreed: AppTest) -> None:
    app = agreed.file_uploader[0].upload("me.jpg", ASTRONAUT, "image/jpeg").run()
    model, detector = app.selectbox
    assert len(model.options) >= 2
    app = detector.select_index(1).run()
    assert not app.exception
    assert "would say happy" in text_of(app)


def test_what_drove_a_score_is_shown_when_asked_for(open_page: OpenPage) -> None:
    app = open_page("upload")
    app.pills[0].set_value(["Eileen Collins (NASA)"]).run()
    (why,) = (toggle for toggle in app.toggle if toggle.label.startswith("What drove"))
    before = len(app.get("image"))
    app = why.set_value(True).run()
    assert not app.exception
    assert len(app.get("image")) > before


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_a_zip_becomes_one_table(agreed: AppTest) -> None:
    files = {
        "album/b.jpg": ASTRONAUT,
        "album/a.jpg": HOPPER,
        "album/broken.png": ASTRONAUT[:9_000],
        "album/notes.txt": b"of the summer",
    }
    app = agreed.file_uploader[2].upload("album.zip", zip_of(files), "application/zip").run()
    assert not app.exception
    text = text_of(app)
    assert "**3 photos, 2 faces, 1 refused**" in text
    assert "1 other file is in the ZIP and passed over." in text
    assert "1 × happy" in text
    table = app.dataframe[0].value
    assert table["file"].tolist() == ["album/a.jpg", "album/b.jpg", "album/broken.png"]
    assert "damaged" in table["remark"].tolist()[2]
    assert [b.label for b in app.download_button][-3:] == [
        "Table (CSV)", "Table (parquet)", "All (JSON)",
    ]  # fmt: skip
    assert len(app.get("image")) == 0, "no picture of many is drawn"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../../etc/passwd.jpg": b"x"}, "leads out of the archive"),
        ({"notes.txt": b"x"}, "should be 1 to 2,000"),
    ],
)
def test_a_zip_that_is_none_of_photos_is_refused(
    agreed: AppTest, files: dict[str, bytes], words: str
) -> None:
    app = agreed.file_uploader[2].upload("album.zip", zip_of(files), "application/zip").run()
    assert not app.exception
    assert words in app.error[0].value
    assert len(app.dataframe) == 0


def test_forgetting_drops_the_zip_too(agreed: AppTest) -> None:
    app = agreed.file_uploader[2].upload("a.zip", zip_of({"a.jpg": ASTRONAUT}), "x").run()
    forget = next(b for b in app.button if b.label == "Forget these photos")
    app = forget.click().run()
    assert not app.exception
    assert "photo_zip" not in app.session_state
    assert len(app.dataframe) == 0


def test_while_others_come_first_it_says_how_many(
    agreed: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        photos, "waiting_words", lambda ahead: said.append(waiting_words(ahead)) or said[-1]
    )
    queue = turns()
    others = [queue.ask() for _ in range(settings().parallel_photos + 3)]

    def finish_slowly() -> None:
        for other in others:
            time.sleep(0.4)
            other.leave()

    thread = threading.Thread(target=finish_slowly)
    thread.start()
    app = agreed.file_uploader[0].upload("me.jpg", ASTRONAUT, "image/jpeg").run()
    thread.join()
    assert not app.exception
    assert "would say happy" in text_of(app)
    assert said
    assert set(said) <= {
        "Waiting: yours is next",
        "Waiting: 1 photo before yours",
        "Waiting: 2 photos before yours",
        "Waiting: 3 photos before yours",
    }
