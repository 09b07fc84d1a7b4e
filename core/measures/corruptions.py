"""What happens to pictures outside a test set: 15 corruptions in five strengths each.

After Hendrycks and Dietterich 2019 (arXiv 1903.12261), chosen for face crops: sensors (noise),
optics (blur), light, transmission, and faces that are turned, shifted or partly covered. The
same image, name, level and seed give the same result.
"""

from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.measures.accuracy import Labels, wilson_interval
from core.types import FloatArray

Image = NDArray[np.uint8]
Corrupt = Callable[[Image, int, np.random.Generator], Image]

LEVELS: Final = (1, 2, 3, 4, 5)


def corrupt(image: Image, name: str, level: int, *, seed: int = 0) -> Image:
    """A corrupted copy of a grey (h, w) or RGB (h, w, 3) uint8 image, in the same shape.

    Strengths that are lengths scale with its width; level 1 is weak, 5 strong.

    Raises:
        ValueError: for another name, level or kind of array.

    Examples:
        >>> bool(corrupt(np.full((48, 48), 100, np.uint8), "underexposed", 5).max() < 100)
        True
    """
    if name not in CORRUPTIONS:
        raise ValueError(f"corruption {name!r} is not one of {', '.join(CORRUPTIONS)}")
    if level not in LEVELS:
        raise ValueError(f"level must be one of {LEVELS}, got {level}")
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(
            f"image must be uint8 (h, w) or (h, w, 3), got {image.dtype} {image.shape}"
        )
    # The level is no part of the seed: the same direction, only further.
    rng = np.random.default_rng((seed, list(CORRUPTIONS).index(name)))
    return CORRUPTIONS[name](image, level - 1, rng).reshape(image.shape)


def _clip(values: NDArray[np.floating]) -> Image:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def _gaussian_noise(image: Image, index: int, rng: np.random.Generator) -> Image:
    sigma = (8, 14, 22, 32, 45)[index]  # grey levels
    return _clip(image + rng.normal(0, sigma, image.shape))


def _shot_noise(image: Image, index: int, rng: np.random.Generator) -> Image:
    photons = (60, 30, 15, 8, 4)[index]  # at white; fewer is darker and noisier
    return _clip(rng.poisson(image / 255 * photons) / photons * 255)


def _salt_and_pepper(image: Image, index: int, rng: np.random.Generator) -> Image:
    share = (0.01, 0.03, 0.06, 0.11, 0.18)[index]
    chance = rng.random(image.shape[:2])
    result = image.copy()
    result[chance < share / 2] = 0
    result[chance > 1 - share / 2] = 255
    return result


def _gaussian_blur(image: Image, index: int, rng: np.random.Generator) -> Image:
    sigma = (0.012, 0.02, 0.03, 0.042, 0.06)[index] * image.shape[1]
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def _motion_blur(image: Image, index: int, rng: np.random.Generator) -> Image:
    length_px = max(round((0.05, 0.09, 0.13, 0.18, 0.25)[index] * image.shape[1]), 2)
    kernel = np.zeros((2 * length_px + 1,) * 2, np.float32)
    angle = rng.uniform(0, np.pi)
    reach = length_px / 2 * np.array([np.cos(angle), np.sin(angle)])
    start, end = np.round(length_px - reach).astype(int), np.round(length_px + reach).astype(int)
    cv2.line(kernel, start.tolist(), end.tolist(), 1.0)
    blurred = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.uint8)


def _low_resolution(image: Image, index: int, rng: np.random.Generator) -> Image:
    share = (0.7, 0.5, 0.4, 0.3, 0.22)[index]
    height, width = image.shape[:2]
    size_wh = (max(round(share * width), 1), max(round(share * height), 1))
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _jpeg(image: Image, index: int, rng: np.random.Generator) -> Image:
    quality = (40, 25, 15, 9, 5)[index]
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED), np.uint8)


def _overexposed(image: Image, index: int, rng: np.random.Generator) -> Image:
    return _clip(image.astype(np.float32) + (30, 55, 80, 105, 130)[index])


def _underexposed(image: Image, index: int, rng: np.random.Generator) -> Image:
    return _clip(image.astype(np.float32) * (0.65, 0.45, 0.3, 0.2, 0.12)[index])


def _low_contrast(image: Image, index: int, rng: np.random.Generator) -> Image:
    mean = float(image.mean())
    return _clip((image - mean) * (0.6, 0.42, 0.3, 0.2, 0.12)[index] + mean)


def _haze(image: Image, index: int, rng: np.random.Generator) -> Image:
    """A bright veil that is thicker in places."""
    veil = (0.2, 0.32, 0.44, 0.56, 0.68)[index]
    cloud = cv2.resize(
        rng.random((4, 4), np.float32), image.shape[1::-1], interpolation=cv2.INTER_CUBIC
    )
    thickness = np.clip(veil * (0.6 + 0.8 * cloud), 0, 0.95)
    return _clip(_over(image, thickness, 235.0))


