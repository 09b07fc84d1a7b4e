import io
import re
import threading
import time
import zipfile
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers.agree import agree
from tests.helpers.bad_images import refused_files
from tests.ui.tools import ASTRONAUT, UNSHARP, button, choose_sample, photos_of, text_of
from ui.photos import session as photos
from ui.photos.session import MANY
from ui.shared.queue import turns, waiting_words
from ui.shared.resources import settings

OpenPage = Callable[[str], AppTest]


@pytest.fixture
def agreed(open_page: OpenPage) -> AppTest:
    return agree(open_page("upload"))


def test_no_uploader_exists_before_the_notice_is_agreed_to(open_page: OpenPage) -> None:
    app = open_page("upload")
    assert "What happens to your pictures" in text_of(app)
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
    app = choose_sample(app)
    assert not app.exception
    text = text_of(app)
    assert "would say happy" in text
    assert re.search(r"How often this model is right .* happy \d+", text)
    assert "is happy" not in text


def test_an_uploaded_photo_is_analysed(agreed: AppTest) -> None:
    app = agreed.file_uploader[0].upload("me.jpg", ASTRONAUT, "image/jpeg").run()
    assert not app.exception
    assert "would say happy" in text_of(app)
    assert [b.label for b in app.download_button] == [
        "Annotated picture (PNG)",
        "JSON",
        "CSV",
        "ZIP of all",
        "Receipt (JSON)",
    ], "the result comes first"


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
    assert f"{len(small) + 1} photos, 1 face, {len(small)} refused" in text_of(app)
    remarks = app.dataframe[0].value["remark"].tolist()[1:]
    assert all(bad.words in remark for bad, remark in zip(small, remarks, strict=True))


def test_forgetting_drops_uploads_and_results(agreed: AppTest) -> None:
    app = agreed.file_uploader[0].upload("me.jpg", ASTRONAUT, "image/jpeg").run()
    app = button(app, "Forget these photos").click().run()
    assert not app.exception
    assert "would say happy" not in text_of(app)
    assert not photos_of(app).results
    assert not photos_of(app).shown


def test_leaving_drops_the_pictures_and_keeps_what_was_found_until_it_is_forgotten(
    agreed: AppTest,
) -> None:
    app = agreed.file_uploader[0].upload("me.jpg", ASTRONAUT, "image/jpeg").run()
    app = app.switch_page("pages/model_metrics.py").run()
    state = photos_of(app)
    assert not state.shown, "no pixel stays"
    app = app.switch_page("pages/upload.py").run()
    assert "1 face: nearly everybody would say happy" in text_of(app)
    assert "dropped when you left" in text_of(app)
    assert not app.get("image")
    app = button(app, "Forget these photos").click().run()
    assert "would say happy" not in text_of(app)


def test_a_sample_is_still_there_on_the_way_back(open_page: OpenPage) -> None:
    app = choose_sample(open_page("upload"), "Sad")
    app = app.switch_page("pages/model_metrics.py").run().switch_page("pages/upload.py").run()
    assert "people would say sad" in text_of(app)
    assert len(app.get("image")) == 1


def test_two_models_answers_stand_on_one_card_a_face(open_page: OpenPage) -> None:
    app = choose_sample(open_page("upload"), "A group")
    other = app.selectbox(key="upload_other")
    assert app.selectbox(key="upload_model").value not in other.options
    app = other.select_index(0).run()
    assert not app.exception
    assert "The models agree on" in text_of(app)
    assert "of 6 faces" in text_of(app)
    assert len(app.get("image")) == 1
    (cards,) = [block.proto.body for block in app.get("html") if "<article" in block.proto.body]
    assert cards.count("<article") == 6
    assert cards.count("Picture quality") == 6
    for key in ("upload_model", "upload_other"):  # such as "mien-fast: 90 % people"
        model_id, _, _ = str(app.selectbox(key=key).value).partition(":")
        assert cards.count(f"{model_id}</b>") == 6
        assert f"What drove {model_id}'s answer?" in [one.label for one in app.pills]
    assert "Annotated picture (PNG)" in [one.proto.label for one in app.get("download_button")]


