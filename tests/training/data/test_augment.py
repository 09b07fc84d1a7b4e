from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

import keras

from training.data.augment import Augment

pytestmark = pytest.mark.train

Floats = NDArray[np.float32]
NOTHING: dict[str, Any] = {
    "rotation_deg": 0,
    "scale": 0,
    "shift": 0,
    "brightness": 0,
    "contrast": 0,
    "erase_share": 0,
}


def random_images(n: int, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 48, 48, 1)).astype(np.float32)


def augmented(images: Floats, **options: Any) -> Floats:
    return np.asarray(keras.ops.convert_to_numpy(Augment(**options)(images, training=True)))


def blob(x: float, y: float, n: int) -> Floats:
    """A soft round spot of 200 grey levels on black, n times."""
    rows, columns = np.mgrid[0:48, 0:48]
    spot = 200 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.0**2))
    return np.repeat(spot[None, ..., None], n, axis=0).astype(np.float32)


def centroids(images: Floats) -> NDArray[np.float64]:
    """(n, 2) x and y of the centre of brightness, from the middle of the image."""
    rows, columns = np.mgrid[0:48, 0:48] - 23.5
    weights = images[..., 0].astype(np.float64)
    total = weights.sum(axis=(1, 2))
    return np.stack(
        [(weights * axis).sum(axis=(1, 2)) / total for axis in (columns, rows)], axis=1
    )


# --- What it leaves alone ---------------------------------------------------------------------


@pytest.mark.parametrize("training", [False, None])
def test_at_inference_nothing_changes(training: bool | None) -> None:
    images = random_images(8)
    out = keras.ops.convert_to_numpy(Augment()(images, training=training))
    assert np.array_equal(out, images)


@pytest.mark.parametrize("n", [1, 2, 33])
def test_shape_range_and_finiteness_are_kept(n: int) -> None:
    out = augmented(random_images(n), seed=n)
    assert out.shape == (n, 48, 48, 1)
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert out.min() >= 0
    assert out.max() <= 255


def test_extreme_ranges_stay_within_grey_levels() -> None:
    out = augmented(
        random_images(64), rotation_deg=180, scale=0.5, shift=0.5, brightness=1, contrast=1
    )
    assert np.isfinite(out).all()
    assert 0 <= out.min() <= out.max() <= 255


def test_without_ranges_each_image_is_itself_or_its_mirror_image() -> None:
    images = random_images(64)
    out = augmented(images, **NOTHING)
    # The last row and column are read a thousandth of a pixel before their middle, twice.
    same = np.abs(out - images).max(axis=(1, 2, 3)) < 0.6
    mirrored = np.abs(out - images[:, :, ::-1]).max(axis=(1, 2, 3)) < 0.6
    assert (same ^ mirrored).all()
    assert 16 < same.sum() < 48


# --- What it changes, and by how much ---------------------------------------------------------


def test_a_shift_goes_as_far_as_it_may_and_no_further() -> None:
    moved = centroids(augmented(blob(23.5, 23.5, 200), **{**NOTHING, "shift": 0.12}))
    assert np.abs(moved).max() <= 0.12 * 48 + 0.05
    assert (np.abs(moved).max(axis=0) > 0.1 * 48).all()
    assert np.abs(moved.mean(axis=0)).max() < 1


def test_a_turn_goes_as_far_as_it_may_and_keeps_the_distance() -> None:
    """A spot 15 px above the middle, which its mirror image leaves in place."""
    turned = centroids(augmented(blob(23.5, 8.5, 200), **{**NOTHING, "rotation_deg": 15}))
    angles = np.degrees(np.arctan2(turned[:, 0], -turned[:, 1]))
    assert np.abs(angles).max() <= 15.2
    assert angles.min() < -12
    assert angles.max() > 12
    assert np.hypot(*turned.T) == pytest.approx(15, abs=0.2)


def test_scaling_goes_as_far_as_it_may_and_keeps_the_direction() -> None:
    scaled = centroids(augmented(blob(23.5, 8.5, 200), **{**NOTHING, "scale": 0.15}))
    distances = np.hypot(*scaled.T)
    assert 15 * 0.85 - 0.2 <= distances.min() < 15 * 0.88
    assert 15 * 1.12 < distances.max() <= 15 * 1.15 + 0.2
    assert np.abs(scaled[:, 0]).max() < 0.1


def test_brightness_shifts_all_levels_alike() -> None:
    out = augmented(np.full((200, 48, 48, 1), 120, np.float32), **{**NOTHING, "brightness": 0.2})
    levels = out.reshape(200, -1)
    assert np.ptp(levels, axis=1).max() < 1e-3
    assert 120 - 51 <= levels.min() < 120 - 40
    assert 120 + 40 < levels.max() <= 120 + 51


def test_contrast_keeps_the_mean_and_changes_the_spread() -> None:
    images = 100 + random_images(100) / 10  # nothing reaches the ends of the range
    out = augmented(images, **{**NOTHING, "contrast": 0.2})
    assert out.mean(axis=(1, 2, 3)) == pytest.approx(images.mean(axis=(1, 2, 3)), abs=0.1)
    gain = out.std(axis=(1, 2, 3)) / images.std(axis=(1, 2, 3))
    assert 0.79 < gain.min() < 0.85
    assert 1.15 < gain.max() < 1.21