def _side_light(image: Image, index: int, rng: np.random.Generator) -> Image:
    """One half goes dark, the left or the right."""
    depth = (0.35, 0.5, 0.65, 0.8, 0.92)[index]
    ramp = np.linspace(0, 1, image.shape[1], dtype=np.float32) ** 0.8
    if rng.random() < 0.5:
        ramp = ramp[::-1]
    return _clip(_over(image, np.broadcast_to(depth * ramp, image.shape[:2]), 0.0))


def _occlusion(image: Image, index: int, rng: np.random.Generator) -> Image:
    """A grey bar over the eyes or a square over the mouth, as glasses, hands and masks do."""
    share = (0.10, 0.16, 0.22, 0.28, 0.34)[index]
    height, width = image.shape[:2]
    result = image.copy()
    middle = 0.38 if rng.random() < 0.5 else 0.76  # where FER-2013's crops have eyes and mouth
    top = round((middle - share / 2) * height)
    half = 0.35 + 0.15 * index / 4
    left, right = round((0.5 - half) * width), round((0.5 + half) * width)
    result[top : top + max(round(share * height), 1), left:right] = rng.integers(40, 120)
    return result


def _rotation(image: Image, index: int, rng: np.random.Generator) -> Image:
    degrees = (8, 16, 25, 35, 45)[index] * (1 if rng.random() < 0.5 else -1)
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    turned = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def _badly_cut(image: Image, index: int, rng: np.random.Generator) -> Image:
    """The face off centre, as after a detector's mistake."""
    share = (0.05, 0.09, 0.13, 0.18, 0.24)[index]
    angle = rng.uniform(0, 2 * np.pi)
    height, width = image.shape[:2]
    shift = np.array(
        [[1, 0, share * width * np.cos(angle)], [0, 1, share * height * np.sin(angle)]]
    )
    moved = cv2.warpAffine(image, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _over(image: Image, opacity: NDArray[np.floating], grey: float) -> NDArray[np.floating]:
    """Lay one grey over the image, `opacity` (h, w) in 0..1."""
    share = opacity if image.ndim == 2 else opacity[..., None]
    return np.asarray(image * (1 - share) + grey * share)


CORRUPTIONS: Final[dict[str, Corrupt]] = {
    "gaussian noise": _gaussian_noise,
    "shot noise": _shot_noise,
    "salt and pepper": _salt_and_pepper,
    "out of focus": _gaussian_blur,
    "motion blur": _motion_blur,
    "low resolution": _low_resolution,
    "JPEG": _jpeg,
    "overexposed": _overexposed,
    "underexposed": _underexposed,
    "low contrast": _low_contrast,
    "haze": _haze,
    "side light": _side_light,
    "occlusion": _occlusion,
    "rotation": _rotation,
    "badly cut": _badly_cut,
}


# How accuracy falls under them.
Judge = Callable[[NDArray[np.uint8]], FloatArray]
Step = Callable[[], None]
N_CONDITIONS: Final = len(CORRUPTIONS) * len(LEVELS)


def robustness_rows(
    judge: Judge, crops: NDArray[np.uint8], labels: Labels, step: Step | None = None
) -> list[dict[str, Any]]:
    """One row a corruption and level: `corruption, level, accuracy, low, high` (Wilson, 95 %).

    `judge` takes crops such as `crops`, uint8 (n, h, w) or (n, h, w, 3), to probabilities (n, 7);
    `step` is called after each of the `N_CONDITIONS` rows, and what it raises stops the run.
    """
    rows = []
    for name in CORRUPTIONS:
        for level in LEVELS:
            corrupted = np.stack(
                [corrupt(crop, name, level, seed=number) for number, crop in enumerate(crops)]
            )
            n_right = int((judge(corrupted).argmax(axis=1) == labels).sum())
            low, high = wilson_interval(n_right, len(labels))
            rows.append(
                {
                    "corruption": name,
                    "level": level,
                    "accuracy": n_right / len(labels),
                    "low": low,
                    "high": high,
                }
            )
            if step:
                step()
    return rows


def sample_rows(n_all: int, n: int) -> NDArray[np.int64]:
    """`n` of the rows 0..n_all-1 in order, drawn without replacement; all if there are fewer."""
    return np.sort(np.random.default_rng(0).permutation(n_all)[:n])


def mean_accuracy(study: dict[str, Any]) -> float:
    """Accuracy averaged over all corruptions and levels of a study by `mien bias robustness`."""
    return float(np.mean([row["accuracy"] for row in study["rows"]]))
