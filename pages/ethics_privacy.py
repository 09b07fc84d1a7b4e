"""Ethics & Privacy: what the product does, may not do, keeps and forgets; the admins' review."""

from collections.abc import Callable

import streamlit as st

from ui.admin.page import admin_section
from ui.privacy.my_consents import consents_section
from ui.privacy.public import law_section, limits_section, photo_section, policy_section
from ui.runtime.router import through_home
from ui.shared.store import opened
from ui.shared.widgets import choose_part

through_home()
st.title("Ethics & Privacy")

found = opened()
SECTIONS: dict[str, Callable[[], None]] = {
    "Your photo": lambda: photo_section(found.store),
    "Limits": limits_section,
    "Law and uses": law_section,
    "Policy": lambda: policy_section(found.store, found.problem),
    "My consents": lambda: consents_section(found.store, found.problem),
    "Admin": lambda: admin_section(found.store, found.problem),
}
chosen = choose_part(list(SECTIONS), "privacy_section", bind="query-params")
st.set_page_config(page_title=f"{chosen} · Mien")
SECTIONS[chosen]()
