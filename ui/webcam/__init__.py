"""The page Webcam."""
