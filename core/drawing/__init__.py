"""Analyses drawn into pictures and video frames."""
