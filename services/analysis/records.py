"""Writes down that an analysis was made, and keeps of it what the consent allows."""

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image

from core.types import ImageRGB, check_image_rgb
from db.consent import analyses
from db.consent.analyses import Kept
from db.store import Store
from db.types import Consent, Purpose, Way

__all__ = ["Kept"]

JPEG_QUALITY = 95


def encode_image(image_rgb: ImageRGB) -> bytes:
    """Encode pixels anew as JPEG, so that nothing but pixels is kept.

    Args:
        image_rgb: (height, width, 3) uint8.

    Raises:
        InvalidImageArrayError: not such an array.
    """
    buffer = io.BytesIO()
    # 4:4:4, because colour at half resolution would change what a model reads from small faces.
    Image.fromarray(check_image_rgb(image_rgb)).save(
        buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0
    )
    return buffer.getvalue()


def record_analysis(
    store: Store,
    consent: Consent,
    *,
    model_id: str,
    face_count: int,
    result: Mapping[str, Any],
    image_rgb: ImageRGB | None,
) -> Kept:
    """Call this once for each analysis, before its result is shown.

    The consent is read again in the transaction that writes: where it was withdrawn during the
    analysis nothing is kept and the error says so.

    Args:
        store: where.
        consent: of the session; only its pseudonym is trusted.
        model_id: of the expression model.
        face_count: faces found.
        result: JSON-able; boxes, points, scores. No file name.
        image_rgb: the decoded image, (height, width, 3) uint8; encoded only if it may be kept.

    Raises:
        ConsentError: not allowed (any more); nothing is written.
        StoreError: nothing is written.
    """
    # Encoded before the transaction, which other writers wait for.
    wanted = image_rgb is not None and Purpose.KEEP_IMAGE in consent.choices.given
    encoded_image = encode_image(image_rgb) if wanted and image_rgb is not None else None
    with store.write() as unit:
        return analyses.record(
            unit,
            store.vault,
            consent.pseudonym,
            model_id=model_id,
            face_count=face_count,
            result=result,
            encoded_image=encoded_image,
        )


def record_unkept(
    store: Store, consent: Consent, way: Way, *, model_id: str, counts: Mapping[str, int]
) -> None:
    """`record_analysis` for ways on which nothing is kept, whatever the consent allows.

    Args:
        store: where.
        consent: of the session; only its pseudonym is trusted.
        way: how the pictures came in.
        model_id: of the expression model.
        counts: of faces, frames and the like.

    Raises:
        ConsentError: not allowed (any more); nothing is written.
        StoreError: nothing is written.
    """
    with store.write() as unit:
        analyses.log_unkept(unit, consent.pseudonym, way, model_id=model_id, counts=counts)
