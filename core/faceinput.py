from dataclasses import dataclass
import numpy as np
@dataclass(frozen=True)
class FaceInput:
    size_px: int = 48
    channels: int = 1
    scale: float = 1 / 64
    offset: float = -2.0
    def normalise(self, images):
        return images.astype(np.float32) * np.float32(self.scale) + np.float32(self.offset)
