"""Photos, clips and live video under a consent."""
