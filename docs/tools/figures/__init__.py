"""Figures of the documents, drawn from measured files."""
