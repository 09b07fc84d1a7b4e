"""`mien analyze`: photos and clips in, faces with their scores out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DetectorName, JsonArray, ModelId, Out
from cli.output import check_out, say, write_text

if TYPE_CHECKING:
    from core.config import Settings
    from core.types import FaceAnalysis
    from services.analysis.clips import ClipResult
    from services.analysis.photos import PhotoResult

ALL_OK, SOME_REFUSED = 0, 1


def analyze(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE_OR_FOLDER...",
            help="Photos, clips, folders of photos.",
            readable=False,  # one that may not be read is refused in its turn
        ),
    ],
    as_json: JsonArray = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One row a face.")] = False,
    out: Out = None,
    model: ModelId = None,
    detector: DetectorName = None,
    tiles: Annotated[
        bool, typer.Option("--tiles", help="Look for very small faces in photos; takes longer.")
    ] = False,
    every_frame: Annotated[
        bool,
        typer.Option("--every-frame", help="A row for each frame of a clip, not ten a second."),
    ] = False,
) -> None:
    """Find the faces in photos and video clips and score their expressions.

    Exit code 0: every file was analysed; 1: some were refused, the others still done; 2: wrong
    usage.
    """
    from cli.photos.analyze_video import analyse_videos
    from core.config import load_settings

    if as_json and as_csv:
        raise typer.BadParameter("choose --json or --csv, not both")
    settings = load_settings()
    chosen = {
        "model_id": model or settings.default_model,
        "detector": detector or settings.default_detector,
    }
    check_out(out, *paths)
    photos, clips = _photos_and_clips(paths, as_csv=as_csv)
    found = _analyse_photos(photos, settings, tiles=tiles, **chosen) if photos else []
    videos = []
    if clips:
        for_people = not as_json and not as_csv
        videos = analyse_videos(clips, settings, for_people, every_frame=every_frame, **chosen)
    write_text(_told(found, videos, chosen, as_json=as_json, as_csv=as_csv), out)
    refused = any([one.error for one in found] + [one.error for one in videos])
    raise typer.Exit(SOME_REFUSED if refused else ALL_OK)


def _told(
    found: list["PhotoResult"],
    videos: list["ClipResult"],
    chosen: dict[str, str],
    *,
    as_json: bool,
    as_csv: bool,
) -> str:
    """What is printed: an array, a table, or lines for people."""
    from cli.photos.analyze_video import video_rows, video_text, videos_csv
    from services.analysis.photos import result_dict, results_csv

    if as_json:
        rows = [*(result_dict(one, **chosen) for one in found), *video_rows(videos, **chosen)]
        return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    if as_csv:
        return results_csv(found) if found else videos_csv(videos)
    return "".join([*map(_plain, found), *map(video_text, videos)])


def _photos_and_clips(paths: list[Path], *, as_csv: bool) -> tuple[list[Path], list[Path]]:
    """The files named and the photos in the folders named; what was passed over is said."""
    from cli.photos.analyze_video import is_video
    from core.pictures.files.kinds import passed_over
    from core.pictures.files.names import printable
    from core.pictures.files.walk import is_folder, photos_in

    files: list[Path] = []
    others: list[str] = []
    for path in paths:
        if not is_folder(path):  # one that does not exist is refused in its turn, like a bad one
            files.append(path)
            continue
        inside, rest = photos_in(path)
        if not inside:
            told = f" {passed_over(rest)}".rstrip()
            raise typer.BadParameter(f"{printable(str(path))} holds no photo.{told}")
        files.extend(inside)
        others.extend(rest)
    say([passed_over(others)])
    clips = [file for file in files if is_video(file)]
    photos = [file for file in files if not is_video(file)]
    if as_csv and clips and photos:
        raise typer.BadParameter("photos and clips have different tables: ask for each apart")
    return photos, clips


def _analyse_photos(
    files: list[Path], settings: "Settings", *, model_id: str, detector: str, tiles: bool
) -> list["PhotoResult"]:
    from dataclasses import replace

    from rich.console import Console
    from rich.progress import track

    from core.analyzer import create_analyzer
    from services.analysis.photos import analyse_file

    analyzer = create_analyzer(
        settings.models_dir,
        model_id=model_id,
        detector=detector,
        min_face_px=settings.min_face_px,
        with_landmarks=False,  # nothing that is printed needs them
        tiles=tiles,
    )
    console = Console(stderr=True)
    shown = track(
        files, "Analysing", console=console, disable=len(files) < 5 or not console.is_terminal
    )
    # Pixels are dropped at once: a folder of photos need not fit into memory.
    return [replace(analyse_file(f, analyzer, settings), image_rgb=None) for f in shown]


def _plain(result: "PhotoResult") -> str:
    """For people: a line a file and a line a face."""
    from core.expression.answer import sentence
    from services.analysis.photos import why_refused

    lines = [result.name]
    if result.error:
        lines.append(f"  refused: {result.error}")
    lines += [f"  {note}" for note in result.notes]
    faces = result.analysis.faces if result.analysis else ()
    for number, face in enumerate(faces, start=1):
        where = ", ".join(f"{value:.0f}" for value in face.face.box.xyxy)
        if face.scores is None:
            lines.append(f"  face {number} at ({where}): {why_refused(face)}")
            continue
        lines.append(f"  face {number} at ({where}): {sentence(face.answer)}{_poor(face)}")
    return "\n".join(lines) + "\n"


def _poor(face: "FaceAnalysis") -> str:
    """Such as "; quality 0.62, blurred"."""
    if face.quality is None:
        return ""
    flaw = f", {face.quality.flaw}" if face.quality.flaw else ""
    return f"; quality {face.quality.score:.2f}{flaw}"
