"""Consent, audit, retention, erasure: the only code that touches the database."""
