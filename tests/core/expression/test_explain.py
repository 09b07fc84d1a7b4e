from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.drawing.landmarks import (
    draw_explanation,
    draw_mesh,
    draw_points,
    draw_pose,
    draw_regions,
)
from core.emotions import EMOTIONS
from core.expression.classify import EmotionClassifier
from core.expression.explain import (
    REGIONS,
    SURROUNDINGS,
    TOGETHER,
    Explanation,
    RegionEffect,
    cover,
    explain,
    region_masks,
    region_outlines,
)
from core.landmarks import FaceLandmarker
from core.landmarks.mirror import mirror_index
from core.landmarks.pose import face_geometry
from core.landmarks.schemes import FIVE, IBUG, MESH, convert
from core.pictures.alignment import load_template, square_matrix
from core.pictures.face_input import FULL_SQUARE, FaceInput
from core.types import Box, FloatArray, Landmarks
from tests.helpers.faces import BrightnessClassifier, a_face
from tests.paths import ROOT

Image = NDArray[np.uint8]


@cache
def template() -> NDArray[np.float64]:
    """An average face in a square of 1."""
    return load_template(ROOT / "models")


class MouthClassifier(BrightnessClassifier):
    """Sees nothing but how bright the mouth's place is: bright is happy, dark is sad."""

    def logits(self, faces: FloatArray) -> FloatArray:
        self.batch_sizes.append(len(faces))
        spec = self.card.input
        level = (faces[:, 37:40, 18:30].mean(axis=(1, 2, 3)) - spec.offset) / spec.scale
        out = np.zeros((len(faces), 7), np.float32)
        out[:, EMOTIONS.index("happy")] = (level - 128) / 16
        out[:, EMOTIONS.index("sad")] = (128 - level) / 16
        return out


def a_smile() -> tuple[Image, Landmarks, Box]:
    """A grey face in a picture of 200 with one bright mouth; its mesh is the average face."""
    box = Box(50, 50, 150, 150)
    points = template() * 100 + 50
    image = np.full((200, 200, 3), 100, np.uint8)
    x, y = points[[61, 291, 13, 14]].mean(axis=0)
    image[round(y) - 6 : round(y) + 6, round(x) - 16 : round(x) + 16] = 255
    return image, Landmarks(points.astype(np.float32), MESH), box


def explained(emotion: str | None = None) -> tuple[Explanation, MouthClassifier]:
    image, mesh, box = a_smile()
    model = MouthClassifier()
    return explain(image, a_face(box), mesh, model, FULL_SQUARE, emotion=emotion), model


def test_the_part_that_the_model_looks_at_comes_first() -> None:
    found, _ = explained()
    assert found.emotion == "happy"
    first = found.effects[0]
    assert first.region == "mouth"
    assert first.effect > 0.5
    assert first.without == "sad"
    assert [flip.region for flip in found.flips] == ["mouth"]
    others = [e for e in found.effects if e.region not in ("mouth", "chin", SURROUNDINGS)]
    assert max(abs(e.effect) for e in others) < 0.05


def test_for_the_other_expression_the_sign_turns() -> None:
    found, _ = explained("sad")
    assert found.effects[0].region == "mouth"
    assert found.effects[0].effect < -0.2


def test_everything_goes_through_the_network_in_one_batch() -> None:
    found, model = explained()
    assert model.batch_sizes == [1 + len(REGIONS) + len(TOGETHER)]
    assert {effect.region for effect in found.effects} == set(REGIONS)
    assert {effect.region for effect in found.together} == set(TOGETHER)


def test_the_effect_is_the_score_less_the_score_without_it() -> None:
    """Recomputed for one region: cover it by hand and ask the model."""
    image, mesh, box = a_smile()
    model = MouthClassifier()
    found = explain(image, a_face(box), mesh, model, FULL_SQUARE)
    face_input = model.card.face_input
    square = face_input.square(box, FULL_SQUARE)
    crop = face_input.crop(image, square)
    matrix = square_matrix(square, 48)
    nose = region_outlines(mesh.points_xy)["nose"] @ matrix[:, :2].T + matrix[:, 2]
    (mask,) = region_masks({"nose": nose}, face_input)
    both = model.probabilities(face_input.normalise(np.stack([crop, cover(crop, mask)])))
    expected = both[0, 3] - both[1, 3]
    (effect,) = [e.effect for e in found.effects if e.region == "nose"]
    assert effect == pytest.approx(float(expected), abs=1e-6)


def test_other_points_and_expressions_are_refused() -> None:
    image, mesh, box = a_smile()
    with pytest.raises(ValueError, match="regions need mediapipe478 points, got five"):
        explain(image, a_face(box), convert(mesh, FIVE), MouthClassifier(), FULL_SQUARE)
    with pytest.raises(ValueError, match="not in tuple"):
        explain(image, a_face(box), mesh, MouthClassifier(), FULL_SQUARE, emotion="joy")


def test_left_and_right_are_mirror_images() -> None:
    points = template()
    flipped = (points * (-1, 1))[mirror_index(MESH)] + (1, 0)
    plain, mirrored = region_outlines(points), region_outlines(flipped)
    for name in REGIONS:
        other = name.replace("right", "tmp").replace("left", "right").replace("tmp", "left")
        for axis in (0, 1):
            ours = plain[name] if axis else 1 - plain[name]
            assert ours[:, axis].min() == pytest.approx(mirrored[other][:, axis].min(), abs=1e-5)


