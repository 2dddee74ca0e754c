"""Arbitrary items of all ten DynamoDB types by the thousand: hypothesis takes 20 ms for each, and these a fraction."""

from __future__ import annotations

import base64
from decimal import Decimal
from random import Random

from tests.model.strategies import Typed

_LETTERS = 'ab"\\/\n\t\x01 é𝄞\u2028\u2029\u0085{}[],:'
_SCALARS = ("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS")


def item(draw: Random, number: int) -> Typed:
    """One item; its key holds its number."""
    names = {text(draw) or "x" for _ in range(draw.randrange(8))} - {"PK", "SK"}
    attributes = [(name, value(draw, 3)) for name in sorted(names)]
    attributes += [("PK", {"S": f"ARTIST#{number}{text(draw)}"}), ("SK", {"S": "METADATA"})]
    draw.shuffle(attributes)
    return dict(attributes)


def value(draw: Random, depth: int) -> Typed:
    """One typed value."""
    if depth and draw.random() < 0.3:
        if draw.random() < 0.5:
            return {"L": [value(draw, depth - 1) for _ in range(draw.randrange(4))]}
        return {"M": {text(draw) or "y": value(draw, depth - 1) for _ in range(draw.randrange(4))}}
    tag = draw.choice(_SCALARS)
    match tag:
        case "S":
            return {tag: text(draw)}
        case "N":
            return {tag: number(draw)}
        case "B":
            return {tag: binary(draw)}
        case "BOOL":
            return {tag: draw.random() < 0.5}
        case "NULL":
            return {tag: True}
        case "SS":
            return {tag: sorted({text(draw) for _ in range(3)})}
        case "NS":
            return {tag: list({Decimal(text): text for text in (number(draw) for _ in range(3))}.values())}
    return {tag: sorted({binary(draw) for _ in range(3)})}


def text(draw: Random) -> str:
    """Text with what is escaped, and what only looks so."""
    return "".join(draw.choice(_LETTERS) for _ in range(draw.randrange(6)))


def number(draw: Random) -> str:
    """A number with up to 38 digits, of every magnitude, in every spelling."""
    digits = draw.randrange(10 ** draw.randrange(1, 39))
    exponent = draw.choice((0, 0, -2, draw.randrange(-130, 125 - len(str(digits)) + 2)))
    spelled = f"{draw.choice(('', '-'))}{digits}E{exponent}"
    return draw.choice((spelled, format(Decimal(spelled), "f"), spelled.lower()))


def binary(draw: Random) -> str:
    """The base64 of a few bytes."""
    return base64.b64encode(draw.randbytes(draw.randrange(5))).decode()
