"""Upload: photos in, every face with its seven scores out. Kept is what was opted into."""

import streamlit as st

from ui.consent import notice
from ui.consent import session as consent
from ui.photos.many import show_many
from ui.photos.results import show_results
from ui.photos.session import SAMPLES, analyse_photos, forget_photos, sample_photos, upload_widgets
from ui.runtime.router import through_home
from ui.shared.model_choice import choose_model_and_detector, choose_tiles

through_home()
st.title("Upload photos")
st.write("Every face gets a box and seven scores: how much its expression resembles each of them.")

chosen_samples = st.pills("Try a sample", list(SAMPLES), selection_mode="multi", key="samples")

if notice.agreed(folded=bool(chosen_samples), keeping=True):
    notice.receipt()
    photos = upload_widgets()
    notice.shown_again()
else:
    forget_photos()
    photos = []

photos = [*sample_photos(chosen_samples), *photos]
if not photos:
    st.stop()

with st.expander("Model and detector", icon=":material/tune:"):
    model_id, detector = choose_model_and_detector("upload")
    tiles = choose_tiles("upload")

analysed = analyse_photos(photos, model_id, detector, consent.analyse_own, tiles=tiles)
if not analysed:
    st.stop()

single = [pair for pair in analysed if not pair[0].is_one_of_many]
many = [result for photo, result in analysed if photo.is_one_of_many]
if many:
    show_many(many, model_id, detector)
if single:
    show_results(single, model_id, detector)
st.button("Forget these photos", on_click=forget_photos, icon=":material/delete:")
