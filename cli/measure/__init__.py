"""Commands that measure: evaluate, audit, bench, detectors, models."""
