"""Image in, analysis out. No Streamlit, no database, no TensorFlow."""
