"""Training of expression networks."""
