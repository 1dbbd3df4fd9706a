"""Faces that are drawn, of nobody: enough of a face for a detector to find one and tell two apart.

A drawing says that the machinery works from picture to verdict. It says nothing about how well
faces of people are told apart.
"""

import random
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

PORTRAIT_SIZE: Final = (300, 380)
_SCALE: Final = 3
_BACKGROUND: Final = (246, 247, 250)
_SKINS: Final = ((240, 208, 182), (228, 190, 160), (214, 172, 140), (186, 140, 108))
_HAIRS: Final = ((22, 18, 18), (44, 32, 26), (84, 60, 44), (130, 128, 128))
_CLOTHES: Final = ((40, 52, 90), (60, 60, 66), (96, 40, 48), (36, 84, 70))

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Face:
    """What stays the same from picture to picture; lengths in units of the face's half width."""

    skin: Colour
    hair: Colour
    height: float
    jaw: float
    eye_gap: float
    eye_size: float
    brow_rise: float
    brow_width: float
    nose_length: float
    nose_width: float
    mouth_width: float
    lip_height: float
    has_long_hair: bool


def draw_portrait(seed: int, *, pose: int = 0) -> Image.Image:
    """Return a portrait, 300 by 380 pixels, of the made-up person of a seed.

    `pose` varies place, size, expression, light and clothes, as two pictures of one person do.
    """
    face = _make_face(random.Random(seed))  # noqa: S311 - a drawing needs no secrecy
    sitting = random.Random(f"{seed}/{pose}")  # noqa: S311 - as above
    width, height = (side * _SCALE for side in PORTRAIT_SIZE)
    picture = Image.new("RGB", (width, height), _BACKGROUND)
    unit = width * 0.27 * sitting.uniform(0.94, 1.04)
    centre = (width / 2 + sitting.uniform(-8, 8), height * 0.47 + sitting.uniform(-8, 8))
    _draw_body(picture, face, centre, unit, sitting.choice(_CLOTHES))
    _draw_head(picture, face, centre, unit)
    _draw_features(picture, face, centre, unit, smile=sitting.uniform(-0.03, 0.05))
    small = picture.resize(PORTRAIT_SIZE, Image.Resampling.LANCZOS)
    return ImageEnhance.Brightness(small).enhance(sitting.uniform(0.92, 1.06))


def _make_face(draw: random.Random) -> _Face:
    return _Face(
        skin=draw.choice(_SKINS),
        hair=draw.choice(_HAIRS),
        height=draw.uniform(1.22, 1.5),
        jaw=draw.uniform(0.62, 0.86),
        eye_gap=draw.uniform(0.38, 0.5),
        eye_size=draw.uniform(0.15, 0.22),
        brow_rise=draw.uniform(0.2, 0.32),
        brow_width=draw.uniform(0.05, 0.11),
        nose_length=draw.uniform(0.38, 0.58),
        nose_width=draw.uniform(0.17, 0.28),
        mouth_width=draw.uniform(0.27, 0.42),
        lip_height=draw.uniform(0.07, 0.14),
        has_long_hair=draw.random() < 0.5,  # noqa: PLR2004 - a coin
    )


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, round(part * factor)) for part in colour)
    return red, green, blue


def _ellipse(
    d: ImageDraw.ImageDraw,
    centre: tuple[float, float],
    radii: tuple[float, float],
    fill: Colour,
) -> None:
    (x, y), (rx, ry) = centre, radii
    d.ellipse((x - rx, y - ry, x + rx, y + ry), fill=fill)


def _draw_body(
    picture: Image.Image, face: _Face, centre: tuple[float, float], u: float, clothes: Colour
) -> None:
    x, y = centre
    d = ImageDraw.Draw(picture)
    if face.has_long_hair:
        d.rounded_rectangle(
            (x - 1.22 * u, y - face.height * u, x + 1.22 * u, y + 1.55 * u), 0.9 * u, face.hair
        )
    _ellipse(d, (x, y + 2.75 * u), (1.75 * u, 1.15 * u), clothes)
    d.rectangle((x - 0.42 * u, y + 0.8 * u, x + 0.42 * u, y + 1.75 * u), _shade(face.skin, 0.84))
    d.polygon(
        [(x - 0.5 * u, y + 1.65 * u), (x + 0.5 * u, y + 1.65 * u), (x, y + 2.3 * u)],
        (244, 244, 246),
    )


