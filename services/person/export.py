"""Everything that is kept of one person, in one ZIP for that person."""

import io
import zipfile
from dataclasses import asdict, dataclass

from db.audit import log as audit
from db.consent import subjects
from db.consent.subjects import look_up as look_up  # for pages, too
from db.errors import SealBrokenError, UnknownCodeError
from db.store import Store
from db.types import SubjectView
from services.person.receipt import as_json, receipt_of_subject

READ_ME = """What Mien keeps of you.

record.json    your consent: the text you saw (notice.md), your choices and what became of them
results/       what was read from your photos
images/        your photos, without hidden data
"""


@dataclass(frozen=True)
class Export:
    """A person's data: the archive, what is in it, how many images could not be opened.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from db.store import open_store
        >>> from db.types import Choices
        >>> from services.person.consent import current_notice, give
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = open_store(Path(folder) / "data")
        ...     seen, kept = current_notice(store), Choices(analyse=True, keep_result=True)
        ...     given = give(store, kept, context="personal", notice_id=seen.id)
        ...     made: Export = export(store, given.code)
        ...     store.close()
        >>> zipfile.ZipFile(io.BytesIO(made.zip_bytes)).namelist(), made.analyses  # none yet
        (['README.txt', 'notice.md', 'record.json'], 0)
    """

    zip_bytes: bytes
    analyses: int
    images: int
    missing: int


def read_image(store: Store, code: str, image_id: str) -> bytes:
    """One kept image of the person who has the code, as JPEG bytes.

    Raises:
        UnknownCodeError: nothing, or no such image, is kept under the code.
        SealBrokenError: its file was changed or is gone.
    """
    view = look_up(store, code)
    if image_id not in {image.id for image in view.images}:
        raise UnknownCodeError(subjects.UNKNOWN_CODE)
    return store.vault.read_image(view.subject_id, image_id)


def export(store: Store, code: str) -> Export:
    """Everything of one person, as a ZIP of JSON and images; the export is logged.

    Raises:
        UnknownCodeError: nothing is kept under the code.
        SealBrokenError: a result or the name was changed, or its key is lost.
    """
    view = look_up(store, code)
    made = _zip(store, view)
    with store.write() as unit:
        subject = subjects.find(unit.session, store.keys, code)
        unit.log(
            audit.Action.EXPORTED,
            audit.subject_actor(subject.pseudonym),
            {"analyses": made.analyses, "images": made.images, "missing": made.missing},
        )
    return made


def _zip(store: Store, view: SubjectView) -> Export:
    buffer = io.BytesIO()
    images = 0
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", READ_ME)
        archive.writestr("notice.md", view.notice.text)
        record = receipt_of_subject(view, controller=store.controller)
        archive.writestr("record.json", as_json(record))
        for analysis in view.analyses:
            archive.writestr(f"results/{analysis.id}.json", as_json(asdict(analysis)))
        for image in view.images:
            try:
                content = store.vault.read_image(view.subject_id, image.id)
            except SealBrokenError:
                continue  # counted below; the rest is the person's all the same
            archive.writestr(f"images/{image.id}.jpg", content, zipfile.ZIP_STORED)
            images += 1
    return Export(
        zip_bytes=buffer.getvalue(),
        analyses=len(view.analyses),
        images=images,
        missing=len(view.images) - images,
    )
