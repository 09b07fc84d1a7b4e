"""The page Ethics & Privacy."""
