"""The little picture in a browser's tab, drawn here.

Streamlit fetches `:material/…:` icons of tabs from a server of Google's, which would learn of
every visit.
"""

from functools import cache

from PIL import Image, ImageDraw

_TEAL = "#0F766E"
_SIDE_PX = 64


@cache
def favicon() -> Image.Image:
    """A face with an even mouth, 64 x 64."""
    image = Image.new("RGBA", (_SIDE_PX, _SIDE_PX), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((2, 2, 61, 61), fill=_TEAL)
    for x in (22, 42):
        draw.ellipse((x - 4, 22, x + 4, 30), fill="white")
    draw.rounded_rectangle((20, 41, 44, 46), radius=2, fill="white")
    return image
