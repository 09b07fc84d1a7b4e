"""Consents, the people behind them, and what was kept under them."""
