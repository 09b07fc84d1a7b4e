"""The page Landmark Analysis."""
