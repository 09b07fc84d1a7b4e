"""Audit your own data: upload, check, preview, run with progress and a way to stop, take home.

Uploads stay in Streamlit's memory until they are removed; results stay in this session without
a picture. Nothing is written to disk.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import MienError
from core.measures.groups.breakdown import SOURCE_TEXTS
from core.pictures.files.table import Table
from core.types import ImageRGB
from services.analysis.in_passing import AuditRecord
from services.bias_audit import findings
from services.bias_audit.input import (
    AuditInputError,
    AuditSet,
    check_set,
    group_candidates,
    read_table,
)
from services.bias_audit.judge import AuditResult, load_models, run_audit
from services.bias_audit.report import audit_html
from services.bias_audit.tables import audit_csv, audit_json, preview
from ui.consent import notice
from ui.consent.session import of_session
from ui.faces.pictures import fitted
from ui.metrics.compare import two
from ui.metrics.curves import confidence, corrupted, curves
from ui.metrics.errors import errors, gallery
from ui.metrics.groups import breakdown
from ui.metrics.overview import overview, pick
from ui.metrics.subjects import Subject
from ui.runtime.printing import print_button
from ui.runtime.uploads import release_uploads, uploader_key
from ui.shared.figures import point
from ui.shared.queue import my_turn, waiting_words
from ui.shared.resources import cards, detector, first_model, settings
from ui.shared.state import remembered
from ui.shared.text import plain
from ui.shared.widgets import choose, download

_MAX_UPLOAD_MB = 200
_THUMBNAIL_PX = 224


@dataclass
class AuditState:
    """What this session holds of an audit; all of it goes with the upload.

    Attributes:
        table_id, table: the uploaded table, read once, or in words why it was refused.
        files, checked: the set and the uploads and columns it was made of, unpacked once.
        are_photos: whether its pictures look like photos rather than face crops.
        identity, result: the audit and the choices it was made with.
        stopped: whether a run was stopped just now.
    """

    table_id: str = ""
    table: Table | str | None = None
    files: tuple[Any, ...] = ()
    checked: AuditSet | None = None
    are_photos: bool = False
    identity: tuple[Any, ...] = ()
    result: AuditResult | None = None
    stopped: bool = False

    def drop(self) -> None:
        """Forget table, set and result."""
        self.table = self.checked = self.result = None


def _state() -> AuditState:
    return remembered(AuditState)


_EXAMPLE = "path,label,lighting\nfaces/0001.png,happy,day\nfaces/0002.png,neutral,night\n"


def audit() -> None:
    """The section from upload to downloads."""
    known = _state().result is not None
    if not known:
        _about()
    if not notice.agreed():
        _state().drop()
        return
    # One bar, so that the result comes first.
    bar = st.expander("Your data, groups and models", icon=":material/tune:") if known else None
    try:
        with bar or st.container():
            ready = _inputs()
        if ready is not None:
            _run_or_show(*ready)
    except MienError as error:
        st.error(plain(error), icon=":material/block:")
    notice.shown_again()


def _about() -> None:
    st.write(
        "How does a model do on *your* pictures? Upload a table with labels and any columns to "
        "group by. The pictures are judged in the memory of the computer that runs this page and "
        "forgotten when you remove them or leave; **nothing is written to disk**."
    )
    with st.expander("What the files must look like", icon=":material/help:"):
        st.markdown(
            "- **csv** with the columns `path` and `label`, and a **ZIP** that holds the pictures "
            "named in `path`; or a **parquet** with `image` (encoded bytes) and `label`.\n"
            "- Labels: angry, disgust, fear, happy, sad, surprise, neutral, or 0 to 6 in that "
            "order.\n- Any other column with at most 30 different values can be a group. Say "
            "truthfully where such labels come from; Mien never guesses them.\n"
            "- Only use pictures of people who know and agree, or sets made for this."
        )
        download("Example csv", _EXAMPLE, "example.csv")


def _inputs() -> tuple[AuditSet, dict[str, Any], tuple[Any, ...]] | None:
    """The checked set, the choices, and what tells both from others; None where files lack.

    Raises:
        MienError: what is wrong with the files.
    """
    left, right = st.columns(2)
    table = _uploader(left, "Table (csv or parquet)", "audit_table", "csv", "parquet")
    archive = _uploader(right, "Pictures (ZIP, for a csv)", "audit_zip", "zip")
    if table is None:
        _state().drop()
        return None
    read = _read_once(table)
    frame = read.frame
    candidates = group_candidates(frame)
    group_by = st.multiselect(
        "Group by",
        candidates,
        default=candidates[:2],
        key=f"audit_groups_{table.file_id}",
        placeholder="No group columns" if not candidates else "Choose columns",
    )
    if "path" in frame.columns and archive is None:
        st.info("Now add the ZIP that holds the pictures.", icon=":material/folder_zip:")
        st.dataframe(frame.head(5), hide_index=True)
        return None
    files = (table.file_id, None if archive is None else archive.file_id, tuple(group_by))
    state = _state()
    if state.checked is None or state.files != files:
        content = None if archive is None else archive.getvalue()
        state.checked = check_set(
            table.name, read, group_by=group_by, archive=content, limits=settings().picture_limits
        )
        state.files, state.are_photos = files, state.checked.are_photos()
    _preview(state.checked)
    chosen = _choices(bool(group_by), state.are_photos)
    return state.checked, chosen, (*files, *chosen.values())


def _read_once(table: Any) -> Table:
    """The uploaded table; what a stranger's parquet takes is not taken at each click again."""
    state = _state()
    if state.table is None or state.table_id != table.file_id:
        state.table_id = table.file_id
        try:
            state.table = read_table(table.name, table.getvalue())
        except MienError as refusal:
            state.table = str(refusal)  # without its traceback, which holds the file
    if isinstance(state.table, str):
        raise AuditInputError(state.table)
    return state.table


