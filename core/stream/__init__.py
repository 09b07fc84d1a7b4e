"""Video: tracking, smoothing and drawing, frame by frame."""

from core.stream.frames import StreamFrame, TrackedFace
from core.stream.pipeline import StreamAnalyzer, StreamRules
from core.stream.smoothing import RAW, SmoothedScores, SmoothingRules

__all__ = [
    "RAW",
    "SmoothedScores",
    "SmoothingRules",
    "StreamAnalyzer",
    "StreamFrame",
    "StreamRules",
    "TrackedFace",
]
