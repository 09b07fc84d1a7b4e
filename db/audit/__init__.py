"""The log of what was done, chained by hashes."""
