import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.drawing.photo import draw_analysis
from core.landmarks.learned import TERMS
from core.landmarks.noise import NOISE_KINDS
from core.landmarks.schemes import FIVE, IBUG, MESH
from core.types import Analysis, EmotionScores, FaceAnalysis
from tests.helpers.agree import agree
from tests.paths import ROOT
from ui.faces.view import FaceView, face_view
from ui.landmarks.face import LAYERS, measures_table, overlay, points_csv, points_json
from ui.landmarks.levels import outcomes
from ui.landmarks.slider import payload, start_of
from ui.landmarks.whatif import LEVELS, sentences, why_not_the_same
from ui.shared.resources import analyzer, classifier

OpenPage = Callable[[str], AppTest]
ASTRONAUT = ROOT / "samples" / "astronaut.jpg"


def text_of(app: AppTest) -> str:
    kinds = ("markdown", "caption", "info", "warning", "error", "subheader", "html")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def pixels() -> np.ndarray:
    return np.asarray(cv2.cvtColor(cv2.imread(str(ASTRONAUT)), cv2.COLOR_BGR2RGB), np.uint8)


@pytest.fixture
def agreed(open_page: OpenPage) -> AppTest:
    return agree(open_page("landmark_analysis"))


def uploaded(app: AppTest, image: np.ndarray) -> AppTest:
    app = app.file_uploader[0].upload("me.png", png(image), "image/png").run(timeout=120)
    assert not app.exception
    return app


def test_the_page_opens_on_a_sample_without_a_notice(open_page: OpenPage) -> None:
    app = open_page("landmark_analysis")
    text = text_of(app)
    assert "would say happy" in text
    assert "Which parts drove the score" in text
    assert "What if the points were wrong?" in text
    assert "is happy" not in text
    assert len(app.file_uploader) == 0


def test_measures_have_units_and_are_plausible(open_page: OpenPage) -> None:
    app = open_page("landmark_analysis")
    table = next(m.value for m in app.markdown if m.value.startswith("| measure"))
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    values = {row[0].split(" (")[0]: row[1] for row in cells}
    assert values["Yaw"].endswith("°")
    assert 55 < float(values["**A** Eye corners"].removesuffix("\u00a0px")) < 66
    usual = json.loads((ROOT / "models" / "studies" / "usual_measures.json").read_text())
    low, high = usual["ranges"]["eye_opening"]
    (between,) = {row[2] for row in cells if row[0].startswith("**B**")}
    assert between == f"{low:.2f}\u00a0to\u00a0{high:.2f}"
    assert "1,200" in text_of(app)


@pytest.mark.parametrize("scheme", [MESH, IBUG, FIVE])
def test_every_scheme_can_be_shown(open_page: OpenPage, scheme: str) -> None:
    app = open_page("landmark_analysis")
    app.session_state["landmark_layers"] = list(LAYERS)
    app.session_state["landmark_scheme"] = scheme
    app = app.run()
    assert not app.exception
    assert "white outlines" in text_of(app)
    assert any(c.value == TERMS for c in app.caption) == (scheme == IBUG)


def test_every_kind_of_error_opens(open_page: OpenPage) -> None:
    app = open_page("landmark_analysis")
    for kind in ("bias", "eye swap", "dropped"):
        app = app.selectbox(key="whatif_kind").set_value(kind).run()
        assert not app.exception
        assert NOISE_KINDS[kind] in text_of(app)


def test_an_own_photo_needs_the_notice_and_comes_first(agreed: AppTest) -> None:
    assert len(agreed.file_uploader) == 1
    app = uploaded(agreed, pixels())
    text = text_of(app)
    assert "nothing of it is kept" in text
    assert "would say happy" in text
    forget = next(b for b in app.button if b.label == "Forget this photo")
    app = forget.click().run()
    assert not app.exception
    assert "nothing of it is kept" not in text_of(app)


def test_no_face_has_its_sentence(agreed: AppTest) -> None:
    app = uploaded(agreed, np.full((300, 300, 3), 90, np.uint8))
    assert "No face was found" in app.warning[0].value


def test_a_small_face_has_its_sentence(agreed: AppTest) -> None:
    small = cv2.resize(pixels(), (80, 80), interpolation=cv2.INTER_AREA)
    canvas = np.full((240, 240, 3), 200, np.uint8)
    canvas[80:160, 80:160] = small
    app = uploaded(agreed, canvas)
    assert "too small" in text_of(app) or "No face was found" in text_of(app)


