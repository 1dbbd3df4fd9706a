"""What happens to a card on its way to the upload: turns, slant, noise, glare, compression."""

import random
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from huitong.demo.id_cards import encode_jpeg

_TABLE: Final = (96, 92, 88)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """How a picture is taken; the defaults are a scanner's.

    `quarter_turns` counts 90 degrees anticlockwise, `slant_degrees` leans the card, `perspective`
    is how much narrower the far edge is (0.1 = a tenth), `noise` the standard deviation of grey
    levels of 255, `glare` the greatest brightening of a lamp's spot in grey levels, `margin` the
    table around the card as a share of its width.
    """

    quarter_turns: int = 0
    slant_degrees: float = 0.0
    perspective: float = 0.0
    scale: float = 1.0
    blur: float = 0.0
    noise: float = 0.0
    glare: int = 0
    brightness: float = 1.0
    margin: float = 0.04
    jpeg_quality: int = 90
    seed: int = 0


def photograph(card: Image.Image, shot: Shot) -> bytes:
    """Return a JPEG of `card` as `shot` takes it; the same shot gives the same picture."""
    border = round(card.width * shot.margin)
    picture = Image.new("RGB", (card.width + 2 * border, card.height + 2 * border), _TABLE)
    picture.paste(card, (border, border))
    if shot.perspective:
        picture = _lean_back(picture, shot.perspective)
    if shot.slant_degrees:
        picture = picture.rotate(
            shot.slant_degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=_TABLE
        )
    if shot.quarter_turns:
        picture = picture.rotate(90 * shot.quarter_turns, expand=True)
    if shot.scale != 1.0:
        size = (round(picture.width * shot.scale), round(picture.height * shot.scale))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    if shot.glare:
        picture = _shine(picture, shot)
    if shot.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(shot.blur))
    return encode_jpeg(_expose(picture, shot), quality=shot.jpeg_quality)


def _lean_back(picture: Image.Image, amount: float) -> Image.Image:
    width, height = picture.size
    inset = width * amount / 2
    # Where the four corners of the result come from: the far edge is stretched in the source.
    far = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    near = np.array([(inset, 0), (width - inset, 0), (width, height), (0, height)], float)
    rows = []
    for (x, y), (u, v) in zip(near, far, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    coefficients = np.linalg.solve(np.array(rows), far.reshape(8))
    return picture.transform(
        picture.size,
        Image.Transform.PERSPECTIVE,
        tuple(float(value) for value in coefficients),
        Image.Resampling.BICUBIC,
        fillcolor=_TABLE,
    )


def _shine(picture: Image.Image, shot: Shot) -> Image.Image:
    draw = random.Random(shot.seed)  # noqa: S311 - a lamp needs no secrecy
    width, height = picture.size
    x, y = draw.uniform(0.2, 0.6) * width, draw.uniform(0.3, 0.7) * height
    radius = 0.22 * min(width, height)
    spot = Image.new("L", picture.size, 0)
    ImageDraw.Draw(spot).ellipse((x - radius, y - radius, x + radius, y + radius), fill=shot.glare)
    light = np.asarray(spot.filter(ImageFilter.GaussianBlur(radius / 2)), np.int16)
    pixels = np.asarray(picture, np.int16) + light[:, :, None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _expose(picture: Image.Image, shot: Shot) -> Image.Image:
    if not shot.noise and shot.brightness == 1.0:
        return picture
    pixels = np.asarray(picture, np.float32) * shot.brightness
    grain = np.random.default_rng(shot.seed).normal(0.0, shot.noise, pixels.shape)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))
