"""How well detectors find faces."""
