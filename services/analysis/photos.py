"""Analyse one photo from its bytes: the use-case behind the Upload page and `mien analyze`."""

import csv
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.analyzer import Analyzer
from core.config import Settings
from core.emotions import EMOTIONS
from core.errors import MienError
from core.pictures.files.names import printable
from core.pictures.images import DecodedImage
from core.types import Analysis, FaceAnalysis, FaceQuality, ImageRGB
from services.observe import WORK, observers

if TYPE_CHECKING:
    from db.types import Consent
    from services.store import Store

NO_FACE = (
    "No face was found. Very small ones are found with “Very small faces” (--tiles on the command "
    "line); else please choose a photo in which a face is upright and well lit."
)


def turned_note(what: str, degrees: int) -> str:
    """What is said of a photo or a video whose faces show that it is not upright."""
    how = "stands on its head" if degrees == 180 else "lies on its side"
    return f"The {what} {how}: it was turned for the analysis."


@dataclass(frozen=True, eq=False)
class PhotoResult:
    """What came of one photo: an analysis with its pixels (height, width, 3), or a refusal.

    `notes` are sentences for the user about what was done or seen.

    Examples:
        >>> from core.errors import EmptyFileError
        >>> refused = PhotoResult.refused("me.jpg", EmptyFileError("This file is empty."))
        >>> row = result_dict(refused, model_id="mien-fast", detector="yunet")
        >>> row["faces"], row["error"]
        ([], {'kind': 'empty_file', 'message': 'This file is empty.'})
    """

    name: str
    image_rgb: ImageRGB | None
    analysis: Analysis | None
    notes: tuple[str, ...]
    error: MienError | None

    @classmethod
    def refused(cls, name: str, error: MienError) -> "PhotoResult":
        """A photo of which nothing was analysed, and why."""
        return cls(name, None, None, (), error)


def analyse_bytes(name: str, data: bytes, analyzer: Analyzer, settings: Settings) -> PhotoResult:
    """Decode and analyse one photo; a refusal is a result, not an exception.

    Examples:
        >>> from core.analyzer import create_analyzer
        >>> from core.config import ROOT, load_settings
        >>> analyzer = create_analyzer(ROOT / "models", model_id="mien-fast", detector="yunet")
        >>> print(analyse_bytes("me.jpg", b"no photo", analyzer, load_settings()).analysis)
        None
        >>> photo = (ROOT / "samples" / "astronaut.jpg").read_bytes()
        >>> found = analyse_bytes("me.jpg", photo, analyzer, load_settings())
        >>> [face.answer.top for face in found.analysis.faces]
        ['happy']
    """
    name = printable(name)
    return _observed(name, lambda: _analyse_bytes(name, data, analyzer, settings))


def analyse_file(path: Path, analyzer: Analyzer, settings: Settings) -> PhotoResult:
    """`analyse_bytes` for a file on disk."""
    name = printable(str(path))
    return _observed(
        name, lambda: _analyse(name, lambda: settings.picture_limits.read(path), analyzer)
    )


def analyse_under_consent(
    name: str,
    data: bytes,
    analyzer: Analyzer,
    settings: Settings,
    *,
    store: "Store",
    consent: "Consent",
    with_image: bool = True,
) -> PhotoResult:
    """`analyse_bytes` for a person's photo: logged, and kept as far as the consent goes.

    The consent is read before the analysis and again in the transaction that writes; whatever the
    store refuses is the result, so nothing is shown that was not written down. The name is not
    kept, nor the image without `with_image`, as where this very image is kept already.
    """
    # Here, because `mien analyze` works without a store and starts faster without its imports.
    from services.analysis.records import record_analysis
    from services.person.consent import check

    def analyse() -> PhotoResult:
        check(store, consent)
        result = _analyse_bytes(name, data, analyzer, settings)
        if result.analysis is not None:
            model_id, detector = result.analysis.model_id, result.analysis.detector
            found = result_dict(result, model_id=model_id, detector=detector)
            record_analysis(
                store,
                consent,
                model_id=model_id,
                face_count=len(result.analysis.faces),
                # All of it but what the person called the file.
                result={key: found[key] for key in found if key not in ("file", "error")},
                image_rgb=result.image_rgb if with_image else None,
            )
        return result

    return _observed(name, analyse)


def _observed(name: str, analyse: Callable[[], PhotoResult]) -> PhotoResult:
    """Run `analyse` so that a stop waits for it, and say how it went; a refusal is a result."""
    try:
        with WORK.one():
            result = analyse()
    except MienError as error:
        result = PhotoResult.refused(name, error)
    for observer in observers():
        if result.analysis is not None:
            observer.photo_analysed(result.analysis.timings_ms, len(result.analysis.faces))
        elif result.error is not None:
            observer.photo_refused(result.error.kind)
    return result


def _analyse_bytes(name: str, data: bytes, analyzer: Analyzer, settings: Settings) -> PhotoResult:
    return _analyse(name, lambda: settings.picture_limits.decode(data), analyzer)


