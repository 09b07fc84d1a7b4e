"""A clip looked at again: moments and the annotated MP4, from clips made here."""

import io

import av
import numpy as np
import pytest

from core.pictures import video_process
from core.pictures.video import Clip, ClipLimits, ClipRefusedError
from core.stream.timeline import TimelineRow
from core.types import Box
from services.analysis.clip_video import FacesOverTime, annotated_mp4, moment
from tests.helpers.clips import encode_clip, plain

LIMITS = ClipLimits(max_bytes=10_000_000, max_seconds=60)


def row(t_s: float, face: int, x_min: float) -> TimelineRow:
    shares = np.full(7, 0.05, np.float32)
    shares[3] = 0.7
    return TimelineRow(t_s, face, Box(x_min, 60, x_min + 80, 140), ("happy",), shares, shares)


def test_faces_are_where_the_row_before_says_and_gone_without_one() -> None:
    faces = FacesOverTime([row(0.0, 1, 10), row(0.1, 1, 20), row(0.1, 2, 200), row(2.0, 1, 30)])
    assert [face.id for face in faces.at(0.15)] == [1, 2]
    assert faces.at(0.05)[0].box.x_min == 10
    assert faces.at(1.0) == ()
    assert faces.at(2.0)[0].box.x_min == 30
    assert FacesOverTime([]).at(0.0) == ()


def differs(image_rgb: np.ndarray, grey: int) -> bool:
    """Whether something was drawn on what was plain grey."""
    return bool((np.abs(image_rgb.astype(int) - grey).max(axis=2) > 60).any())


def test_the_annotated_clip_has_every_frame_with_its_boxes() -> None:
    source = encode_clip(plain(45, (320, 240)), codec="libx264")
    rows = [row(i / 10, 1, 40) for i in range(8)]  # the face is there for 0.8 s of 1.5
    mp4 = annotated_mp4(source, FacesOverTime(rows), LIMITS)
    with Clip(mp4, LIMITS) as clip:
        assert clip.info.codec == "h264"
        frames = list(clip.frames())
    with Clip(source, LIMITS) as clip:
        times_s = [frame.t_s for frame in clip.frames()]
    assert [frame.t_s for frame in frames] == pytest.approx(times_s, abs=0.002)
    drawn = [differs(frame.image_rgb, 40 + i) for i, frame in enumerate(frames)]
    assert all(drawn[:24])
    assert not any(drawn[-12:])


def test_odd_sides_and_slow_clips_keep_their_times() -> None:
    source = encode_clip(plain(6, (322, 242)), codec="mpeg4", fps=2)
    mp4 = annotated_mp4(source, FacesOverTime([]), LIMITS)
    with av.open(io.BytesIO(mp4)) as container:
        assert container.duration is not None
        assert container.duration / av.time_base == pytest.approx(3.0, abs=0.6)


def test_a_moment_is_the_frame_of_that_time() -> None:
    source = encode_clip(plain(90, (320, 240)), codec="libx264")
    for t_s in (0.0, 1.0, 2.5):
        image_rgb = moment(source, t_s, FacesOverTime([]))
        assert image_rgb is not None
        # Frame i of `plain` is 40 + i light.
        assert float(image_rgb.mean()) == pytest.approx(40 + round(30 * t_s), abs=2.5)
    assert moment(source, 60.0, FacesOverTime([])) is None
    boxed = moment(source, 1.0, FacesOverTime([row(0.95, 1, 40)]))
    assert boxed is not None
    assert differs(boxed, 70)


def test_a_moment_that_takes_too_long_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything since the key frame before it is decoded: one click could take minutes."""
    source = encode_clip(plain(90, (320, 240)), codec="libx264")
    monkeypatch.setattr(video_process, "FRAME_S", 0.0)
    monkeypatch.setattr(video_process, "_ASK_EVERY_S", 0.0)  # no process answers at once
    assert moment(source, 2.5, FacesOverTime([])) is None


def test_a_broken_clip_is_refused_in_words() -> None:
    with pytest.raises(ClipRefusedError):
        annotated_mp4(b"no video", FacesOverTime([]), LIMITS)
