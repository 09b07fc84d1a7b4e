"""Random looks of a training picture: light, colour, sharpness, and covered faces."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import ImageRGB
from training.detector.photos import Annotation

Rng = np.random.Generator

MASK_SHARE = 0.15
COVER_SHARE = 0.08
_SMALLEST_MASKED_PX = 14.0


def random_look(image_rgb: ImageRGB, annotation: Annotation, rng: Rng) -> ImageRGB:
    """A copy of a picture as another camera, light or dress would have made it."""
    image_rgb = image_rgb.copy()
    for box, points in zip(annotation.boxes_xyxy, annotation.points_xy, strict=True):
        if min(box[2:] - box[:2]) < _SMALLEST_MASKED_PX:
            continue
        chance = rng.random()
        if chance < MASK_SHARE:
            wear_mask(image_rgb, box, points, rng)
        elif chance < MASK_SHARE + COVER_SHARE:
            _cover(image_rgb, box, rng)
    return _sharpness(_light(image_rgb, rng), rng)


def wear_mask(
    image_rgb: ImageRGB, box_xyxy: NDArray[np.float32], points_xy: NDArray[np.float32], rng: Rng
) -> None:
    """Paint something like a face mask over nose, mouth and chin, in place.

    Along the face's axes where its points are known, upright where they are not.
    """
    width, height = box_xyxy[2:] - box_xyxy[:2]
    if np.isfinite(points_xy).all():
        eyes, mouth = points_xy[:2].mean(axis=0), points_xy[3:].mean(axis=0)
        nose = points_xy[2]
        down = (mouth - eyes) / max(float(np.linalg.norm(mouth - eyes)), 1e-3)
        top = eyes + (nose - eyes) * rng.uniform(0.35, 0.9)
    else:
        middle = (box_xyxy[:2] + box_xyxy[2:]) / 2
        down = np.array([0.0, 1.0])
        top = middle + down * height * rng.uniform(-0.08, 0.12)
    right = np.array([-down[1], down[0]]) * -1
    half = width / 2 * rng.uniform(0.8, 1.05)
    depth = float(np.clip((box_xyxy[2:] - top) @ down, 0.3 * height, height)) * 1.02
    outline = [(-1, 0.12), (-0.35, 0), (0, -0.06), (0.35, 0), (1, 0.12)]
    outline += [(0.85, 0.6), (0.4, 1), (-0.4, 1), (-0.85, 0.6)]
    corners = [top + x * half * right + y * depth * down for x, y in outline]
    _paint(image_rgb, np.array(corners), rng)


def _cover(image_rgb: ImageRGB, box_xyxy: NDArray[np.float32], rng: Rng) -> None:
    """A bar or a patch over some part of the face: glasses, a hand, a microphone."""
    size = box_xyxy[2:] - box_xyxy[:2]
    if rng.random() < 0.4:
        half = size * [rng.uniform(0.4, 0.5), rng.uniform(0.08, 0.14)]
        middle = box_xyxy[:2] + size * [0.5, rng.uniform(0.3, 0.45)]
    else:
        half = size * rng.uniform(0.12, 0.3, 2)
        middle = box_xyxy[:2] + size * rng.uniform(0, 1, 2)
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    turn = rng.normal(0, 0.15)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    _paint(image_rgb, middle + (signs * half) @ rotation.T, rng)


def _paint(image_rgb: ImageRGB, corners_xy: NDArray[np.floating], rng: Rng) -> None:
    """Fill a polygon with cloth, about as bright as the surroundings, shaded, with folds."""
    height, width = image_rgb.shape[:2]
    left, top = np.clip(np.floor(corners_xy.min(axis=0)), 0, [width, height]).astype(int)
    right, bottom = np.clip(np.ceil(corners_xy.max(axis=0)) + 1, 0, [width, height]).astype(int)
    if right <= left or bottom <= top:
        return
    patch = image_rgb[top:bottom, left:right].astype(np.float32)
    alpha = np.zeros(patch.shape[:2], np.uint8)
    shifted = np.round((corners_xy - [left, top]) * 16).astype(np.int32)
    cv2.fillPoly(alpha, [shifted], 255, lineType=cv2.LINE_AA, shift=4)
    light = np.clip(patch.mean() / 128, 0.35, 1.3)
    cloth = np.empty_like(patch)
    cloth[:] = _cloth_colour(rng) * light
    x = np.linspace(-1, 1, patch.shape[1])[None, :, None]
    y = np.linspace(0, 1, patch.shape[0])[:, None, None]
    cloth *= 1 - rng.uniform(0, 0.4) * x**2 + rng.uniform(-0.25, 0.25) * x
    cloth *= 1 + rng.uniform(0, 0.12) * np.sin(y * rng.uniform(6, 25) + x * rng.uniform(-2, 2))
    cloth += rng.normal(0, rng.uniform(1, 8), cloth.shape)
    share = alpha[..., None].astype(np.float32) / 255
    mixed = patch * (1 - share) + cloth * share
    image_rgb[top:bottom, left:right] = np.clip(mixed, 0, 255).astype(np.uint8)


def _cloth_colour(rng: Rng) -> NDArray[np.float32]:
    usual = [(225, 228, 230), (150, 195, 225), (140, 200, 190), (35, 35, 40)]
    if rng.random() < 0.7:
        base = np.array(usual[rng.integers(len(usual))], np.float32)
        return np.asarray(np.clip(base + rng.normal(0, 12, 3), 5, 250), np.float32)
    return np.asarray(rng.uniform(10, 245, 3), np.float32)


def _light(image_rgb: ImageRGB, rng: Rng) -> ImageRGB:
    if rng.random() < 0.15:
        grey = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY)
        image_rgb = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    elif rng.random() < 0.4:
        grey = cv2.cvtColor(cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        share = rng.uniform(0.4, 1.6)
        image_rgb = np.asarray(cv2.addWeighted(image_rgb, share, grey, 1 - share, 0), np.uint8)
    if rng.random() < 0.7:
        levels = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.normal(0, 0.25))
        levels = levels * np.exp(rng.normal(0, 0.08, 3)) * np.exp(rng.normal(0, 0.2))
        levels = (levels - 0.5) * np.exp(rng.normal(0, 0.2)) + 0.5 + rng.normal(0, 0.06)
        table = np.clip(levels * 255, 0, 255).astype(np.uint8)
        image_rgb = np.asarray(cv2.LUT(image_rgb, table[:, None, :]), np.uint8)
    return image_rgb


def _sharpness(image_rgb: ImageRGB, rng: Rng) -> ImageRGB:
    chance = rng.random()
    if chance < 0.12:
        image_rgb = np.asarray(
            cv2.GaussianBlur(image_rgb, (0, 0), rng.uniform(0.5, 1.3)), np.uint8
        )
    elif chance < 0.18:
        length = int(rng.integers(3, 6))
        kernel = np.zeros((length, length), np.float32)
        if rng.random() < 0.5:
            kernel[length // 2] = 1 / length
        else:
            kernel[:, length // 2] = 1 / length
        image_rgb = np.asarray(cv2.filter2D(image_rgb, -1, kernel), np.uint8)
    elif chance < 0.25:
        height, width = image_rgb.shape[:2]
        factor = rng.uniform(0.55, 0.9)
        small = cv2.resize(image_rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        image_rgb = np.asarray(cv2.resize(small, (width, height)), np.uint8)
    if rng.random() < 0.1:
        noise = rng.normal(0, rng.uniform(2, 12), image_rgb.shape)
        image_rgb = np.clip(image_rgb + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 90))]
        _, encoded = cv2.imencode(".jpg", image_rgb, quality)
        image_rgb = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return image_rgb
