"""The catalogue's pictures: small flash sheets, drawn from the style's name, no two alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw

PICTURES_PER_STYLE = 3
AVATARS = 6
_SIZES = ((360, 480), (400, 400), (480, 360))
_PAPERS = ("#f4ead6", "#efe6da", "#f7f1e3", "#eee8d5", "#e9e4d8")
_INKS = ("#1b1b1e", "#b3262a", "#1f5f5b", "#c98a1b", "#2b3a67", "#7a2e4d")

Drawing = ImageDraw.ImageDraw
Point = tuple[float, float]
Motif = Callable[[Drawing, Random, int, int, Sequence[str]], None]


def draw_all(folder: Path, styles: Sequence[str], wanted: Collection[str]) -> int:
    """Draw the pictures named in `wanted` into `folder`, and return how many there are."""
    pictures = {
        f"styles/{style.replace('_', '-')}-{picture + 1}.png": partial(_sheet, style, index, picture)
        for index, style in enumerate(styles)
        for picture in range(PICTURES_PER_STYLE)
    }
    pictures |= {f"avatars/avatar-{number}.png": partial(_avatar, number) for number in range(1, AVATARS + 1)}
    for name in wanted:
        _save(folder / name, pictures[name]())
    return len(wanted)


def _save(path: Path, picture: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(16).save(path, optimize=True)


def _sheet(style: str, index: int, picture: int) -> Image.Image:
    random = Random(f"{style} {picture}")
    width, height = _SIZES[(index + picture) % len(_SIZES)]
    image = Image.new("RGB", (width, height), _PAPERS[index % len(_PAPERS)])
    draw = ImageDraw.Draw(image)
    inks = [_INKS[0], *random.sample(_INKS[1:], 2)]
    _MOTIFS[(index + picture * 2) % len(_MOTIFS)](draw, random, width, height, inks)
    draw.rectangle((8, 8, width - 9, height - 9), outline=inks[0], width=2)
    draw.text((18, height - 28), f"{style.replace('_', ' ')} / {picture + 1}", fill=inks[0])
    return image


def _avatar(number: int) -> Image.Image:
    image = Image.new("RGB", (160, 160), _PAPERS[number % len(_PAPERS)])
    draw = ImageDraw.Draw(image)
    _rose(draw, Random(number), 160, 160, [_INKS[0], _INKS[number % len(_INKS)], _INKS[1]])
    return image


def _polar(centre: Point, radius: float, angle: float) -> Point:
    return centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)


def _mandala(draw: Drawing, random: Random, width: int, height: int, inks: Sequence[str]) -> None:
    centre, petals = (width / 2, height / 2), random.choice((8, 10, 12, 16))
    for ring in range(1, 6):
        radius = ring * min(width, height) / 12
        for step in range(petals):
            angle = math.tau * step / petals + ring * math.pi / petals
            x, y = _polar(centre, radius, angle)
            size = 6 + ring * 4
            draw.ellipse((x - size, y - size, x + size, y + size), outline=inks[ring % 3], width=2)
            draw.line((*centre, x, y), fill=inks[0])


def _rose(draw: Drawing, random: Random, width: int, height: int, inks: Sequence[str]) -> None:
    centre, turn = (width / 2, height / 2), random.random() * math.tau
    for layer in range(7, 0, -1):
        radius = layer * min(width, height) / 17
        for petal in range(5 + layer // 2):
            x, y = _polar(centre, radius * 0.7, turn + layer * 0.7 + math.tau * petal / (5 + layer // 2))
            box = (x - radius * 0.6, y - radius * 0.6, x + radius * 0.6, y + radius * 0.6)
            draw.ellipse(box, fill=inks[1 + layer % 2], outline=inks[0], width=2)


def _waves(draw: Drawing, random: Random, width: int, height: int, inks: Sequence[str]) -> None:
    size = random.choice((36, 44, 52))
    for row, y in enumerate(range(size, height + size, size // 2)):
        for x in range(-size + row % 2 * size, width + size, size * 2):
            for ring in range(4):
                radius = size - ring * size // 4
                colour = inks[1] if ring % 2 else "#f7f1e3"
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline=inks[0])


def _facets(draw: Drawing, random: Random, width: int, height: int, inks: Sequence[str]) -> None:
    points = [(random.uniform(30, width - 30), random.uniform(30, height - 50)) for _ in range(26)]
    for x, y in points:
        near = sorted(points, key=lambda other: (other[0] - x) ** 2 + (other[1] - y) ** 2)[1:4]
        draw.polygon([(x, y), near[0], near[1]], outline=inks[0], fill=random.choice((None, None, inks[1], inks[2])))
        for other in near:
            draw.line((x, y, *other), fill=inks[0], width=1)


def _dots(draw: Drawing, random: Random, width: int, height: int, inks: Sequence[str]) -> None:
    centre, radius = (width / 2, height / 2), min(width, height) * 0.4
    for _ in range(2600):
        angle, share = random.random() * math.tau, random.random() ** 0.5
        x, y = _polar(centre, radius * share, angle)
        if random.random() < (1 + math.cos(6 * angle + share * 9)) / 2:
            draw.point((x, y), fill=inks[0])
            draw.point((x + 1, y), fill=inks[0])


def _knot(draw: Drawing, random: Random, width: int, height: int, inks: Sequence[str]) -> None:
    a, b = random.choice(((3, 4), (3, 5), (4, 5), (5, 6)))
    steps = [math.tau * step / 720 for step in range(721)]
    points = [(width / 2 + width * 0.38 * math.sin(a * t), height / 2 + height * 0.36 * math.sin(b * t)) for t in steps]
    for line_width, ink in ((15, inks[0]), (9, inks[1]), (3, inks[0])):
        for start, end in pairwise(points):
            draw.line((*start, *end), fill=ink, width=line_width)


def _hatching(draw: Drawing, random: Random, width: int, height: int, inks: Sequence[str]) -> None:
    peaks = [(x, height * 0.75 - random.uniform(40, height * 0.5)) for x in range(-20, width + 60, 60)]
    for (x1, y1), (x2, y2) in pairwise(peaks):
        draw.line((x1, y1, x2, y2), fill=inks[0], width=3)
        for step in range(0, 60, 5):
            x = x1 + step
            top = y1 + (y2 - y1) * step / 60
            draw.line((x, top, x + 14, min(top + random.uniform(30, 120), height - 40)), fill=inks[0])
    draw.ellipse((width * 0.6, 40, width * 0.6 + 80, 120), fill=inks[1], outline=inks[0], width=3)


_MOTIFS: Sequence[Motif] = (_rose, _mandala, _waves, _facets, _dots, _knot, _hatching)
