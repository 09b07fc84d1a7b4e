"""Ethics & Privacy: what the product does, may not do, keeps and forgets; the admins' review."""

import streamlit as st

from ui.admin.page import admin_section
from ui.privacy.my_consents import consents_section
from ui.privacy.public import law_section, limits_section, photo_section, policy_section
from ui.runtime.router import through_home
from ui.shared.widgets import choose_part

SECTIONS = {
    "Your photo": photo_section,
    "Limits": limits_section,
    "Law and uses": law_section,
    "Policy": policy_section,
    "My consents": consents_section,
    "Admin": admin_section,
}

through_home()
st.title("Ethics & Privacy")
chosen = choose_part(list(SECTIONS), "privacy_section", bind="query-params")
st.set_page_config(page_title=f"{chosen} · Mien")
SECTIONS[chosen]()
