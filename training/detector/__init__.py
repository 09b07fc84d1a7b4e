"""Our own face detector: photos in, a network for LiteRT out."""
