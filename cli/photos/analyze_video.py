"""The part of `mien analyze` that takes video clips."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.output import counted, progress_bar

if TYPE_CHECKING:
    from core.config import Settings
    from services.analysis.clips import ClipResult


def is_video(path: Path) -> bool:
    """Whether `path` has the suffix of a video; what is in it is found out later."""
    from core.pictures.files.kinds import is_video_name
    from core.pictures.video import SUFFIXES

    # Those of kinds that are not read are told, with the clips, which kinds are.
    return path.suffix.lower() in SUFFIXES or is_video_name(path.name)


def analyse_videos(
    paths: list[Path],
    settings: "Settings",
    for_people: bool,
    *,
    model_id: str,
    detector: str,
    every_frame: bool,
) -> list["ClipResult"]:
    """Analyse clips one after another, with a bar on a terminal.

    Where the result is not `for_people`, who do not read JSON, notes are said beside it.
    """
    from core.detection import create_detector
    from core.expression.classify import EmotionClassifier
    from core.pictures.files.names import printable
    from services.analysis.clips import analyse_clip, clip_limits, stream_analyzer

    found, limits = create_detector(detector, settings.models_dir), clip_limits(settings)
    classifier = EmotionClassifier.load(model_id, settings.models_dir)
    results = []
    for path in paths:
        # Each clip has an analyzer of its own: numbers of faces begin anew.
        analyzer = stream_analyzer(found, classifier, settings)
        name = printable(str(path))
        with progress_bar(printable(path.name)) as progress:
            result = analyse_clip(name, path, analyzer, limits, progress, every_frame=every_frame)
        results.append(result)
        if not for_people:
            sys.stderr.writelines(f"{result.name}: {note}\n" for note in result.notes)
    return results


def video_rows(results: list["ClipResult"], *, model_id: str, detector: str) -> list[Any]:
    """An object a clip, for JSON."""
    from services.analysis.clips import clip_dict

    return [clip_dict(result, model_id=model_id, detector=detector) for result in results]


def videos_csv(results: list["ClipResult"]) -> str:
    """All clips in one table; one without faces, or refused, has a row with empty cells."""
    import csv
    import io

    from core.stream.timeline import row_dict
    from services.analysis.clips import CSV_COLUMNS
    from services.analysis.photos import spreadsheet_safe

    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, ("file", *CSV_COLUMNS, "error"), lineterminator="\n")
    writer.writeheader()
    for result in results:
        name = spreadsheet_safe(result.name)
        if not result.rows:
            writer.writerow({"file": name, "error": str(result.error or "")})
        writer.writerows({"file": name, **row_dict(row)} for row in result.rows)
    return buffer.getvalue()


def video_text(result: "ClipResult") -> str:
    """For people: a line a clip and a line a face."""
    from core.expression.answer import times

    if result.error is not None:
        return f"{result.name}\n  refused: {result.error}\n"
    lines = [f"{result.name}: {result.duration_s:.1f} s, {counted(result.n_frames, 'frame')}"]
    lines += [f"  {note}" for note in result.notes]
    for face in result.faces:
        start = f"  face {face.face}, seen for {face.seen_s:.1f} s"
        lines.append(f"{start}: {times(face.seconds_by_band)}")
    return "\n".join(lines) + "\n"
