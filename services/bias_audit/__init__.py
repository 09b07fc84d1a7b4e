"""The bias audit of a person's own labelled pictures."""
