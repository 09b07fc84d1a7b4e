"""Bytes to pixels: photos, clips, archives, and faces cut out of them."""
