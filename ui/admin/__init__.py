"""Ethics & Privacy, the part for admins."""
