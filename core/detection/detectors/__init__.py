"""One file a detector, all behind `core.detection.base.FaceDetector`."""
