"""The photo of Landmark Analysis: where it comes from, which face, what is shown of it."""

from pathlib import PurePath

import streamlit as st

from core.drawing.photo import draw_analysis
from core.landmarks.schemes import MESH
from core.pictures.files.kinds import FORMAT_WORDS, SUFFIXES
from core.pictures.quarter_turns import upright
from core.types import Analysis, FaceAnalysis, ImageRGB
from db.types import Way
from services.analysis.photos import NO_FACE, analyse_bytes
from ui.consent import notice
from ui.consent.session import analyse_in_passing
from ui.faces.card import bars_html, believability, headline
from ui.faces.explanation import show_explanation
from ui.faces.view import NO_MESH, face_view
from ui.landmarks.face import blendshape_section, measures_section, points_section
from ui.landmarks.whatif import whatif_section
from ui.photos.samples import SAMPLES, choose_sample
from ui.photos.session import Photo, sample_photos
from ui.runtime.uploads import release_uploads, uploader_key
from ui.shared.model_choice import choose_model_and_detector
from ui.shared.resources import analyzer, report, settings


def photo_section() -> None:
    """A sample or an own photo, the face that was chosen, and everything about its points."""
    photo = _choose_photo()
    if photo is None:
        st.info("Choose a sample or a photo of your own.", icon=":material/arrow_upward:")
        return
    with st.expander("Model and detector", icon=":material/tune:"):
        model_id, detector_name = choose_model_and_detector("landmarks")
    seen = _analysed(photo, model_id, detector_name)
    if seen is None:
        return
    image_rgb, analysis = seen
    number = _choose_face(image_rgb, analysis, photo)
    found = analysis.faces[number - 1]
    if found.scores is None:
        st.warning(
            f"Face {number} is {found.face.box.size_wh[1]:.0f} pixels high: too small for points "
            "and scores that mean anything. Please choose a larger face or a closer photo."
        )
        return
    view = face_view(image_rgb, found)
    if view is None:
        st.warning(NO_MESH, icon=":material/face_retouching_off:")
        if len(analysis.faces) == 1:  # several are on the screen already
            st.image(draw_analysis(image_rgb, analysis), width=320, alt="The face that was found")
        return
    for remark in view.remarks:
        st.warning(remark, icon=":material/info:")
    left, right = st.columns([1.15, 1], gap="large")
    with left:
        points_section(view, PurePath(photo.name).stem or "face")
    with right:
        _scores(number, found, model_id)
        measures_section(view.geometry)
    st.subheader("Which parts drove the score")
    show_explanation(view, image_rgb, found, model_id, detector_name)
    st.subheader("What if the points were wrong?")
    whatif_section(view, model_id, found.scores)
    st.subheader("Blendshapes")
    blendshape_section(view.points[MESH])


def _analysed(photo: Photo, model_id: str, detector_name: str) -> tuple[ImageRGB, Analysis] | None:
    """The photo upright with its faces; None, and a sentence, where there is nothing to show."""
    engine = analyzer(model_id, detector_name)
    if photo.is_sample:
        result = analyse_bytes(photo.name, photo.read(), engine, settings())
    else:
        result = analyse_in_passing(photo, engine, Way.LANDMARKS)
    if result.error is not None or result.analysis is None:
        st.error(str(result.error), icon=":material/block:")
        return None
    image_rgb = photo.pixels() if result.image_rgb is None else result.image_rgb
    if not result.analysis.faces:
        st.warning(NO_FACE, icon=":material/face_retouching_off:")
        st.image(image_rgb, width=320, alt="The photo, on which no face was found")
        return None
    return upright(image_rgb, result.analysis)


def _choose_photo() -> Photo | None:
    """One's own photo goes before a sample."""
    sample = choose_sample("Try a sample", key="lm_sample", default=next(iter(SAMPLES)))
    own = None
    if notice.agreed(folded=True):
        limit_mb = settings().max_upload_mb
        file = st.file_uploader(
            f"Or your own photo ({FORMAT_WORDS}, up to {limit_mb} MB)",
            type=[suffix[1:] for suffix in SUFFIXES],
            max_upload_size=limit_mb,
            key=uploader_key("landmark_file"),
        )
        if file is not None:
            own = Photo(file.file_id, file.name, file.getvalue)
            st.caption("On this page nothing of it is kept, whatever you allowed elsewhere.")
            st.button("Forget this photo", on_click=release_uploads, icon=":material/delete:")
        notice.shown_again()
    if own is not None:
        return own
    return sample_photos([sample])[0] if sample else None


def _choose_face(image_rgb: ImageRGB, analysis: Analysis, photo: Photo) -> int:
    """Number of the face, counted from 1; asks only where there are several."""
    n_faces = len(analysis.faces)
    if n_faces == 1:
        return 1
    st.markdown(f"**{n_faces} faces** were found; choose the one to look at.")
    st.image(
        draw_analysis(image_rgb, analysis),
        width=480,
        output_format="JPEG",
        alt=f"The photo with {n_faces} numbered faces",
    )
    sizes = [face.face.box.area for face in analysis.faces]
    number = st.selectbox(
        "Face",
        range(1, n_faces + 1),
        index=sizes.index(max(sizes)),
        format_func=lambda n: headline(n, analysis.faces[n - 1]).replace("**", ""),
        key=f"lm_face_{photo.id}",
        width=420,
    )
    return int(number)


def _scores(number: int, found: FaceAnalysis, model_id: str) -> None:
    st.markdown(headline(number, found))
    if found.scores is not None:
        st.html(bars_html(found.scores))
        st.caption(believability(found.answer, report(model_id)))