def test_masks_cover_the_parts_and_not_each_other() -> None:
    masks = dict(
        zip(
            REGIONS,
            region_masks(
                {name: 48 * outline for name, outline in region_outlines(template()).items()},
                FaceInput(),
            ),
            strict=True,
        )
    )
    sizes = {name: (mask > 0).mean() for name, mask in masks.items()}
    assert all(0.004 < sizes[name] < 0.2 for name in REGIONS if name != SURROUNDINGS)
    assert masks["mouth"][37, 24] == 255
    assert masks[SURROUNDINGS][0, 0] == 255
    assert masks[SURROUNDINGS][24, 24] == 0
    overlap = (masks["right eye"] > 0) & (masks["nose"] > 0)
    assert overlap.sum() <= 3


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_not_covered_stays_as_it_is(channels: int) -> None:
    crop = np.random.default_rng(0).integers(0, 256, (48, 48, channels), np.uint8)
    mask = np.zeros((48, 48), np.uint8)
    mask[20:30, 10:20] = 255
    filled = cover(crop, mask)
    assert filled.shape == crop.shape
    assert (filled[mask == 0] == crop[mask == 0]).all()
    assert (filled[mask > 0] != crop[mask > 0]).mean() > 0.9
    assert (cover(crop, np.zeros_like(mask)) == crop).all()
    assert cover(crop, np.full_like(mask, 255)).std() < 60


def test_a_face_far_outside_of_the_crop_is_still_explained() -> None:
    image, mesh, box = a_smile()
    far = Landmarks(mesh.points_xy + 1e6, MESH)
    found = explain(image, a_face(box), far, MouthClassifier(), FULL_SQUARE)
    assert all(abs(e.effect) < 1e-6 for e in found.effects if e.region != SURROUNDINGS)


def test_the_score_that_is_explained_is_the_one_that_is_shown(
    astronaut: Image, models_dir: Path
) -> None:
    box = Box(178, 63, 268, 176)
    bundle = models_dir / "face_landmarker" / "face_landmarker.task"
    if not bundle.exists():
        pytest.skip("the landmark model is not there")
    (mesh,) = FaceLandmarker(bundle).landmarks(astronaut, [a_face(box)])
    assert mesh is not None
    from core.detection import create_detector

    model = EmotionClassifier.load("mien-fast", models_dir)
    geometry = create_detector("yunet", models_dir).box_geometry
    found = explain(astronaut, a_face(box), mesh, model, geometry)
    spec = model.card.face_input
    (shown,) = model.scores(spec.batch(astronaut, [a_face(box)], geometry))
    assert found.emotion == shown.top == "happy"
    assert found.score == pytest.approx(shown.top_probability, abs=0.02)
    assert all(-1 <= effect.effect <= found.score for effect in found.effects)


# --- drawing --------------------------------------------------------------------------------


def test_drawing_leaves_the_picture_as_it_was() -> None:
    image, mesh, _ = a_smile()
    before = image.copy()
    pose = face_geometry(mesh).pose
    drawn = [
        draw_points(image, mesh),
        draw_points(image, convert(mesh, FIVE)),
        draw_mesh(image, mesh),
        draw_mesh(image, convert(mesh, IBUG)),
        draw_regions(image, mesh),
        draw_pose(image, pose, mesh.points_xy[4]),
        draw_explanation(image, explained()[0]),
    ]
    assert (image == before).all()
    for picture in drawn:
        assert picture.shape == image.shape
        assert picture.dtype == np.uint8
        assert (picture != image).any()


def test_five_points_have_no_lines() -> None:
    image, mesh, _ = a_smile()
    assert (draw_mesh(image, convert(mesh, FIVE)) == image).all()


def test_regions_need_the_mesh() -> None:
    image, mesh, _ = a_smile()
    with pytest.raises(ValueError, match="regions need mediapipe478 points, got ibug68"):
        draw_regions(image, convert(mesh, IBUG))


def test_a_part_without_effect_is_not_filled() -> None:
    image, mesh, _ = a_smile()
    outline = region_outlines(mesh.points_xy)["forehead"].astype(np.float32)
    x, y = outline.mean(axis=0).round().astype(int)
    for effect, filled in ((0.0, False), (0.3, True), (-0.3, True)):
        drawn = draw_explanation(
            image,
            Explanation("happy", 0.9, (RegionEffect("forehead", effect, "happy", outline),)),
        )
        assert (drawn[y, x] != image[y, x]).any() == filled


def test_an_explanation_asks_the_model_once(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a person waits for is the number of faces judged: the face and each region covered."""
    image, mesh, box = a_smile()
    model = EmotionClassifier.load("mien-fast", models_dir)
    judge, n_faces = model.probabilities, []

    def counted(faces: FloatArray) -> FloatArray:
        n_faces.append(len(faces))
        return judge(faces)

    monkeypatch.setattr(model, "probabilities", counted)
    explanation = explain(image, a_face(box), mesh, model, FULL_SQUARE)
    assert n_faces == [1 + len(explanation.effects) + len(explanation.together)]
