"""Read-only summaries of the store."""