def _uploader(place: DeltaGenerator, label: str, name: str, *types: str) -> Any:
    key = uploader_key(name)
    return place.file_uploader(label, type=types, max_upload_size=_MAX_UPLOAD_MB, key=key)


def _preview(checked: AuditSet) -> None:
    found = preview(checked)
    st.success(f"{found['pictures']:,} pictures with labels.", icon=":material/check:")
    for note in checked.notes:
        st.info(plain(note), icon=":material/info:")
    tables = {"label": found["labels"], **found["groups"]}
    places = st.columns(max(len(tables), 2))
    for place, (name, counts) in zip(places, tables.items(), strict=False):
        part = pd.DataFrame({name: list(counts), "pictures": list(counts.values())})
        place.dataframe(part, hide_index=True, height="auto")


def _choices(with_groups: bool, are_photos: bool) -> dict[str, Any]:
    left, right = st.columns(2)
    chosen: dict[str, Any] = {
        "models": tuple(
            left.multiselect(
                "Models",
                list(cards()),
                default=[first_model()],
                key="audit_models",
                help="Two or more are compared on the same pictures.",
            )
        ),
        "faces": right.selectbox(
            "Pictures are",
            ["crop", "detect"],
            index=int(are_photos),
            key=f"audit_faces_{are_photos}",
            format_func={"crop": "face crops", "detect": "photos: find the face"}.__getitem__,
        ),
        "robustness_n": left.selectbox(
            "Corrupted pictures, too",
            [0, 50, 100, 250, 500],
            key="audit_robustness",
            format_func=lambda n: f"a sample of {n}" if n else "no",
            help="Judges a sample under 15 corruptions in five strengths: 75 more judgements "
            "for each of its pictures and models.",
        ),
    }
    return {**chosen, **_group_labels(right, with_groups)}


def _group_labels(place: DeltaGenerator, with_groups: bool) -> dict[str, Any]:
    if not with_groups:
        return {"source": "annotated", "label_error": None}
    source = place.selectbox(
        "Group labels are",
        ["annotated", "declared", "predicted", "measured"],
        key="audit_source",
        format_func=SOURCE_TEXTS.__getitem__,
    )
    if source != "predicted":
        return {"source": source, "label_error": None}
    wrong = st.slider(
        "Share of these predicted labels that is wrong (%)", 0, 50, 10, key="audit_wrong"
    )
    return {"source": source, "label_error": wrong / 100}


def _run_or_show(checked: AuditSet, chosen: dict[str, Any], identity: tuple[Any, ...]) -> None:
    state = _state()
    if state.result is not None and state.identity == identity:
        show_result(state.result, checked)
        return
    if not chosen["models"]:
        st.info("Choose at least one model.", icon=":material/arrow_upward:")
        return
    if not st.button(
        "Run the audit", type="primary", icon=":material/play_arrow:", key="audit_run"
    ):
        if state.stopped:
            state.stopped = False
            st.warning("Stopped; nothing was kept.", icon=":material/stop:")
        return
    state.result, state.identity = _run(checked, chosen), identity
    st.rerun()  # draws the result without the button and the bar


