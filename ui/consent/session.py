"""The consent of one session: given, asked anew on every run, taken back. Renders nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from core.analyzer import Analyzer
from db.errors import ConsentError, StoreError
from db.types import Choices, Consent, ErasureJob, Purpose, Way
from services.analysis.in_passing import photo_in_passing
from services.analysis.photos import PhotoResult, analyse_under_consent
from services.analysis.queue import BusyError
from services.person.consent import Given, Withdrawn, check, give, withdraw
from services.store import Store
from ui.photos.session import Photo, forget_photos
from ui.runtime.runs import this_run
from ui.shared.queue import my_turn, waiting_words
from ui.shared.resources import settings
from ui.shared.state import remembered
from ui.shared.store import opened
from ui.shared.text import counted_of

PURPOSE_TITLES = {
    Purpose.ANALYSE: "Analyse now",
    Purpose.KEEP_RESULT: "Keep the result",
    Purpose.KEEP_IMAGE: "Keep the image",
    Purpose.EVALUATION: "Use for evaluation",
}


@dataclass
class SessionConsent:
    """What a session knows of its consent.

    Attributes:
        given: the consent and its receipt; None where nothing may be analysed.
        said: a sentence to be shown once, after its kind: info, success, warning or error.
        images_kept: ids of photos whose image is kept already.
        asked_for: a dialog to open on the next run: "notice" or "taking back".
        in_passing: the last photo of which nothing is kept: what was asked, and its result.
        asked: the run in which the store was last asked, and what `held` made of its answer.
    """

    given: Given | None = None
    said: tuple[str, str] | None = None
    asked_for: str = ""
    images_kept: set[str] = field(default_factory=set)
    in_passing: tuple[tuple[object, ...], PhotoResult] | None = None
    asked: tuple[object, Given | None] | None = None


def say(kind: str, text: str) -> None:
    """Leave a sentence for the next run: info, success, warning or error."""
    remembered(SessionConsent).said = (kind, text)


@contextmanager
def refusals_said() -> Iterator[None]:
    """What the store refuses ends the block, and its reason is left for the next run."""
    try:
        yield
    except StoreError as error:
        say("error", str(error))


def ask_for(dialog: str) -> None:
    """Have a dialog open on the next run."""
    remembered(SessionConsent).asked_for = dialog


def asked_for() -> str:
    """The dialog to open now, once."""
    state = remembered(SessionConsent)
    wanted, state.asked_for = state.asked_for, ""
    return wanted


def show_said() -> None:
    """Show the sentence that was left, if there is one."""
    state = remembered(SessionConsent)
    said, state.said = state.said, None
    if said is not None:
        show_box(*said)


def show_box(kind: str, text: str, **options: Any) -> None:
    """A text in a box of that kind: info, success, warning or error."""
    getattr(st, kind)(text, **options)


def held() -> Given | None:
    """What this session was given for its answers; None where nothing may be analysed now.

    The store is asked once a run of a page or fragment, whoever calls this, so a consent that was
    taken back elsewhere ends here at the next run.
    """
    state, run = remembered(SessionConsent), this_run()
    if run is not None and state.asked is not None and state.asked[0] is run:
        return state.asked[1]
    found = _ask_store()
    state.asked = (run, found)
    return found


def _ask_store() -> Given | None:
    given, store = given_now(), opened().store
    if given is None or store is None:
        return None
    try:
        check(store, given.consent)
    except ConsentError as error:
        forget_consent()
        say("warning", str(error))
        return None
    except StoreError as error:  # busy or gone: nothing may be analysed, nothing is forgotten
        say("error", str(error))
        return None
    return given


def given_now() -> Given | None:
    """What the session was given, whether or not it still counts; for what ends it."""
    return remembered(SessionConsent).given


def hold(given: Given) -> None:
    """Make this the consent of the session."""
    forget_consent()
    remembered(SessionConsent).given = given


def forget_consent() -> None:
    """Drop the session's consent with all photos and results that were handed over under it."""
    state = remembered(SessionConsent)
    state.given, state.asked, state.in_passing, state.images_kept = None, None, None, set()
    forget_photos()


def agree(store: Store, choices: Choices, *, context: str, notice_id: str) -> bool:
    """Write the answers down; whether the session may analyse now. Says why where not."""
    with refusals_said():
        given = give(store, choices, context=context, notice_id=notice_id)
        if choices.analyse:
            hold(given)
        return choices.analyse
    return False


def take_back() -> None:
    """Take the session's consent back and say what became of what was kept."""
    given, store = given_now(), opened().store
    # Whatever the store answers, this session forgets at once.
    forget_consent()
    if given is None or store is None:
        return
    with refusals_said():
        say(*withdrawal_words(withdraw(store, given.consent)))


def withdrawal_words(withdrawn: Withdrawn) -> tuple[str, str]:
    """Kind and text of what a withdrawal came to; "deleted" only where it is done."""
    if withdrawn.job is None:
        return "success", "You took your consent back. There was nothing to delete for it."
    return job_words(withdrawn.job, "You took your consent back.")


def job_words(job: ErasureJob, what: str) -> tuple[str, str]:
    """Kind and text of how far a removal is."""
    if job.done:
        kinds = (("stored_image", "image"), ("analysis", "result"))
        counts = [(job.counts.get(table, 0), word) for table, word in kinds]
        gone = ", ".join(counted_of(count, word) for count, word in counts if count)
        return "success", f"{what} Deleted: {gone}." if gone else f"{what} Nothing had been kept."
    return "warning", (
        f"{what} The removal has begun and is not finished: the keys are destroyed, and the last "
        "traces go with the next purge, within minutes. Ask again here until it says deleted."
    )


def of_session() -> tuple[Store, Consent]:
    """Store and consent of the session, for whatever analyses; it asks the store itself.

    Raises:
        RuntimeError: there is none, so nothing could have been handed over.
    """
    given, store = given_now(), opened().store
    if given is None or store is None:
        raise RuntimeError("a picture was handed over without a consent")
    return store, given.consent


def analyse_own(photo: Photo, engine: Analyzer) -> PhotoResult:
    """Analyse a person's photo under the consent of the session and keep what it allows."""
    store, consent = of_session()
    kept = remembered(SessionConsent).images_kept
    result = analyse_under_consent(
        photo.name,
        photo.read(),
        engine,
        settings(),
        store=store,
        consent=consent,
        # Another model makes another result, but the image is the same one.
        with_image=photo.id not in kept,
    )
    if result.analysis is not None:
        kept.add(photo.id)
    return result


def analyse_in_passing(photo: Photo, engine: Analyzer, way: Way) -> PhotoResult:
    """Analyse a person's photo of which nothing is kept; without its pixels.

    The last result is remembered, so that a click elsewhere on the page is no other analysis.
    """
    store, consent = of_session()
    wanted = (photo.id, engine.classifier.card.id, engine.detector.name, way)
    state = remembered(SessionConsent)
    known = state.in_passing
    if known is not None and known[0] == wanted and not isinstance(known[1].error, StoreError):
        return known[1]
    place = st.empty()

    def say_waiting(n_ahead: int) -> None:
        place.caption(waiting_words(n_ahead))

    try:
        with my_turn(say_waiting):
            result = photo_in_passing(
                photo.name, photo.read(), engine, settings(), way=way, store=store, consent=consent
            )
    except BusyError as error:  # not remembered, so that the next click tries again
        return PhotoResult.refused(photo.name, error)
    finally:
        place.empty()
    result = replace(result, image_rgb=None)
    state.in_passing = (wanted, result)
    return result
