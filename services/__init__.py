"""Use-cases: where core and db meet. No Streamlit."""
