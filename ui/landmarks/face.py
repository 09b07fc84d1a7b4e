"""A face's points on the screen: overlay, measures, blendshapes, downloads."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.drawing import landmarks as drawing
from core.errors import ModelError, damage_is
from core.landmarks.learned import TERMS
from core.landmarks.pose import FaceGeometry
from core.landmarks.schemes import IBUG, MESH, to_five
from core.types import ImageRGB, Landmarks
from ui.faces.view import SCHEME_TITLES, FaceView
from ui.runtime.runs import fragment
from ui.shared.charts import SERIES_COLOURS, styled
from ui.shared.figures import plot
from ui.shared.resources import settings
from ui.shared.text import signed
from ui.shared.widgets import choose, download

LAYERS = ("Points", "Lines", "Measures", "Regions", "Pose")
_SHORT = {"mediapipe478": "478", "ibug68": "68", "five": "5"}
_TOP_BLENDSHAPES = 12


@fragment
def points_section(view: FaceView, name: str) -> None:
    """Overlay with its switches, and the downloads of the scheme that is shown."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        schemes = list(SCHEME_TITLES)
        scheme = choose(
            "Points", schemes, "landmark_scheme", default=MESH, titles=_SHORT.__getitem__
        )
        layers = st.pills(
            "Show", LAYERS, default=["Measures"], selection_mode="multi", key="landmark_layers"
        )
    st.image(
        overlay(view, scheme, list(layers)),
        width="stretch",
        output_format="JPEG",
        alt=f"The face with {SCHEME_TITLES[scheme]}",
    )
    st.caption(_legend(scheme, list(layers)))
    if scheme == IBUG:
        st.caption(TERMS)
    marks = view.original[scheme]
    with st.container(horizontal=True):
        stem = f"{name}_{_SHORT[scheme]}"
        download("Points (CSV)", points_csv(marks), f"{stem}.csv")
        as_json = points_json(marks, view.geometry)
        download("Points and measures (JSON)", as_json, f"{stem}.json")


def overlay(view: FaceView, scheme: str, layers: list[str]) -> ImageRGB:
    """The face's picture with the chosen layers on it."""
    picture, marks = view.picture_rgb, view.points[scheme]
    if "Lines" in layers:
        picture = drawing.draw_mesh(picture, marks)
    if "Regions" in layers:
        picture = drawing.draw_regions(picture, view.points[MESH])
    if "Points" in layers or (scheme == "five" and "Lines" in layers):
        picture = drawing.draw_points(picture, marks)
    if "Measures" in layers:
        picture = drawing.draw_measures(picture, view.points[IBUG])
    if "Pose" in layers:
        nose = to_five(view.points[MESH].points_xy, MESH)[2]
        scale = view.points[MESH].points_xy.std() / view.original[MESH].points_xy.std()
        picture = drawing.draw_pose(picture, view.geometry.pose, nose, zoom=float(scale))
    return picture


def _legend(scheme: str, layers: list[str]) -> str:
    parts = [SCHEME_TITLES[scheme]]
    if "Regions" in layers:
        parts.append("white outlines: the parts that the explanation covers")
    if "Measures" in layers:
        parts.append("A to D: what the table measures")
    if "Pose" in layers:
        names = {"#D55E00": "orange", "#009E73": "green", "#56B4E9": "light blue"}
        arrows = ", ".join(f"{names[c]} {axis}" for axis, c in drawing.axis_colours().items())
        parts.append(f"arrows: {arrows}")
    return "; ".join(parts) + "."


def measures_table(geometry: FaceGeometry, usual: Mapping[str, Any]) -> pd.DataFrame:
    """Measures with their units, one row each, and what most faces have, where known."""
    pose = geometry.pose

    def row(name: str, value: str, key: str, meaning: str, number: float | None = None) -> Any:
        low, high = usual.get(key, (None, None))
        if low is None or high is None or number is None:
            return name, value, "", meaning
        unit = "°" if key in ("yaw", "pitch", "roll") else ""
        digits = 0 if unit else 2
        unusual = " ⚠" if not low <= number <= high else ""
        between = f"{low:.{digits}f}{unit}\u00a0to\u00a0{high:.{digits}f}{unit}"
        between = between.replace("-", "\u2212")
        return name, f"{value}{unusual}", between, meaning

    def share(name: str, key: str, meaning: str, number: float | None) -> Any:
        return row(name, _shown("{:.2f}", number), key, meaning, number)

    rows = [
        row("Yaw", f"{signed(pose.yaw_deg)}°", "yaw", "plus: to the photo's right", pose.yaw_deg),
        row("Pitch", f"{signed(pose.pitch_deg)}°", "pitch", "plus: looking up", pose.pitch_deg),
        row("Roll", f"{signed(pose.roll_deg)}°", "roll", "plus: tilted clockwise", pose.roll_deg),
        row(
            "**A** Eye corners", f"{geometry.interocular_px:.0f}\u00a0px", "", "outer ones, apart"
        ),
        row("Pupils", _shown("{:.1f}\u00a0px", geometry.pupils_px), "", "apart"),
        share("**B** Right eye", "eye_opening", "height / width", geometry.right_eye_opening),
        share("**B** Left eye", "eye_opening", "height / width", geometry.left_eye_opening),
        share("**C** Mouth open", "mouth_opening", "lips, height / width", geometry.mouth_opening),
        share("**D** Mouth width", "mouth_width", "in lengths of A", geometry.mouth_width),
    ]
    return pd.DataFrame(rows, columns=["measure", "value", "most faces", "meaning"])


