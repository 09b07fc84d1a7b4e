"""Audit your own data: upload, check, preview, run with progress and a way to stop, take home.

Uploads stay in Streamlit's memory until they are removed; results stay in this session without
a picture. Nothing is written to disk.
"""

from typing import Any

import pandas as pd
import streamlit as st

from core.errors import MienError
from core.measures.groups.breakdown import SOURCE_TEXTS
from services.analysis.in_passing import AuditRecord
from services.bias_audit.input import AuditSet, check_set, group_candidates, read_table
from services.bias_audit.judge import AuditResult, load_models, run_audit
from services.bias_audit.tables import preview
from ui.consent import notice
from ui.consent.session import of_session
from ui.metrics.bias_audit_result import show_result
from ui.runtime.uploads import release_uploads
from ui.shared.queue import my_turn, waiting_words
from ui.shared.resources import cards, detector, settings

_RESULT, _STOPPED, _GENERATION = "audit_result", "audit_stopped", "audit_generation"
_SET = "audit_set"  # unpacked once, not at every click; goes with the upload
_MAX_UPLOAD_MB = 200

_EXAMPLE = "path,label,lighting\nfaces/0001.png,happy,day\nfaces/0002.png,neutral,night\n"


def audit() -> None:
    """The section from upload to downloads."""
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
        st.download_button(
            "Example csv", _EXAMPLE, "example.csv", "text/csv", on_click="ignore",
            icon=":material/download:",
        )  # fmt: skip
    if not notice.agreed():
        _drop()
        return
    table, archive = _uploads()
    notice.shown_again()
    if table is None:
        _drop()
        return
    try:
        _checked(table, archive)
    except MienError as error:
        st.error(str(error), icon=":material/block:")


def _uploads() -> tuple[Any, Any]:
    generation = st.session_state.get(_GENERATION, 0)
    left, right = st.columns(2)
    table = left.file_uploader(
        "Table (csv or parquet)", type=["csv", "parquet"], max_upload_size=_MAX_UPLOAD_MB,
        key=f"audit_table_{generation}",
    )  # fmt: skip
    archive = right.file_uploader(
        "Pictures (ZIP, for a csv)", type=["zip"], max_upload_size=_MAX_UPLOAD_MB,
        key=f"audit_zip_{generation}",
    )  # fmt: skip
    return table, archive


def _checked(table: Any, archive: Any) -> None:
    """From the uploaded table on; raises MienError for what is wrong with it."""
    read = read_table(table.name, table.getvalue())
    frame = read.frame
    candidates = group_candidates(frame)
    group_by = st.multiselect(
        "Group by", candidates, default=candidates[:2], key=f"audit_groups_{table.file_id}",
        placeholder="No group columns" if not candidates else "Choose columns",
    )  # fmt: skip
    if "path" in frame.columns and archive is None:
        st.info("Now add the ZIP that holds the pictures.", icon=":material/folder_zip:")
        st.dataframe(frame.head(5), hide_index=True)
        return
    files = (table.file_id, None if archive is None else archive.file_id, tuple(group_by))
    stored = st.session_state.get(_SET)
    if stored is None or stored[0] != files:
        content = None if archive is None else archive.getvalue()
        checked = check_set(
            table.name, read, group_by=group_by, archive=content,
            limits=settings().picture_limits,
        )  # fmt: skip
        st.session_state[_SET] = stored = (files, checked)
    _preview(stored[1])
    chosen = _choices(bool(group_by))
    _run_or_show(stored[1], chosen, (*files, *chosen.values()))


def _preview(checked: AuditSet) -> None:
    found = preview(checked)
    st.success(f"{found['pictures']:,} pictures with labels.", icon=":material/check:")
    for note in checked.notes:
        st.info(note, icon=":material/info:")
    tables = {"label": found["labels"], **found["groups"]}
    for place, (name, counts) in zip(
        st.columns(max(len(tables), 2)), tables.items(), strict=False
    ):
        part = pd.DataFrame({name: list(counts), "pictures": list(counts.values())})
        place.dataframe(part, hide_index=True, height="auto")


def _choices(with_groups: bool) -> dict[str, Any]:
    """Models, how faces are taken, where the group labels come from, how many are corrupted."""
    left, right = st.columns(2)
    names = list(cards())
    default = settings().default_model
    chosen: dict[str, Any] = {
        "models": tuple(
            left.multiselect(
                "Models", names, default=[default if default in names else names[0]],
                key="audit_models", help="Two or more are compared on the same pictures.",
            )
        ),
        "faces": right.selectbox(
            "Pictures are", ["crop", "detect"], key="audit_faces",
            format_func={"crop": "face crops", "detect": "photos: find the face"}.__getitem__,
        ),
        "robustness_n": left.selectbox(
            "Corrupted pictures, too", [0, 50, 100, 250, 500], key="audit_robustness",
            format_func=lambda n: f"a sample of {n}" if n else "no",
            help="Judges a sample under 15 corruptions in five strengths: 75 more judgements "
            "for each of its pictures and models.",
        ),
        "source": "annotated",
        "label_error": None,
    }  # fmt: skip
    if with_groups:
        sources = ["annotated", "declared", "predicted", "measured"]
        chosen["source"] = right.selectbox(
            "Group labels are", sources, key="audit_source", format_func=SOURCE_TEXTS.__getitem__
        )
        if chosen["source"] == "predicted":
            wrong = st.slider(
                "Share of these predicted labels that is wrong (%)", 0, 50, 10, key="audit_wrong"
            )
            chosen["label_error"] = wrong / 100
    return chosen


def _run_or_show(checked: AuditSet, chosen: dict[str, Any], identity: tuple[Any, ...]) -> None:
    stored = st.session_state.get(_RESULT)
    if stored is not None and stored[0] == identity:
        show_result(stored[1], _forget)
        return
    if not chosen["models"]:
        st.info("Choose at least one model.", icon=":material/arrow_upward:")
        return
    if not st.button(
        "Run the audit", type="primary", icon=":material/play_arrow:", key="audit_run"
    ):
        if st.session_state.pop(_STOPPED, False):
            st.warning("Stopped; nothing was kept.", icon=":material/stop:")
        return
    st.session_state[_RESULT] = (identity, _run(checked, chosen))
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
                models, checked, detector=finder,
                source=chosen["source"], label_error=chosen["label_error"],
                robustness_n=chosen["robustness_n"], progress=progress, let_others=let_others,
            )  # fmt: skip


def _stop() -> None:
    st.session_state[_STOPPED] = True


def _forget() -> None:
    """Drop uploads and result; new widget keys make the uploaders empty."""
    release_uploads()
    st.session_state[_GENERATION] = st.session_state.get(_GENERATION, 0) + 1
    _drop()


def _drop() -> None:
    st.session_state.pop(_RESULT, None)
    st.session_state.pop(_SET, None)
