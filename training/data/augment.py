"""Random changes to training images, on whole batches, with `keras.ops` alone.

They stand for what varies between photographs: turn, distance and place of the face, mirror
image, light, things in front of the face, sharpness and the sensor's noise.
"""

import keras
from keras import ops

from training.architectures.layers import Tensor


class Augment(keras.layers.Layer):
    """Random affine, flip, light, one erased square, blur and noise; identity at inference.

    Input and output: float (b, side, side, 1), grey levels 0..255.

    Args:
        rotation_deg: largest turn to either side.
        scale: largest relative change of size.
        shift: largest shift as a share of the side.
        brightness: largest shift of grey levels as a share of 255.
        contrast: largest relative change of contrast.
        erase_px: smallest and largest side of the erased square (Zhong et al. 2017, "random
            erasing", arXiv 1708.04896), filled with one random grey level.
        erase_share: share of the images that get it.
        blur_px: largest standard deviation of a Gaussian blur.
        blur_share: share of the images that are blurred.
        noise: largest standard deviation of Gaussian noise, in grey levels.
        noise_share: share of the images that get it; shares above 0 keep a network from being
            lost in weak noise (Rusak et al. 2020, arXiv 2001.06057).
        seed: seed of all random draws.

    Examples:
        >>> grey = ops.full((2, 48, 48, 1), 128.0)
        >>> change = Augment(brightness=0.1, seed=1)
        >>> bool(ops.all(change(grey, training=False) == grey))  # pictures to judge stay
        True
        >>> changed = change(grey, training=True)
        >>> changed.shape[1:], bool(ops.any(changed != grey))
        (TensorShape([48, 48, 1]), True)
    """

    def __init__(
        self,
        *,
        rotation_deg: float = 15.0,
        scale: float = 0.15,
        shift: float = 0.12,
        brightness: float = 0.2,
        contrast: float = 0.2,
        erase_px: tuple[int, int] = (8, 20),
        erase_share: float = 0.5,
        blur_px: float = 1.0,
        blur_share: float = 0.0,
        noise: float = 20.0,
        noise_share: float = 0.0,
        seed: int = 0,
    ) -> None:
        # Grey levels need more than bfloat16's eight bits, whatever the network computes in.
        super().__init__(dtype="float32")
        self.rotation_rad = rotation_deg * 3.141592653589793 / 180
        self.scale, self.shift = scale, shift
        self.brightness, self.contrast = brightness, contrast
        self.erase_px, self.erase_share = erase_px, erase_share
        self.blur_px, self.blur_share = blur_px, blur_share
        self.noise, self.noise_share = noise, noise_share
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Tensor, training: bool | None = None) -> Tensor:
        """Change each image in its own way when training."""
        if not training:
            return images
        images = self._affine(images)
        images = self._light(images)
        images = self._erase(images)
        if self.blur_share:
            images = self._blur(images)
        return self._noise(images) if self.noise_share else images

    def _uniform(self, images: Tensor, low: float, high: float) -> Tensor:
        """One draw an image, shape (b, 1)."""
        shape = (ops.shape(images)[0], 1)
        return keras.random.uniform(shape, low, high, dtype="float32", seed=self.seed_generator)

    def _affine(self, images: Tensor) -> Tensor:
        """Turn, scale, shift and flip about the centre, bilinear, edges repeated."""
        side = images.shape[1]
        angle = self._uniform(images, -self.rotation_rad, self.rotation_rad)
        zoom = 1 + self._uniform(images, -self.scale, self.scale)
        mirror = ops.sign(self._uniform(images, -1, 1))
        shift_x = self._uniform(images, -self.shift, self.shift) * side
        shift_y = self._uniform(images, -self.shift, self.shift) * side
        centred = ops.arange(side, dtype="float32") - (side - 1) / 2
        grid_y, grid_x = ops.meshgrid(centred, centred, indexing="ij")
        grid_x = ops.reshape(grid_x, (1, -1)) * mirror
        grid_y = ops.reshape(grid_y, (1, -1))
        source_x = (ops.cos(angle) * grid_x - ops.sin(angle) * grid_y) / zoom + shift_x
        source_y = (ops.sin(angle) * grid_x + ops.cos(angle) * grid_y) / zoom + shift_y
        middle = (side - 1) / 2
        return _sample_bilinear(images, source_x + middle, source_y + middle)

    def _light(self, images: Tensor) -> Tensor:
        gain = ops.reshape(1 + self._uniform(images, -self.contrast, self.contrast), (-1, 1, 1, 1))
        offset = 255 * self._uniform(images, -self.brightness, self.brightness)
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        images = (images - mean) * gain + mean + ops.reshape(offset, (-1, 1, 1, 1))
        return ops.clip(images, 0.0, 255.0)

    def _erase(self, images: Tensor) -> Tensor:
        side = images.shape[1]
        half = self._uniform(images, *self.erase_px) / 2
        half = half * self._chosen(images, self.erase_share)
        centre_x, centre_y = self._uniform(images, 0, side), self._uniform(images, 0, side)
        grey = ops.reshape(self._uniform(images, 0, 255), (-1, 1, 1, 1))
        pixels = ops.reshape(ops.arange(side, dtype="float32") + 0.5, (1, -1))
        inside_x = ops.reshape(ops.abs(pixels - centre_x) < half, (-1, 1, side, 1))
        inside_y = ops.reshape(ops.abs(pixels - centre_y) < half, (-1, side, 1, 1))
        return ops.where(ops.logical_and(inside_x, inside_y), grey, images)

    def _chosen(self, images: Tensor, share: float) -> Tensor:
        """1 for a share of the images, 0 for the others, shape (b, 1)."""
        return ops.cast(self._uniform(images, 0, 1) < share, "float32")

    def _blur(self, images: Tensor) -> Tensor:
        """Blur a share of the images, each by its own width.

        A Gaussian is separable: one matrix from the left, its transpose from the right. Rows
        that sum to one keep the brightness at the edges.
        """
        chosen = self._chosen(images, self.blur_share)
        width_px = chosen * self._uniform(images, 0, self.blur_px) + 1e-3  # so narrow is none
        pixels = ops.arange(images.shape[1], dtype="float32")
        apart = (pixels[None, :] - pixels[:, None]) / ops.reshape(width_px, (-1, 1, 1))
        weights = ops.exp(-0.5 * ops.square(apart))
        weights = weights / ops.sum(weights, axis=-1, keepdims=True)
        blurred = ops.matmul(
            weights, ops.matmul(images[..., 0], ops.transpose(weights, (0, 2, 1)))
        )
        return blurred[..., None]

    def _noise(self, images: Tensor) -> Tensor:
        strength = self._chosen(images, self.noise_share) * self._uniform(images, 0, self.noise)
        drawn = keras.random.normal(ops.shape(images), dtype="float32", seed=self.seed_generator)
        return ops.clip(images + ops.reshape(strength, (-1, 1, 1, 1)) * drawn, 0.0, 255.0)


def _sample_bilinear(images: Tensor, source_x: Tensor, source_y: Tensor) -> Tensor:
    """Read `images` (b, s, s, 1) at pixel coordinates (b, s * s); outside, the edge repeats."""
    side = images.shape[1]
    flat = ops.reshape(images, (-1, side * side))
    source_x = ops.clip(source_x, 0.0, side - 1.001)
    source_y = ops.clip(source_y, 0.0, side - 1.001)
    left, top = ops.floor(source_x), ops.floor(source_y)
    right_share, bottom_share = source_x - left, source_y - top
    index = ops.cast(top * side + left, "int32")

    def at(offset: int) -> Tensor:
        return ops.take_along_axis(flat, index + offset, axis=1)

    upper = at(0) * (1 - right_share) + at(1) * right_share
    lower = at(side) * (1 - right_share) + at(side + 1) * right_share
    return ops.reshape(upper * (1 - bottom_share) + lower * bottom_share, ops.shape(images))