def test_model_and_detector_can_be_changed(agreed: AppTest) -> None:
    app = agreed.file_uploader[0].upload("me.jpg", ASTRONAUT, "image/jpeg").run()
    model, detector, _ = app.selectbox
    assert len(model.options) >= 2
    app = detector.select_index(1).run()
    assert not app.exception
    assert "would say happy" in text_of(app)


def test_what_drove_a_score_is_shown_when_asked_for(open_page: OpenPage) -> None:
    app = open_page("upload")
    app = choose_sample(app)
    (why,) = (pills for pills in app.pills if pills.label.startswith("What drove"))
    before = len(app.get("image"))
    app = why.set_value(1).run()
    assert not app.exception
    assert len(app.get("image")) > before


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_many_photos_are_seen(agreed: AppTest) -> None:
    files = {
        **{f"album/{n:02d}.jpg": ASTRONAUT if n % 3 else UNSHARP for n in range(MANY)},
        "album/broken.png": ASTRONAUT[:9_000],
        "album/notes.txt": b"of the summer",
    }
    assert "all others of the folder stay with you" in text_of(agreed)
    app = agreed.file_uploader[2].upload("album.zip", zip_of(files), "application/zip").run()
    assert not app.exception
    text = text_of(app)
    assert "13 photos, 12 faces, 1 refused" in text
    assert "Passed over: 1 TXT file." in text
    folded = [caption.value for bar in app.expander for caption in bar.caption]
    assert "Passed over: 1 TXT file." not in folded
    assert "Why 1 photo was refused" in [bar.label for bar in app.expander]
    (chart,) = [h.value for h in app.get("html") if "How many faces people would" in h.value]
    assert "<span>happy</span>" in chart
    assert "<span>split</span>" in chart
    table = app.dataframe[0].value
    assert table["file"].tolist()[:2] == ["album/00.jpg", "album/01.jpg"]
    assert "damaged" in table["remark"].tolist()[-1]

    def grid(app: AppTest) -> str:
        (found,) = [h.value for h in app.get("html") if "mien-faces small" in h.value]
        return str(found)

    assert grid(app).count("<figure") == 12
    app = app.pills(key="many_filter").set_value(["split"]).run()
    assert grid(app).count("<figure") == 4
    app = app.pills(key="many_filter").set_value([]).run()
    app = app.selectbox(key="many_order").set_value("Most agreement").run()
    assert grid(app).index("album/01.jpg") < grid(app).index("album/00.jpg")
    assert not app.get("image"), "no photo is drawn before one is asked for"
    assert [b.label for b in app.download_button][:4] == [
        "Table (CSV)", "Table (parquet)", "All (JSON)", "ZIP with annotated pictures",
    ]  # fmt: skip


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
    assert "all others of the folder stay with you" in text_of(agreed)
    app = agreed.file_uploader[2].upload("album.zip", zip_of(files), "application/zip").run()
    assert not app.exception
    assert words in app.error[0].value
    assert len(app.dataframe) == 0


def test_after_a_refused_photo_another_is_a_click_away(agreed: AppTest) -> None:
    app = agreed.file_uploader[0].upload("notes.jpg", b"no picture", "image/jpeg").run()
    assert "This photo was refused" in text_of(app)
    app = button(app, "Choose another").click().run()
    assert not app.exception
    assert "refused" not in text_of(app)
    assert not app.expander, "the uploaders stand open, as at first"


def test_forgetting_drops_the_zip_too(agreed: AppTest) -> None:
    app = agreed.file_uploader[2].upload("a.zip", zip_of({"a.jpg": ASTRONAUT}), "x").run()
    app = button(app, "Forget these photos").click().run()
    assert not app.exception
    assert photos_of(app).archive is None
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
