"""Many photos on several workers."""
