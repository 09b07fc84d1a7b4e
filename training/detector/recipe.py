"""Everything that decides what a training of the detector produces."""

from dataclasses import dataclass, field

from pydantic import TypeAdapter

from training.detector.views import ViewOptions


@dataclass(frozen=True, kw_only=True)
class DetectorRecipe:
    """Hyperparameters of one run."""

    epochs: int = 106
    widths: tuple[int, ...] = (16, 32, 64, 64, 80)  # channels at strides 2, 4, 8, 16, 32
    depths: tuple[int, ...] = (1, 2, 2, 1)  # residual convolutions at strides 4, 8, 16, 32
    neck_width: int = 48
    side_px: int = 320  # of the training pictures
    batch_size: int = 12
    learning_rate: float = 2e-3
    warmup_steps: int = 300
    weight_decay: float = 0.05
    average_momentum: float = 0.999
    held_out_share: float = 0.1  # of the photos, to choose by
    validate_every: int = 5  # epochs
    precision: str = "mixed_bfloat16"
    seed: int = 0
    views: ViewOptions = field(default_factory=ViewOptions)

    @classmethod
    def from_json(cls, text: str | bytes) -> "DetectorRecipe":
        """The recipe that was written into a run's folder."""
        return TypeAdapter(cls).validate_json(text)
