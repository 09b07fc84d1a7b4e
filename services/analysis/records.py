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

JPEG_QUALITY = 95


def encode_image(image_rgb: ImageRGB) -> bytes:
    """Encode pixels (height, width, 3) uint8 anew as JPEG, so that nothing but pixels is kept.

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

    The consent, of which only the pseudonym is trusted, is read again in the transaction that
    writes: where it was withdrawn during the analysis nothing is kept and the error says so.
    `result` is JSON-able and holds no file name; `image_rgb`, (height, width, 3) uint8, is encoded
    only if it may be kept.

    Raises:
        ConsentError: not allowed (any more); nothing is written.
        StoreError: nothing is written.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from db.store import open_store
        >>> from db.types import Choices
        >>> from services.person.consent import current_notice, give
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = open_store(Path(folder) / "data")
        ...     seen, yes = current_notice(store), Choices(analyse=True)  # and keep nothing
        ...     held = give(store, yes, context="personal", notice_id=seen.id).consent
        ...     found = {"model_id": "mien-fast", "face_count": 1, "result": {"top": "happy"}}
        ...     record_analysis(store, held, **found, image_rgb=None)
        ...     store.close()
        Kept(analysis_id=None, image_id=None)
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

    Raises:
        ConsentError: not allowed (any more); nothing is written.
        StoreError: nothing is written.
    """
    with store.write() as unit:
        analyses.log_unkept(unit, consent.pseudonym, way, model_id=model_id, counts=counts)
