"""One package in one process: how long it takes, what it takes, what it says. For peers.py.

Runs in the peers' environment, where Mien is not installed, and in Mien's own for Mien. Each
package does what its own example does; what had to be mended for it to start is said in its note.
"""
# ruff: noqa: D102 - `Peer` says once what the methods of all of them do

import argparse
import json
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# FER-2013's order: angry, disgust, fear, happy, sad, surprise, neutral.
FER_ORDER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
WARM_UP = 2


class Peer(ABC):
    """A package as its users call it.

    `photo(image_bgr)` finds and judges all faces and returns how many; `faces(grey)` judges
    uint8 (n, 48, 48) crops and returns the labels in FER-2013's order.
    """

    note = ""

    @abstractmethod
    def photo(self, image_bgr: Any) -> int:
        """Count of faces judged in a photo, uint8 (height, width, 3)."""

    @abstractmethod
    def faces(self, grey: Any) -> list[int]:
        """Labels 0..6 of n crops."""


class Fer(Peer):
    """`fer`: Haar cascade and mini-XCEPTION; by default the quantised one."""

    note = "needs setuptools < 80 and OpenCV < 5"

    def __init__(self, *, quantised: bool = True) -> None:
        from fer.fer import FER

        self._fer = FER(use_tflite=quantised)

    def photo(self, image_bgr: Any) -> int:
        return len(self._fer.detect_emotions(image_bgr))

    def faces(self, grey: Any) -> list[int]:
        import cv2
        import numpy as np

        # As fer.FER.detect_emotions prepares them.
        sized = np.array([cv2.resize(face, (64, 64)) for face in grey], np.float32)
        sized = (sized / 255.0 - 0.5) * 2.0
        said = [
            self._fer._classify_emotions(sized[i : i + 256]) for i in range(0, len(sized), 256)
        ]
        return np.concatenate([np.asarray(part) for part in said]).argmax(axis=1).tolist()


class Facemood(Peer):
    """`facemood`: no detector, the whole picture at 170 px goes into the network."""

    note = "its only function reads a camera in a window: its lines were run on photos"

    def __init__(self) -> None:
        import facemood
        import tensorflow as tf

        folder = Path(facemood.__file__).parent
        self._model = tf.keras.models.load_model(folder / "model__version1.0.0__.h5")

    def photo(self, image_bgr: Any) -> int:
        self._model.predict(self._prepared(image_bgr[:, :, ::-1])[None], verbose=0)
        return 1

    def _prepared(self, image_rgb: Any) -> Any:
        import numpy as np
        from PIL import Image

        return (
            np.array(Image.fromarray(np.ascontiguousarray(image_rgb)).resize((170, 170))) / 255.0
        )

    def faces(self, grey: Any) -> list[int]:
        import numpy as np

        labels: list[int] = []
        for start in range(0, len(grey), 64):
            part = [
                self._prepared(np.repeat(f[:, :, None], 3, 2)) for f in grey[start : start + 64]
            ]
            said = self._model.predict_on_batch(np.array(part, np.float32))
            labels += np.asarray(said).argmax(axis=1).tolist()
        return labels


class Facex(Peer):
    """`facex`: Haar cascade and a quantised network at 200 px."""

    _NAMES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")

    def __init__(self) -> None:
        from facex import PoolManager

        self._pool = PoolManager(pool_size=1)

    def photo(self, image_bgr: Any) -> int:
        return len(self._pool.predict(image_bgr))

    def faces(self, grey: Any) -> list[int]:
        worker = self._pool.pool[0]
        order = [FER_ORDER.index(name) for name in self._NAMES]
        labels = []
        for face in grey:
            scores = list(worker.detect_emotion(face).values())
            labels.append(order[scores.index(max(scores))])
        return labels


class FacialEmotionRecognition(Peer):
    """`facial-emotion-recognition`: MTCNN and a network at 48 px, on PyTorch."""

    note = "does not start without a graphics card: its weights were mapped to the processor"

    def __init__(self) -> None:
        import torch

        load = torch.load
        torch.load = lambda *a, **k: load(*a, **{**k, "map_location": "cpu"})
        from facial_emotion_recognition import EmotionRecognition

        self._net = EmotionRecognition(device="cpu")
        torch.load = load
        detect = self._net.mtcnn.detect

        def counting(image: Any) -> Any:  # it draws what it finds and returns no count
            found = detect(image)
            self._n_found = 0 if found[0] is None else len(found[0])
            return found

        self._net.mtcnn.detect = counting

    def photo(self, image_bgr: Any) -> int:
        self._net.recognise_emotion(image_bgr, return_type="BGR")
        return self._n_found

    def faces(self, grey: Any) -> list[int]:
        return [FER_ORDER.index(self._net._predict(face).lower()) for face in grey]


