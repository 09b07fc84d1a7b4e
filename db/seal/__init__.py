"""Keys: what is destroyed when something is erased."""