def erased_sides(out: Floats) -> list[tuple[int, int]]:
    """Height and width of what is no longer 100 in each image; checks that it is one rectangle."""
    sides = []
    for image in out[..., 0]:
        changed = image != 100
        rows, columns = changed.any(axis=1), changed.any(axis=0)
        assert changed.sum() == rows.sum() * columns.sum()
        assert len(np.unique(image[changed])) <= 1
        sides.append((int(rows.sum()), int(columns.sum())))
    return sides


def test_the_erased_square_has_the_size_asked_for() -> None:
    options = {**NOTHING, "erase_share": 1, "erase_px": (12, 12)}
    sides = erased_sides(augmented(np.full((200, 48, 48, 1), 100, np.float32), **options))
    assert max(max(pair) for pair in sides) == 12
    # The border cuts those whose middle is nearer than 6 of 48 px: (36 / 48) ** 2 are whole.
    assert sides.count((12, 12)) / 200 == pytest.approx((36 / 48) ** 2, abs=0.12)
    assert min(min(pair) for pair in sides) >= 5


def test_erased_squares_vary_in_size_and_hit_their_share_of_images() -> None:
    options = {**NOTHING, "erase_share": 0.5, "erase_px": (8, 20)}
    sides = erased_sides(augmented(np.full((400, 48, 48, 1), 100, np.float32), **options))
    hit = [pair for pair in sides if pair != (0, 0)]
    assert len(hit) / 400 == pytest.approx(0.5, abs=0.1)
    whole = [height for height, width in hit if height == width]
    assert max(max(pair) for pair in hit) <= 20
    assert max(whole) - min(whole) >= 8


def test_a_blur_widens_a_spot_as_far_as_it_may_and_keeps_what_is_even() -> None:
    """Variances of a Gaussian spot and a Gaussian blur add up."""
    blurred = augmented(blob(23.5, 23.5, 300), **NOTHING, blur_px=3, blur_share=1)[..., 0]
    columns = np.arange(48) - 23.5
    profile = blurred.sum(axis=1).astype(np.float64)
    variance = (profile * columns**2).sum(axis=1) / profile.sum(axis=1)
    width_px = np.sqrt(np.maximum(variance - 2.0**2, 0))
    assert 2.8 < width_px.max() <= 3.05
    assert width_px.min() < 0.3
    even = augmented(np.full((8, 48, 48, 1), 90, np.float32), **NOTHING, blur_px=3, blur_share=1)
    assert even == pytest.approx(90, abs=1e-3)


def test_a_blur_is_the_one_that_opencv_computes() -> None:
    """Away from the edges, where OpenCV repeats them and this does not."""
    cv2 = pytest.importorskip("cv2")
    image = np.repeat(random_images(1), 64, axis=0)
    image = (image + image[:, :, ::-1]) / 2  # its own mirror image
    blurred = augmented(image, **NOTHING, blur_px=2, blur_share=1)[:, 12:36, 12:36, 0]
    widths_px = np.linspace(0.05, 2, 400)
    known = np.stack(
        [cv2.GaussianBlur(image[0, ..., 0], (25, 25), width)[12:36, 12:36] for width in widths_px]
    )
    nearest = np.abs(blurred[:, None] - known).max(axis=(2, 3)).min(axis=1)
    assert np.median(nearest) < 3


def test_noise_is_as_strong_as_it_may_be_and_even_handed() -> None:
    flat = np.full((300, 48, 48, 1), 128, np.float32)
    added = augmented(flat, **NOTHING, noise=30, noise_share=1) - 128
    strength = added.std(axis=(1, 2, 3))
    assert 28 < strength.max() < 31
    assert strength.min() < 1.5
    assert np.abs(added.mean(axis=(1, 2, 3))).max() < 3


@pytest.mark.parametrize("kind", ["blur", "noise"])
def test_blur_and_noise_hit_their_share_of_images(kind: str) -> None:
    stripes = np.tile(np.float32([60, 180]), 24)[None, None, :, None]
    images = np.broadcast_to(stripes, (400, 48, 48, 1)).copy()
    reference = np.sort(images[0].ravel())
    shares = {"blur": {"blur_px": 2.0, "blur_share": 0.3}, "noise": {"noise_share": 0.3}}
    out = augmented(images, **NOTHING, **shares[kind])
    hit = [np.abs(np.sort(image.ravel()) - reference).mean() > 1 for image in out]
    assert np.mean(hit) == pytest.approx(0.29, abs=0.08)


def test_every_image_is_changed_in_its_own_way() -> None:
    out = augmented(np.repeat(random_images(1), 16, axis=0))
    assert len({image.tobytes() for image in out}) == 16


# --- Seeds ------------------------------------------------------------------------------------


def test_the_same_seed_draws_the_same() -> None:
    images = random_images(8)
    one, other, third = Augment(seed=5), Augment(seed=5), Augment(seed=6)
    first = keras.ops.convert_to_numpy(one(images, training=True))
    assert np.array_equal(first, keras.ops.convert_to_numpy(other(images, training=True)))
    assert not np.array_equal(first, keras.ops.convert_to_numpy(third(images, training=True)))
    assert not np.array_equal(first, keras.ops.convert_to_numpy(one(images, training=True)))


def test_half_precision_outside_leaves_grey_levels_whole() -> None:
    """256 levels do not fit into bfloat16's eight bits."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    out = Augment()(random_images(4), training=True)
    assert keras.backend.standardize_dtype(out.dtype) == "float32"