def _analyse(name: str, decode: Callable[[], DecodedImage], analyzer: Analyzer) -> PhotoResult:
    started = time.perf_counter()
    try:
        decoded = decode()
        decode_ms = round((time.perf_counter() - started) * 1000, 3)
        found = analyzer.analyze(decoded.image_rgb)
    except MienError as error:
        return PhotoResult.refused(name, error)
    except MemoryError:
        refusal = MienError("This picture needs more memory than there is; please shrink it.")
        return PhotoResult.refused(name, refusal)
    total_ms = round((time.perf_counter() - started) * 1000, 3)
    timings_ms = {"decode": decode_ms, **found.timings_ms, "total": total_ms}
    analysis = replace(found, timings_ms=timings_ms)
    notes = (*decoded.notes, *_face_notes(analysis, analyzer.min_face_px))
    return PhotoResult(name, decoded.image_rgb, analysis, notes, None)


def _face_notes(analysis: Analysis, min_face_px: int) -> tuple[str, ...]:
    n_small = sum(face.scores is None for face in analysis.faces)
    if not analysis.faces:
        return (NO_FACE,)
    degrees = analysis.turned_degrees
    turned = (turned_note("photo", degrees),) if degrees else ()
    if n_small:
        which = "The face is" if n_small == len(analysis.faces) == 1 else f"{n_small} faces are"
        return (
            *turned,
            f"{which} too small to be judged: at least {min_face_px} pixels of height are "
            "needed, so please use a larger copy or crop closer.",
        )
    return turned


def _face_dict(face: FaceAnalysis) -> dict[str, Any]:
    box = [round(value, 1) for value in face.face.box.xyxy]
    answer = face.answer
    return {
        "box": box,
        "confidence": round(face.face.confidence, 4),
        "shares": None
        if answer.scores is None
        else {name: round(value, 5) for name, value in answer.scores.as_dict().items()},
        "labels": list(answer.labels),
        "top": answer.top,
        "uncertain": answer.uncertain,
        "quality": None if face.quality is None else _quality_dict(face.quality),
        "refused": why_refused(face),
        "turned_degrees": face.face.turned_degrees,
    }


def why_refused(face: FaceAnalysis) -> str | None:
    """Why a face was found but not judged; None where it was."""
    if face.scores is not None:
        return None
    return f"{height_px(face):.0f} pixels high: too small to be judged"


def height_px(face: FaceAnalysis) -> float:
    """Height of the face's box when the photo is upright."""
    return face.face.box.size_wh[1 if face.face.turned_degrees % 180 == 0 else 0]


def _quality_dict(quality: FaceQuality) -> dict[str, Any]:
    measures = asdict(quality.measures)
    return {
        "score": round(quality.score, 3),
        "flaw": quality.flaw,
        **{name: None if value is None else round(value, 3) for name, value in measures.items()},
    }


def result_dict(result: PhotoResult, *, model_id: str, detector: str) -> dict[str, Any]:
    """One object of `mien analyze --json`, the same that the page offers for download."""
    analysis = result.analysis
    return {
        "file": result.name,
        "width": None if analysis is None else analysis.size_wh[0],
        "height": None if analysis is None else analysis.size_wh[1],
        "faces": [] if analysis is None else [_face_dict(face) for face in analysis.faces],
        "model": model_id,
        "detector": detector,
        "timings_ms": {} if analysis is None else analysis.timings_ms,
        "notes": list(result.notes),
        "error": None
        if result.error is None
        else {"kind": result.error.kind, "message": str(result.error)},
    }


def results_json(results: Sequence[PhotoResult], *, model_id: str, detector: str) -> str:
    """All results as one JSON array."""
    rows = [result_dict(result, model_id=model_id, detector=detector) for result in results]
    return json.dumps(rows, indent=1, ensure_ascii=False)


BOX_COLUMNS = ("x_min", "y_min", "x_max", "y_max")
_ANSWER_COLUMNS = ("confidence", "top", "labels", "uncertain", *EMOTIONS, "quality", "flaw")
CSV_COLUMNS = ("file", "face", *BOX_COLUMNS, *_ANSWER_COLUMNS, "error")


def face_cells(face: dict[str, Any]) -> dict[str, Any]:
    """A face of `result_dict` as cells of a table, None for what it has not."""
    quality = face["quality"] or {}
    same = ("confidence", "top", "uncertain", "turned_degrees")
    return {
        **dict(zip(BOX_COLUMNS, face["box"], strict=True)),
        **{name: face[name] for name in same},
        "labels": " ".join(face["labels"]) or None,
        **(face["shares"] or {}),
        "quality": quality.get("score"),
        "flaw": quality.get("flaw"),
        "not_judged": face["refused"],
    }


def results_csv(results: Sequence[PhotoResult]) -> str:
    """One row a face; a file without faces or refused has one row with empty cells."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for result in results:
        name = spreadsheet_safe(result.name)
        faces = () if result.analysis is None else result.analysis.faces
        if not faces:
            writer.writerow({"file": name, "error": result.error})
        for number, face in enumerate(faces, start=1):
            cells = face_cells(_face_dict(face))
            flaw = cells["flaw"] or cells["not_judged"]
            writer.writerow({"file": name, "face": number, **cells, "flaw": flaw})
    return buffer.getvalue()


def spreadsheet_safe(text: str) -> str:
    """Keep spreadsheets from running a file name as a formula (OWASP, CSV injection)."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
