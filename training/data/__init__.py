"""Data sets, cleaned, cut and changed for training."""