class YbcFaceEmotion(Peer):
    """`ybc-face-emotion`: Haar cascade and mini-XCEPTION, on Keras."""

    note = "does not import (scipy.misc.imread is gone) and reads a camera: its lines were run"

    def __init__(self) -> None:
        import cv2
        from keras.models import load_model

        folder = next(
            Path(place) / "ybc_face_emotion" / "data"
            for place in sys.path
            if (Path(place) / "ybc_face_emotion").is_dir()
        )
        self._cascade = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))
        file = folder / "fer2013_mini_XCEPTION.102-0.66.hdf5"
        self._model = load_model(file, compile=False)

    def photo(self, image_bgr: Any) -> int:
        import cv2
        import numpy as np

        grey = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY)
        n_judged = 0
        for x, y, width, height in self._cascade.detectMultiScale(grey, 1.3, 5):
            cut = grey[y - 40 : y + height + 40, x - 20 : x + width + 20]
            if not cut.size:
                continue  # as its own try … except does
            face = cv2.resize(cut, (64, 64)).astype(np.float32) / 255.0
            self._model.predict(face[None, :, :, None], verbose=0)
            n_judged += 1
        return n_judged

    def faces(self, grey: Any) -> list[int]:
        import cv2
        import numpy as np

        # Scaled to 0..1 as it does, though the network was trained on -1..1.
        sized = np.array([cv2.resize(f, (64, 64)) for f in grey], np.float32)[..., None] / 255.0
        return self._model.predict(sized, batch_size=256, verbose=0).argmax(axis=1).tolist()


class Mien(Peer):
    """This project, as `mien analyze` runs it."""

    def __init__(self) -> None:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
        from core.analyzer import create_analyzer
        from core.config import load_settings

        settings = load_settings()
        self._analyzer = create_analyzer(
            settings.models_dir,
            model_id=settings.default_model,
            detector=settings.default_detector,
            with_landmarks=False,
        )
        self.note = f"{settings.default_model}, {settings.default_detector}"

    def photo(self, image_bgr: Any) -> int:
        import cv2

        image_rgb = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)
        return len(self._analyzer.analyze(image_rgb).faces)

    def faces(self, grey: Any) -> list[int]:
        return self._said(self._analyzer.classifier.in_dialect("fer2013"), grey)

    def people(self, grey: Any) -> list[int]:
        """What most people would say, as the app does, rather than FER-2013's labels."""
        return self._said(self._analyzer.classifier, grey)

    @staticmethod
    def _said(classifier: Any, grey: Any) -> list[int]:
        import numpy as np

        spec = classifier.card.face_input
        given = grey if spec.channels == 1 else np.repeat(grey[:, :, :, None], 3, axis=3)
        sized = np.array([spec.resize(face) for face in given])
        return classifier.probabilities(spec.normalise(sized)).argmax(axis=1).tolist()


PEERS: dict[str, Callable[[], Peer]] = {
    "mien": Mien,
    "fer": Fer,
    "fer-float": lambda: Fer(quantised=False),
    "facemood": Facemood,
    "facex": Facex,
    "facial-emotion-recognition": FacialEmotionRecognition,
    "ybc-face-emotion": YbcFaceEmotion,
}


def timed(call: Callable[[], object], runs: int) -> dict[str, float]:
    """Median wall time and mean processor time (all threads) of a call, in milliseconds."""
    for _ in range(WARM_UP):
        call()
    walls, cpu_started = [], time.process_time()
    for _ in range(runs):
        started = time.perf_counter()
        call()
        walls.append(time.perf_counter() - started)
    cpu_ms = (time.process_time() - cpu_started) / runs * 1000
    return {"wall_ms": round(sorted(walls)[runs // 2] * 1000, 2), "cpu_ms": round(cpu_ms, 2)}


def main() -> None:
    """Measure one package and print a JSON object on the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("work", type=Path, help="folder with one.jpg, ten.jpg, faces.npz")
    parser.add_argument("--runs", type=int, default=20)
    args = parser.parse_args()
    wall, cpu = time.perf_counter(), time.process_time()
    peer = PEERS[args.peer]()
    found: dict[str, Any] = {
        "load_s": round(time.perf_counter() - wall, 2),
        "load_cpu_s": round(time.process_time() - cpu, 2),
    }
    import cv2
    import numpy as np
    import psutil

    data = {name: np.fromfile(args.work / f"{name}.jpg", np.uint8) for name in ("one", "ten")}

    def photo(name: str) -> int:
        return peer.photo(cv2.imdecode(data[name], cv2.IMREAD_COLOR))

    with np.load(args.work / "faces.npz") as stored:
        sample, test = stored["sample"], stored["test"]
    found["photo"] = timed(lambda: photo("one"), args.runs)
    found["faces_of_1"], found["faces_of_10"] = photo("one"), photo("ten")
    found["face"] = timed(lambda: peer.faces(sample[None]), 3 * args.runs)
    found["memory_mb"] = round(psutil.Process().memory_info().rss / 1e6)
    found["labels"] = peer.faces(test)
    if isinstance(peer, Mien):
        found["people_labels"] = peer.people(test)
    found["note"] = peer.note
    print(json.dumps(found))


if __name__ == "__main__":
    main()