def _draw_head(picture: Image.Image, face: _Face, centre: tuple[float, float], u: float) -> None:
    x, y = centre
    layer = Image.new("RGB", picture.size, face.skin)
    mask = Image.new("L", picture.size, 0)
    m = ImageDraw.Draw(mask)
    m.ellipse((x - u, y - face.height * u, x + u, y + 0.75 * u), fill=255)
    m.polygon(
        [
            (x - u * 0.99, y - 0.3 * u),
            (x + u * 0.99, y - 0.3 * u),
            (x + face.jaw * u, y + 0.78 * u),
            (x + 0.3 * u, y + face.height * 0.93 * u),
            (x - 0.3 * u, y + face.height * 0.93 * u),
            (x - face.jaw * u, y + 0.78 * u),
        ],
        fill=255,
    )
    d = ImageDraw.Draw(layer)
    # Light comes from the front: both cheeks' edges, the temples and the chin fall away.
    for side in (-1, 1):
        _ellipse(d, (x + side * u, y + 0.2 * u), (0.3 * u, 1.2 * u), _shade(face.skin, 0.8))
    _ellipse(d, (x, y + face.height * u), (0.6 * u, 0.16 * u), _shade(face.skin, 0.82))
    _ellipse(d, (x, y - 0.75 * u), (0.6 * u, 0.25 * u), _shade(face.skin, 1.05))
    layer = layer.filter(ImageFilter.GaussianBlur(0.16 * u))
    ears = ImageDraw.Draw(picture)
    for side in (-1, 1):
        _ellipse(
            ears, (x + side * 1.02 * u, y + 0.05 * u), (0.12 * u, 0.27 * u), _shade(face.skin, 0.88)
        )
    picture.paste(layer, mask=mask.filter(ImageFilter.GaussianBlur(2 * _SCALE)))
    hair = ImageDraw.Draw(picture)
    top = y - face.height * u
    hair.chord((x - 1.08 * u, top - 0.22 * u, x + 1.08 * u, top + 1.5 * u), 186, 354, face.hair)


def _draw_features(
    picture: Image.Image, face: _Face, centre: tuple[float, float], u: float, *, smile: float
) -> None:
    x, y = centre
    shadow = picture.copy()
    s = ImageDraw.Draw(shadow)
    dark = _shade(face.skin, 0.7)
    for side in (-1, 1):
        # Eye sockets, the wings of the nose and the hollow under the lip are seen by their shade.
        _ellipse(s, (x + side * face.eye_gap * u, y - 0.13 * u), (0.3 * u, 0.17 * u), dark)
        _ellipse(
            s, (x + side * face.nose_width * u, y + face.nose_length * u), (0.1 * u, 0.09 * u), dark
        )
        s.line(
            [
                (x + side * 0.12 * u, y - 0.1 * u),
                (x + side * 0.13 * u, y + face.nose_length * 0.8 * u),
            ],
            dark,
            round(0.05 * u),
        )
    _ellipse(
        s, (x, y + (face.nose_length + 0.12) * u), (0.16 * u, 0.05 * u), _shade(face.skin, 0.6)
    )
    _ellipse(
        s, (x, y + (face.nose_length + 0.6) * u), (0.22 * u, 0.06 * u), _shade(face.skin, 0.78)
    )
    picture.paste(shadow.filter(ImageFilter.GaussianBlur(0.06 * u)))
    d = ImageDraw.Draw(picture)
    for side in (-1, 1):
        _draw_eye(d, face, (x + side * face.eye_gap * u, y - 0.1 * u), u, side)
    for side in (-1, 1):
        _ellipse(
            d,
            (x + side * 0.1 * u, y + (face.nose_length + 0.09) * u),
            (0.045 * u, 0.03 * u),
            (70, 44, 38),
        )
    _draw_mouth(d, face, (x, y + (face.nose_length + 0.36) * u), u, smile)
    picture.paste(picture.filter(ImageFilter.GaussianBlur(0.012 * u)))


def _draw_eye(
    d: ImageDraw.ImageDraw, face: _Face, centre: tuple[float, float], u: float, side: int
) -> None:
    x, y = centre
    width, height = face.eye_size * 1.15 * u, face.eye_size * 0.55 * u
    _ellipse(d, (x, y), (width, height), (244, 242, 240))
    _ellipse(d, (x, y), (height * 0.98, height * 0.98), (58, 38, 28))
    _ellipse(d, (x, y), (height * 0.5, height * 0.5), (14, 10, 10))
    _ellipse(
        d, (x + height * 0.3, y - height * 0.35), (height * 0.18, height * 0.18), (250, 250, 250)
    )
    box = (x - width, y - height * 1.1, x + width, y + height * 1.1)
    d.arc(box, 190, 350, (30, 20, 18), max(2, round(0.04 * u)))
    brow = y - face.brow_rise * u
    d.line(
        [
            (x - side * width * 1.15, brow + 0.05 * u),
            (x, brow - 0.03 * u),
            (x + side * width * 1.3, brow + 0.05 * u),
        ],
        _shade(face.hair, 1.1),
        round(face.brow_width * u),
        joint="curve",
    )


def _draw_mouth(
    d: ImageDraw.ImageDraw, face: _Face, centre: tuple[float, float], u: float, smile: float
) -> None:
    x, y = centre
    half, lip = face.mouth_width * u, face.lip_height * u
    red, green, blue = face.skin
    lips = (round(red * 0.82), round(green * 0.6), round(blue * 0.6))
    corner = y - smile * u
    d.polygon(
        [
            (x - half, corner),
            (x - half * 0.3, y - lip),
            (x, y - lip * 0.7),
            (x + half * 0.3, y - lip),
            (x + half, corner),
        ],
        lips,
    )
    d.polygon(
        [
            (x - half, corner),
            (x - half * 0.4, y + lip * 1.2),
            (x + half * 0.4, y + lip * 1.2),
            (x + half, corner),
        ],
        _shade(lips, 1.08),
    )
    d.line(
        [(x - half, corner), (x, y + 0.01 * u), (x + half, corner)],
        _shade(lips, 0.5),
        max(2, round(0.03 * u)),
        joint="curve",
    )
