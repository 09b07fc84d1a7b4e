"""A LiteRT network that takes pictures of any size."""

import threading
from collections import OrderedDict
from typing import Any, Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from core.types import FloatArray, ImageRGB

# Plans for so many sizes are kept, each of up to 35 MB of working memory: a photo and half of it,
# its small copy upright and on its side, and half of that.
_MAX_PLANS: Final = 5


class AnySizeNetwork:
    """Behind a lock, on one thread: its input size is state of the interpreter.

    Input is grey levels 0..255 (1, any, any, 3), padded with black below and to the right to sides
    that are multiples of `side_step_px`; outputs are maps.
    """

    def __init__(self, model: bytes, side_step_px: int) -> None:
        self._model, self._side_step_px = model, side_step_px
        self._lock = threading.Lock()
        self._plans: OrderedDict[tuple[int, int], Any] = OrderedDict()

    def maps(self, image_rgb: ImageRGB) -> list[FloatArray]:
        """Its outputs (h, w, channels), finest first, of those as fine the one of fewest channels.

        The order in which a file has its outputs means nothing; their shapes do.
        """
        height, width = image_rgb.shape[:2]
        step = self._side_step_px
        rows, columns = (-(-side // step) * step for side in (height, width))
        with self._lock:
            interpreter = self._plan((rows, columns))
            spec = interpreter.get_input_details()[0]
            picture = np.zeros((1, rows, columns, 3), spec["dtype"])
            picture[0, :height, :width] = image_rgb
            interpreter.set_tensor(spec["index"], picture)
            interpreter.invoke()
            outputs = interpreter.get_output_details()
            maps = [interpreter.get_tensor(output["index"])[0] for output in outputs]
        return sorted(maps, key=lambda level: (-level.shape[0], -level.shape[1], level.shape[2]))

    def _plan(self, size_hw: tuple[int, int]) -> Any:
        interpreter = self._plans.pop(size_hw, None)
        if interpreter is None:
            # To plan anew on memory that is there takes a third of the time.
            interpreter = (
                self._plans.popitem(last=False)[1]
                if len(self._plans) == _MAX_PLANS
                else Interpreter(model_content=self._model, num_threads=1)
            )
            index = interpreter.get_input_details()[0]["index"]
            interpreter.resize_tensor_input(index, (1, *size_hw, 3))
            interpreter.allocate_tensors()
        self._plans[size_hw] = interpreter
        return interpreter
