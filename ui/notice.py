"""What happens to a photo, said before anything can be handed over (EU AI Act, article 50(3))."""

import streamlit as st

_AGREED = "photo_notice_agreed"

NOTICE = """
**What happens to your photo**

- A model looks for faces and compares each expression with seven prototypes: anger, disgust,
  fear, happiness, sadness, surprise, neutral. This is *emotion recognition* in the words of the
  EU AI Act.
- The photo is sent to the computer that runs this page, analysed in its memory, and forgotten
  when you remove it, close the page or press *Forget*. **Nothing is written to disk**, nobody
  else sees it, nothing is learnt from it.
- It is often wrong, and it cannot tell what anybody feels. Do not use it to decide anything
  about a person, nor at work or in education, where this is prohibited in the EU.
- Only hand over pictures of people who know and agree.
"""


def agreed(*, folded: bool = False) -> bool:
    """Show the notice; whether this session has agreed to it.

    Until then the caller renders no widget that takes a picture. Taking it back is one click,
    as giving it is.

    Args:
        folded: show the notice behind its title, where something else is to be seen first.
    """
    if st.session_state.get(_AGREED, False):
        return True
    place = (
        st.expander("Use your own photos: what happens to them", icon=":material/policy:")
        if folded
        else st.container(border=True)
    )
    with place:
        st.markdown(NOTICE)
        st.button(
            "I agree: analyse my photos", type="primary", on_click=_set, args=(True,),
            icon=":material/check:",
        )  # fmt: skip
    return False


def withdraw() -> None:
    """Forget the agreement."""
    _set(False)


def shown_again() -> None:
    """The notice, folded, for those who have agreed."""
    with st.expander("What happens to your photo", icon=":material/policy:"):
        st.markdown(NOTICE)
        st.button("I no longer agree", on_click=withdraw)


def _set(value: bool) -> None:
    st.session_state[_AGREED] = value
