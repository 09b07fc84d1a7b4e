"""A clip in a process of its own: the same frames, and an end whatever the clip does."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from core.pictures import video_process
from core.pictures.video import (
    Clip,
    ClipLimits,
    ClipTooLargeError,
    ClipTooLongError,
    DamagedClipError,
    UnsupportedClipError,
)
from core.pictures.video_process import IsolatedClip
from tests.helpers.clips import encode_clip, plain


def test_the_frames_are_those_of_the_clip_from_a_file_and_from_bytes(tmp_path: Path) -> None:
    data = encode_clip(plain(12), codec="libx264")
    (tmp_path / "clip.mp4").write_bytes(data)
    with Clip(data) as clip:
        info, frames = clip.info, list(clip.frames())
    for source in (data, tmp_path / "clip.mp4"):
        with IsolatedClip(source) as isolated:
            assert isolated.info == info
            for one, other in zip(isolated.frames(), frames, strict=True):
                assert one.t_s == other.t_s
                assert np.array_equal(one.image_rgb, other.image_rgb)


def test_refusals_come_through_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedClipError, match="export it as MP4"):
        IsolatedClip(b"no video")
    with pytest.raises(ClipTooLongError, match="longer than 1 seconds"):
        IsolatedClip(encode_clip(plain(90)), ClipLimits(max_seconds=1))
    large = encode_clip(plain(30, (1280, 720)))
    with pytest.raises(ClipTooLargeError, match="the limit is 0 MB"):
        IsolatedClip(large, ClipLimits(max_bytes=1000))


def test_a_decoder_that_falls_over_is_a_sentence_and_takes_nobody_along() -> None:
    with IsolatedClip(encode_clip(plain(200, (1280, 720)))) as clip:
        frames = clip.frames()
        next(frames)
        os.kill(clip._process.pid, signal.SIGSEGV)
        with pytest.raises(DamagedClipError, match="could not be decoded within the limits"):
            list(frames)


def test_a_decoder_that_hangs_is_ended_and_others_are_let_in_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n_waited = 0

    def waiting() -> None:
        nonlocal n_waited
        n_waited += 1

    clip = IsolatedClip(encode_clip(plain(200, (1280, 720))), waiting=waiting)
    monkeypatch.setattr(video_process, "FRAME_S", 1.0)
    with clip:
        os.kill(clip._process.pid, signal.SIGSTOP)
        with pytest.raises(ClipTooLargeError, match="takes too long to decode"):
            list(clip.frames())
    assert n_waited >= 2
    assert clip._process.returncode is not None


def test_the_process_knows_no_secret_and_may_write_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIEN_MASTER_KEY", "secret")
    with IsolatedClip(encode_clip(plain(200, (1280, 720)))) as clip:
        process = Path(f"/proc/{clip._process.pid}")
        if not process.exists():
            pytest.skip("there is no /proc here")
        assert b"MIEN_MASTER_KEY" not in (process / "environ").read_bytes()
        assert (process / "oom_score_adj").read_text().strip() == "1000"  # it goes first
        limits = (process / "limits").read_text()
        for name in ("Max file size", "Max core file size"):
            (line,) = [line for line in limits.splitlines() if line.startswith(name)]
            assert line.removeprefix(name).split()[:2] == ["0", "0"]


def test_one_moment_is_decoded_elsewhere_too() -> None:
    data = encode_clip(plain(90, (320, 240)), codec="libx264")
    with Clip(data) as clip, IsolatedClip(data, at_s=2.5) as isolated:
        (frame,) = isolated.frames()
        expected = clip.frame_at(2.5)
    assert expected is not None
    assert frame.t_s == expected.t_s
    assert np.array_equal(frame.image_rgb, expected.image_rgb)
    with IsolatedClip(data, at_s=60.0) as isolated:
        assert list(isolated.frames()) == []


def test_no_more_are_decoded_at_a_time_than_memory_is_for() -> None:
    data, n_waited = encode_clip(plain(3)), 0
    others = [IsolatedClip(data) for _ in range(video_process.CLIPS_AT_A_TIME)]

    def waiting() -> None:
        nonlocal n_waited
        n_waited += 1
        if n_waited == 2:
            others.pop().close()

    with pytest.raises(UnsupportedClipError):
        IsolatedClip(b"no video", waiting=waiting)  # which gives its place back
    assert n_waited >= 2
    with IsolatedClip(data), IsolatedClip(data, at_s=0.0) as moment:  # has places of its own
        assert len(list(moment.frames())) == 1
    for clip in others:
        clip.close()
        clip.close()
    taken = [video_process._clips.acquire(blocking=False) for _ in range(5)]
    assert taken == [True] * video_process.CLIPS_AT_A_TIME + [False]
    video_process._clips.release(video_process.CLIPS_AT_A_TIME)