def _run(checked: AuditSet, chosen: dict[str, Any]) -> AuditResult:
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text="Reading the pictures …")
        # A click interrupts the run at its next step of the bar and runs the page again.
        st.button("Stop", on_click=_stop, icon=":material/stop:")
    drawn = -1

    def progress(done: int, total: int) -> None:
        nonlocal drawn
        record.judged(done)
        if 100 * done // total > drawn:
            drawn = 100 * done // total
            bar.progress(done / total, text=f"Judgement {done:,} of {total:,}")

    finder = detector(settings().default_detector) if chosen["faces"] == "detect" else None

    def say_waiting(n_ahead: int) -> None:
        bar.progress(max(drawn, 0) / 100, text=waiting_words(n_ahead))

    store, consent = of_session()
    with my_turn(say_waiting) as let_others:
        models = load_models(chosen["models"], settings().models_dir)
        names = [model.card.id for model in models]
        with AuditRecord(store, consent, model_ids=names, pictures=len(checked.images)) as record:
            return run_audit(
                models,
                checked,
                detector=finder,
                source=chosen["source"],
                label_error=chosen["label_error"],
                robustness_n=chosen["robustness_n"],
                progress=progress,
                let_others=let_others,
            )


def _stop() -> None:
    _state().stopped = True


def _forget() -> None:
    release_uploads()
    _state().drop()


def show_result(result: AuditResult, checked: AuditSet) -> None:
    """Downloads, what was left out, and one section."""
    subjects = [Subject(one.model_id, one.predictions, one.threshold) for one in result.models]
    named = {one.model_id: one.predictions for one in result.models}
    left_out = findings.undetected(named, len(result.undetected))
    if left_out:
        st.warning(plain(left_out), icon=":material/face:")
    tabs = ["Overview", "Misjudged", "Confusion", "Groups", "Confidence", "Curves"]
    if len(subjects) > 1:
        tabs.append("Compare")
    if any(one.robustness for one in result.models):
        tabs.append("Robustness")
    chosen = choose("Result", tabs, "audit_section")
    if chosen == "Overview":
        overview(subjects, own_data=True)
    elif chosen == "Confidence":
        confidence(subjects, key="audit_confidence")
    elif chosen == "Compare":
        two(subjects, key="audit_compare")
    else:
        _of_one(chosen, result, pick(subjects, "audit_result"), checked)
    _downloads(result)


def _of_one(chosen: str, result: AuditResult, subject: Subject, checked: AuditSet) -> None:
    model = next(one for one in result.models if one.model_id == subject.model_id)

    def pictures(rows: Any) -> list[ImageRGB]:
        return _pictures(checked, result.rows[rows])

    if chosen == "Misjudged":
        p = subject.predictions
        point(findings.misjudged(p))
        wrong = np.flatnonzero(~p.right)
        if len(wrong):
            gallery(subject, wrong[np.argsort(-p.confidence[wrong])], pictures)
        st.caption("The pictures are shown from your upload; nothing of them is kept.")
    elif chosen == "Confusion":
        errors(subject, key="audit_confusion", pictures=pictures)
    elif chosen == "Curves":
        curves(subject)
    elif chosen == "Groups":
        breakdown(model.bias, key="audit_bias")
    elif model.robustness is None:
        st.info("None of the drawn pictures had a face.", icon=":material/foggy:")
    else:
        corrupted(model.robustness, key="audit_corrupted")


def _pictures(checked: AuditSet, rows: Any) -> list[ImageRGB]:
    """The set's pictures at the given row numbers, in their order, small."""
    wanted = set(np.asarray(rows).tolist())
    decode = checked.images.limits.decode
    found = {
        int(row): fitted(decode(encoded).image_rgb, _THUMBNAIL_PX, enlarge=False)
        for row, encoded in zip(checked.images.rows, checked.images.encoded(), strict=True)
        if int(row) in wanted
    }
    return [found[int(row)] for row in rows]


def _downloads(result: AuditResult) -> None:
    with st.container(horizontal=True, key="downloads_audit"):
        for label, maker, name in (
            ("Report (HTML)", audit_html, "audit.html"),
            ("Figures (JSON)", audit_json, "audit.json"),
            ("Pictures' scores (CSV)", audit_csv, "audit.csv"),
        ):
            download(label, partial(maker, result), name, key=f"audit_{name}")
        print_button()
        st.button("Forget this data", on_click=_forget, icon=":material/delete:")
