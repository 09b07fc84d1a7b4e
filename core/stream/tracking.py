"""Which face of this frame is which of the frame before: stable numbers, nothing about who.

Faces are followed by place and size only. Somebody who leaves the picture and comes back gets
a new number; that is on purpose, since recognising them would be biometric identification.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from core.types import Box, Face

_MIN_IOU: Final = 0.2
_MAX_CENTRE_DISTANCE: Final = 0.8  # in units of the larger face's side
_MAX_SIZE_RATIO: Final = 1.8
_HITS_TO_CONFIRM: Final = 2  # detections before a face gets its number; one may be an error


@dataclass(frozen=True)
class TrackingRules:
    """When a face is taken for real and when for gone.

    Attributes:
        coast_s: how long a face is kept that the detector does not find again.
        box_gain: weight of a new detection against the place that was followed; less is calmer.
    """

    coast_s: float = 0.7
    box_gain: float = 0.5


@dataclass(frozen=True, eq=False)
class Track:
    """One face over time; `id` counts from 1 and is None until the face is confirmed.

    Attributes:
        key: distinguishes tracks also before they are confirmed.
        face: newest place; keypoints are those of the last detection.
        hits: number of detections.
        seen_s: time of the last detection in seconds.
        lost: whether the place of this frame is unknown.

    Examples:
        >>> face = Face(Box(0, 0, 40, 40), 0.9, [[20, 20]], "yunet")
        >>> rules, numbers, keys = TrackingRules(), itertools.count(1), itertools.count()
        >>> first = update((), [face], 0.0, rules, numbers, keys)
        >>> again = update(first, [face], 0.1, rules, numbers, keys)
        >>> [(track.hits, track.id) for (track,) in (first, again)]
        [(1, None), (2, 1)]
        >>> update(again, [], 2.0, rules, numbers, keys)  # not found for longer than coast_s
        ()
    """

    key: int
    id: int | None
    face: Face
    hits: int
    seen_s: float
    lost: bool = False


def affinity(one: Box, other: Box) -> float:
    """How likely two boxes of successive frames are one face, 0..1; 0 is: they are not.

    Overlap counts; boxes that moved too fast to overlap still match when near and alike.
    """
    overlap = one.iou(other)
    if overlap >= _MIN_IOU:
        return overlap
    sizes = sorted((math.sqrt(one.area), math.sqrt(other.area)))
    distance = math.dist(one.centre_xy, other.centre_xy) / sizes[1]
    if distance > _MAX_CENTRE_DISTANCE or sizes[1] / sizes[0] > _MAX_SIZE_RATIO:
        return 0.0
    return _MIN_IOU * (1 - distance / _MAX_CENTRE_DISTANCE)


def match(known: Sequence[Box], found: Sequence[Box]) -> list[tuple[int, int]]:
    """Pairs (index in `known`, index in `found`), the most alike first, each used once.

    Examples:
        >>> match([Box(0, 0, 10, 10)], [Box(90, 90, 99, 99), Box(1, 0, 11, 10)])
        [(0, 1)]
    """
    scored = [
        (affinity(known[i], found[j]), i, j)
        for i, j in itertools.product(range(len(known)), range(len(found)))
    ]
    pairs: list[tuple[int, int]] = []
    used_known: set[int] = set()
    used_found: set[int] = set()
    for score, i, j in sorted(scored, key=lambda row: (-row[0], row[1], row[2])):
        if score > 0 and i not in used_known and j not in used_found:
            pairs.append((i, j))
            used_known.add(i)
            used_found.add(j)
    return pairs


def move(tracks: Sequence[Track], boxes: Sequence[Box | None]) -> tuple[Track, ...]:
    """Tracks at their followed places; None marks a track whose place is not known."""
    return tuple(
        replace(track, lost=True)
        if box is None
        else replace(track, face=replace(track.face, box=box), lost=False)
        for track, box in zip(tracks, boxes, strict=True)
    )


def update(
    tracks: Sequence[Track],
    faces: Sequence[Face],
    t_s: float,
    rules: TrackingRules,
    numbers: Iterator[int],
    keys: Iterator[int],
) -> tuple[Track, ...]:
    """Tracks, which are at followed places, after a detection at `t_s` (seconds) found `faces`.

    `numbers` gives the next free number for people to see, `keys` the next free key.
    """
    pairs = dict(match([t.face.box for t in tracks], [f.box for f in faces]))
    kept = []
    for index, track in enumerate(tracks):
        if index in pairs:
            kept.append(_seen_again(track, faces[pairs[index]], t_s, rules, numbers))
        elif track.id is not None and t_s - track.seen_s <= rules.coast_s:
            kept.append(replace(track, lost=True))
    for index, face in enumerate(faces):
        if index not in pairs.values():
            kept.append(Track(next(keys), None, face, 1, t_s))
    return tuple(kept)


def _seen_again(
    track: Track, face: Face, t_s: float, rules: TrackingRules, numbers: Iterator[int]
) -> Track:
    hits = track.hits + 1
    number = track.id
    if number is None and hits >= _HITS_TO_CONFIRM:
        number = next(numbers)
    # Where the followed place is unknown or far off, the detection alone counts.
    gain = 1.0 if track.lost or track.face.box.iou(face.box) < 0.5 else rules.box_gain
    box = mix(track.face.box, face.box, gain)
    return Track(track.key, number, replace(face, box=box), hits, t_s)


def mix(one: Box, other: Box, share: float) -> Box:
    """The box `share` (0..1) of the way from `one` to `other`."""
    values = (a + share * (b - a) for a, b in zip(one.xyxy, other.xyxy, strict=True))
    return Box(*values)
