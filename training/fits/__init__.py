"""Small fits beside the networks: quality, calibration, geometry."""