@st.cache_resource(show_spinner=False)
def usual_measures() -> dict[str, Any]:
    """What was measured of many faces; {} where the file is missing."""
    file = settings().models_dir / "studies" / "usual_measures.json"
    with damage_is(ModelError("studies/usual_measures.json is damaged; reinstall Mien.")):
        return {**json.loads(file.read_text("utf-8"))} if file.exists() else {}


def measures_section(geometry: FaceGeometry) -> None:
    """The measures beside what most faces have."""
    usual = usual_measures()
    st.markdown("**Measures**")
    st.markdown(measures_markdown(measures_table(geometry, usual.get("ranges", {}))))
    if usual:
        st.caption(
            f"Most faces: {10 * usual['share']:.0f} of 10 of {usual['n_faces']:,} "
            f"({usual['dataset']}). ⚠ lies outside; a wide smile or a turned head does that."
        )


def _shown(form: str, value: float | None) -> str:
    return "–" if value is None else form.format(value)


def measures_markdown(table: pd.DataFrame) -> str:
    """The table in Markdown: it wraps on a phone, and screen readers read it as a table."""
    lines = [
        f"| {measure} ({meaning}) | {value} | {between} |"
        for measure, value, between, meaning in table.itertuples(index=False)
    ]
    return "\n".join(["| measure | value | most faces |", "|---|--:|--:|", *lines])


def blendshape_section(marks: Landmarks) -> None:
    """The strongest blendshapes as bars, all of them where asked for."""
    everything = st.toggle("All 51", key="landmark_all_blendshapes")
    shown = sorted(marks.blendshapes.items(), key=lambda item: -item[1])
    shown = shown if everything else shown[:_TOP_BLENDSHAPES]
    plot(
        blendshape_figure(dict(shown)),
        key="blendshapes",
        alt="Blendshapes: " + ", ".join(f"{name} {value:.2f}" for name, value in shown[:5]),
    )
    st.caption(
        "Blendshapes say how far a muscle group moves an average face, from 0 to 1, as Google's "
        "network guesses it from the mesh. They are no probabilities and no feelings."
    )


def blendshape_figure(shapes: dict[str, float]) -> go.Figure:
    """Horizontal bars, strongest on top."""
    look = {"marker_color": SERIES_COLOURS[0], "hovertemplate": "%{y}: %{x:.2f}<extra></extra>"}
    figure = go.Figure(go.Bar(x=list(shapes.values()), y=list(shapes), orientation="h", **look))
    height = 80 + 24 * len(shapes)
    styled(figure, "strength (0 to 1)", "", height=height, legend=False, top_down=True)
    return figure.update_xaxes(range=[0, 1])


def points_csv(marks: Landmarks) -> str:
    """One row a point, in pixels of the photo."""
    table = pd.DataFrame(marks.points_xy, columns=["x_px", "y_px"])
    return str(table.to_csv(index_label="point", float_format="%.2f"))


def points_json(marks: Landmarks, geometry: FaceGeometry) -> str:
    """Points, measures with units in their names, blendshapes."""
    pose = geometry.pose
    content = {
        "scheme": marks.scheme,
        "unit": "pixels of the photo, origin at its top left corner",
        "points_xy": [[round(x, 2), round(y, 2)] for x, y in marks.points_xy.tolist()],
        "measures": {
            "yaw_deg": round(pose.yaw_deg, 2),
            "pitch_deg": round(pose.pitch_deg, 2),
            "roll_deg": round(pose.roll_deg, 2),
            "interocular_px": round(geometry.interocular_px, 2),
            "pupils_px": geometry.pupils_px,
            "right_eye_opening": geometry.right_eye_opening,
            "left_eye_opening": geometry.left_eye_opening,
            "mouth_opening": geometry.mouth_opening,
            "mouth_width_in_interoculars": geometry.mouth_width,
        },
        "blendshapes": {name: round(value, 4) for name, value in marks.blendshapes.items()},
    }
    return json.dumps(content, indent=1) + "\n"
