"""From a finished run of the detector to `models/mien-face/`: both files, description, readme.

Runs on the TensorFlow backend, whatever backend trained: the converter is TensorFlow's.
"""

import hashlib
import json
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from core.detection import SWEEP_THRESHOLD
from core.detection.detectors.mien_face import FaceNetwork, logit_map_names
from core.measures.detection.evaluation import counted_truths
from core.measures.detection.matching import Detections, precision_recall
from core.measures.detection.photos import AnnotatedPhotos, load_photos
from core.measures.study import write_study
from training.data.framing import decode_rgb
from training.detector.card import description, write_readme
from training.detector.photos import held_out
from training.detector.recipe import DetectorRecipe
from training.detector.train import MIN_FACE_PX, network_of
from training.expression.network import count_macs

N_REPRESENTATIVE = 200
_REPRESENTATIVE_PX = 320
# Factors by which photos are enlarged, to choose from; more would take too long.
ENLARGEMENTS = (1.0, 1.1, 1.2)


def to_litert(network: keras.Model, representative: NDArray[np.uint8] | None) -> bytes:
    """Convert to a LiteRT flatbuffer for pictures of any size; float maps out.

    The activations of `representative`, pictures (n, h, w, 3), set the ranges of 8-bit integers;
    None keeps 32-bit floats.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        # The detour over a saved model turns variables into constants, which int8 needs.
        network.export(folder, format="tf_saved_model", verbose=False)
        floats = bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
        if representative is None:
            return floats
        pictures = [picture[None] for picture in representative.astype(np.float32)]
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([picture] for picture in pictures)
        return _quantise(converter, pictures[:1], logit_map_names(floats))


def _quantise(
    converter: Any, pictures: list[NDArray[np.float32]], kept_as_floats: list[str]
) -> bytes:
    """All to 8-bit integers but the layers named, which are small.

    Nearly all cells are sure that they hold no face, so 256 steps over the range of the logits
    leave next to none for how sure a cell is that it does.
    """
    import tensorflow as tf

    lite = tf.lite.experimental
    options = lite.QuantizationDebugOptions(denylisted_nodes=kept_as_floats)
    with warnings.catch_warnings():  # TensorFlow warns of an interpreter that it uses itself
        warnings.simplefilter("ignore", UserWarning)
        debugger = lite.QuantizationDebugger(
            converter=converter,
            debug_dataset=lambda: ([picture] for picture in pictures),
            debug_options=options,
        )
        return bytes(debugger.get_nondebug_quantized_model())


def publish(data: Path, run: Path, folder: Path) -> dict[str, Any]:
    """Write `folder` from the best weights of `run`; returns the description.

    Some of the photos of `data` that were trained on set the ranges of the 8-bit integers, those
    held out choose threshold and enlargement. `history.txt` in `run`, if there, says what the
    recipe does not.
    """
    recipe = DetectorRecipe.from_json((run / "recipe.json").read_bytes())
    photos = load_photos(data)
    kept_out = held_out(len(photos), recipe.held_out_share, recipe.seed)
    keras.config.set_dtype_policy("float32")
    network = network_of(recipe)
    network.load_weights(run / "best.weights.h5")
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "float": to_litert(network, None),
        "int8": to_litert(network, representative(photos.keep(~kept_out))),
    }
    files = {name: _write(folder, name, content) for name, content in contents.items()}
    trials = [
        measure(FaceNetwork(contents["int8"], enlarge=enlarge), photos.keep(kept_out))
        for enlarge in ENLARGEMENTS
    ]
    chosen = max(trials, key=lambda trial: trial["ap50"])
    curves = json.loads((run / "curves.json").read_text())
    history = run / "history.txt"
    facts = description(
        recipe,
        curves,
        files=files,
        threshold=chosen["threshold"],
        enlarge=chosen["enlarge"],
        held_out=chosen,
        trials=trials,
        history=history.read_text(encoding="utf-8").strip() if history.exists() else "",
        n_parameters=network.count_params(),
        n_macs=count_macs(network_of(recipe, side_px=480)),
    )
    write_study(folder / "detector.json", facts)
    shutil.copyfile(run / "curves.json", folder / "curves.json")
    write_readme(folder)
    return facts


def _write(folder: Path, precision: str, content: bytes) -> dict[str, Any]:
    file = folder / f"model_{precision}.tflite"
    file.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return {"file": file.name, "sha256": digest, "n_bytes": len(content)}


def measure(network: FaceNetwork, photos: AnnotatedPhotos) -> dict[str, Any]:
    """Average precision and the F1-best threshold of an exported network."""
    found = []
    for encoded in photos.encoded():
        found_boxes, _, confidences = network.find(decode_rgb(encoded), SWEEP_THRESHOLD)
        found.append(Detections(found_boxes.astype(np.float64), confidences.astype(np.float64)))
    curve = precision_recall(counted_truths(photos, MIN_FACE_PX), found)
    return {
        "enlarge": network.enlarge,
        "n_images": len(photos),
        "n_faces": curve.n_faces,
        "ap50": round(curve.average_precision, 4),
        "best_f1": round(curve.best.f1, 4),
        "threshold": round(curve.best.threshold, 4),
    }


def representative(photos: AnnotatedPhotos) -> NDArray[np.uint8]:
    """Squares from the middle of photos, (n, 320, 320, 3)."""
    n_squares = min(len(photos), N_REPRESENTATIVE)
    squares = np.zeros((n_squares, _REPRESENTATIVE_PX, _REPRESENTATIVE_PX, 3), np.uint8)
    for row, encoded in zip(range(n_squares), photos.encoded(), strict=False):
        image_rgb = decode_rgb(encoded)
        top, left = (max(side - _REPRESENTATIVE_PX, 0) // 2 for side in image_rgb.shape[:2])
        part = image_rgb[top : top + _REPRESENTATIVE_PX, left : left + _REPRESENTATIVE_PX]
        squares[row, : part.shape[0], : part.shape[1]] = part
    return squares
