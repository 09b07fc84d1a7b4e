"""The page Model Metrics."""
