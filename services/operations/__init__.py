"""Logs, figures and checks of a running server."""
