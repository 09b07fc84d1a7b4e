"""Notice and consent before any photo."""
