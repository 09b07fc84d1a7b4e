"""Upload: photos in, every face with what people would say out. Kept is what was opted into."""

import streamlit as st

from services.analysis.photos import PhotoResult
from ui.consent import notice
from ui.consent import session as consent
from ui.photos.many import show_many
from ui.photos.results import show_compared, show_left, show_results
from ui.photos.samples import choose_sample
from ui.photos.session import (
    MANY,
    SAMPLE_KEY,
    Photo,
    analyse_photos,
    any_own,
    forget_all,
    forget_own_photos,
    left_results,
    passed_over,
    remembered_sample,
    sample_photos,
    upload_widgets,
)
from ui.runtime.router import through_home
from ui.shared.model_choice import Choice, choose_models


def own_photos() -> list[Photo]:
    """A person's own photos, behind the notice."""
    return upload_widgets() if notice.agreed(keeping=True) else []


def samples() -> list[Photo]:
    """The sample that is chosen, if any."""
    title = choose_sample("Or try a sample", key=SAMPLE_KEY, default=remembered_sample())
    return sample_photos([title] if title else [])


def inputs() -> tuple[list[Photo], Choice]:
    """What is to be looked at and with what; in one bar as soon as there is something to see."""
    own_now, sample_now = any_own(), remembered_sample()
    if not own_now and not sample_now:
        left, right = st.columns([1.6, 1], gap="large")
        with left:
            photos = own_photos()
        with right:
            return [*photos, *samples()], Choice.usual()
    title = "Other photos" if own_now else "Your own photos"
    with st.expander(f"{title}, model and detector", icon=":material/tune:", key="inputs"):
        photos = own_photos()
        if own_now:
            photos += samples()
        chosen = choose_models("upload")
    if not own_now:  # the other samples stay a click away
        with st.container(key="row_of_samples"):
            photos += samples()
    return photos, chosen


def show(photos: list[Photo], chosen: Choice) -> list[tuple[Photo, PhotoResult]]:
    """Analyse and show: one by one, all together where there are many, or two models' answers."""
    by_model = [
        analyse_photos(photos, model_id, chosen.detector, consent.analyse_own, tiles=chosen.tiles)
        for model_id in (chosen.model_id, chosen.other_model_id)
        if model_id is not None
    ]
    analysed = by_model[0]
    if not analysed:
        return []
    if len(by_model) > 1:
        show_compared(*by_model)
    else:
        (show_many if len(analysed) > MANY else show_results)(
            analysed, chosen.model_id, chosen.detector
        )
    if others := passed_over():
        st.caption(others)
    return analysed


through_home()
st.title("Upload photos", anchor=False)
# First of all: where a consent has ended elsewhere, the page is as at first.
if consent.held() is None:
    forget_own_photos()
notice.receipt()
photos, chosen = inputs()
# A place of its own, even while it is empty: what stands below it is not drawn into its progress.
with st.container():
    analysed = show(photos, chosen)
left_over = [] if analysed else left_results()
if left_over:
    show_left(left_over)
notice.shown_again()
if analysed and all(result.error is not None for _, result in analysed):
    st.button("Choose another", on_click=forget_all, icon=":material/add_photo_alternate:")
elif photos or left_over:
    st.button("Forget these photos", on_click=forget_all, icon=":material/delete:")