def test_half_a_face_has_its_sentence(agreed: AppTest) -> None:
    image = pixels()[40:250, 215:400]  # the border runs through her nose
    app = uploaded(agreed, np.ascontiguousarray(image))
    text = text_of(app)
    assert any(
        words in text
        for words in ("cut off by its border", "the mesh does not fit it", "No face was found")
    ), text


def test_several_faces_are_numbered_and_one_is_chosen(agreed: AppTest) -> None:
    one = pixels()[20:300, 80:380]
    app = uploaded(agreed, np.hstack([one, one]))
    assert "**2 faces** were found" in text_of(app)
    box = next(s for s in app.selectbox if s.label == "Face")
    assert len(box.options) == 2
    app = box.select_index(1).run(timeout=120)
    assert not app.exception
    assert re.search(r"\*\*Face 2\*\* – .* would say happy", text_of(app))


def test_faces_of_a_photo_that_lies_on_its_side_are_numbered_on_it_upright(
    agreed: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def watched(image_rgb: np.ndarray, analysis: Analysis) -> np.ndarray:
        seen.append((image_rgb.shape[1::-1], analysis.size_wh))
        return draw_analysis(image_rgb, analysis)

    monkeypatch.setattr("ui.landmarks.page.draw_analysis", watched)
    one = pixels()[20:300, 80:380]
    app = uploaded(agreed, np.rot90(np.hstack([one, one])).copy())
    assert "**2 faces** were found" in text_of(app)
    assert seen[-1] == ((600, 280), (600, 280))


def test_a_bad_file_has_its_sentence(agreed: AppTest) -> None:
    app = agreed.file_uploader[0].upload("bad.png", b"no picture", "image/png").run()
    assert not app.exception
    assert "not a JPEG, PNG, WebP" in app.error[0].value


# --- parts ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def view() -> FaceView:
    image = pixels()
    (found,) = analyzer("mien-fast", "yunet").analyze(image).faces
    result = face_view(image, found)
    assert result is not None
    return result


def test_a_plain_face_has_no_remarks(view: FaceView) -> None:
    assert view.remarks == ()
    assert max(view.picture_rgb.shape[:2]) == 640


def test_points_in_the_picture_are_those_of_the_photo(view: FaceView) -> None:
    """One scale and one shift bring one to the other, for every scheme."""
    for scheme in (MESH, IBUG, FIVE):
        here, there = view.points[scheme].points_xy, view.original[scheme].points_xy
        scale = np.ptp(here[:, 0]) / np.ptp(there[:, 0])
        shift = here.mean(axis=0) - scale * there.mean(axis=0)
        np.testing.assert_allclose(here, scale * there + shift, atol=0.01)


def test_a_turned_head_is_said_to_be_turned(view: FaceView) -> None:
    from ui.faces.view import remarks

    mesh, size_wh = view.original[MESH], (512, 512)
    pose = view.geometry.pose
    for change, words in (
        ({"yaw_deg": -52.0}, "turned aside by 52°"),
        ({"pitch_deg": 41.0}, "looks up by 41°"),
        ({"residual": 0.3}, "do not lie as those of a face do"),
    ):
        geometry = replace(view.geometry, pose=replace(pose, **change))
        (sentence,) = remarks(mesh, geometry, size_wh)
        assert words in sentence
    (sentence,) = remarks(mesh, view.geometry, (215, 512))
    assert "lie outside of the photo" in sentence


def test_downloads_hold_the_points(view: FaceView) -> None:
    marks = view.original[IBUG]
    lines = points_csv(marks).splitlines()
    assert lines[0] == "point,x_px,y_px"
    assert len(lines) == 69
    content = json.loads(points_json(marks, view.geometry))
    np.testing.assert_allclose(content["points_xy"], marks.points_xy, atol=0.006)
    assert content["scheme"] == IBUG
    assert len(content["blendshapes"]) == 51


def test_overlays_differ_by_layer(view: FaceView) -> None:
    plain = overlay(view, MESH, [])
    assert (plain == view.picture_rgb).all()
    for layer in LAYERS:
        assert (overlay(view, MESH, [layer]) != plain).any()


def test_the_table_has_a_row_for_each_measure(view: FaceView) -> None:
    ranges = {"eye_opening": (0.0, 9.0), "mouth_width": (0.0, 0.1)}
    table = measures_table(view.geometry, ranges).set_index("measure")
    assert table["value"].str.len().min() > 0
    assert table.loc["**B** Left eye", "most faces"] == "0.00\u00a0to\u00a09.00"
    assert [name for name in table.index if "⚠" in table.loc[name, "value"]] == [
        "**D** Mouth width"
    ]
    assert measures_table(view.geometry, {})["most faces"].eq("").all()


@pytest.mark.parametrize("scheme", [MESH, IBUG, FIVE])
def test_without_noise_the_face_is_as_found(view: FaceView, scheme: str) -> None:
    model = classifier("mien-fast")
    exact, wrong = outcomes(view, scheme, "gaussian", [0.0, 0.32], 0, model)
    assert exact is not None
    assert wrong is not None
    np.testing.assert_array_equal(exact.points_xy, view.points[scheme].points_xy)
    assert exact.scores.top == "happy"
    assert (wrong.points_xy != exact.points_xy).all()
    (again,) = outcomes(view, scheme, "gaussian", [0.32], 0, model)
    assert again is not None
    assert (again.crop == wrong.crop).all()
    np.testing.assert_allclose(again.scores.probabilities, wrong.scores.probabilities, atol=1e-5)
    first, last = sentences([exact, wrong], scheme)
    assert "turns by +0.0° and grows by 0.0\u00a0%." in first
    assert "turns by +0.0°" not in last


def test_all_points_lost_cannot_be_aligned(view: FaceView) -> None:
    model = classifier("mien-fast")
    some, none = outcomes(view, FIVE, "dropped", [0.2, 1.0], 0, model)
    assert some is not None
    assert some.kept.sum() == 4
    assert none is None
    sent = payload("lost", view.picture_rgb, [some, none], sentences([some, none], FIVE))
    assert sent["levels"][0]["scores"] == some.scores.probabilities.tolist()
    assert sent["levels"][1] is None


def test_the_slider_has_points_and_crops_of_every_level(view: FaceView) -> None:
    found = outcomes(view, IBUG, "bias", LEVELS, 0, classifier("mien-fast"))
    sent = payload("how wrong", view.picture_rgb, found, sentences(found, IBUG))
    assert len(sent["levels"]) == len(LEVELS) == 33
    points = np.frombuffer(base64.b64decode(sent["points_base64"]), "<i2").reshape(33, 68, 2)
    face, crops = (
        cv2.imdecode(np.frombuffer(base64.b64decode(sent[name].split(",")[1]), np.uint8), -1)
        for name in ("face", "crops")
    )
    assert max(face.shape[:2]) == 300
    last = found[-1]
    assert last is not None
    np.testing.assert_allclose(points[-1] / 10, last.points_xy * 300 / 640, atol=0.06)
    assert crops.shape == (33 * 48, 48)
    assert np.abs(crops[-48:].astype(int) - last.crop[..., 0]).mean() < 3


def test_the_slider_starts_where_the_label_flips(view: FaceView) -> None:
    exact, wrong = outcomes(view, FIVE, "gaussian", [0.0, 0.05], 0, classifier("mien-fast"))
    assert exact is not None
    turned = replace(exact, scores=EmotionScores(np.float32([1, 0, 0, 0, 0, 0, 0])))
    assert start_of([exact, wrong, turned, exact]) == 2
    assert start_of([exact, None]) == 1
    assert start_of([exact] * 33) == 8


def test_another_score_than_on_upload_is_explained(view: FaceView) -> None:
    (exact,) = outcomes(view, FIVE, "gaussian", [0.0], 0, classifier("mien-fast"))
    assert exact is not None
    assert why_not_the_same(exact, exact.scores, FIVE) == ""
    other = EmotionScores(np.float32([0.5, 0, 0, 0.5, 0, 0, 0]))
    told = why_not_the_same(exact, other, FIVE)
    assert "50.0\u00a0% above and on Upload" in told


def test_no_picture_is_kept_in_the_session(open_page: OpenPage) -> None:
    """What the page keeps in the session holds no picture."""
    app = open_page("landmark_analysis")
    kept = app.session_state._state._state.filtered_state
    assert kept
    for key, value in kept.items():
        assert not isinstance(value, np.ndarray | FaceView | FaceAnalysis | bytes), key
