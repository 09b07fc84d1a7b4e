"""Streamlit's undocumented insides: touched here and nowhere else."""
