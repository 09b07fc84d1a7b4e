"""One face: its card, its picture, its explanation."""
