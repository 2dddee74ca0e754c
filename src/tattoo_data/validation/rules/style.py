"""Rules for styles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tattoo_data.model.records import Kind
from tattoo_data.validation.rule import Rule
from tattoo_data.validation.rules.entity import Entity, Facts
from tattoo_data.validation.rules.shared import ERROR
from tattoo_data.validation.shapes import Array, Choice, Date, Number, Object, Text, optional, required

STYLE_ID = Rule(
    id="style-id-form",
    severity=ERROR,
    message="a style's id has only a-z, 0-9 and underscores",
    reason="It is in keys and in the application's addresses, which are made of lower case.",
    of=("style",),
)
DIFFICULTY = Rule(
    id="difficulty-level",
    severity=ERROR,
    message="there is no such level of difficulty",
    reason="Styles are grouped by it (STYLE_CATEGORY#...): a style of another level is in no group.",
    of=("style",),
)
POPULARITY = Rule(
    id="popularity-range",
    severity=ERROR,
    message="popularity is from 0 to 100",
    reason="It is a share in percent, and styles are sorted by it.",
    of=("style",),
)

LEVELS = ("beginner", "intermediate", "advanced", "expert")
_TEXTS = Array(of=Text())


FIELDS = Object(
    fields=[
        *required(
            styleId=Text(filled=True, pattern="[a-z0-9_]+", rule=STYLE_ID),
            styleName=Text(filled=True),
            description=Text(filled=True),
        ),
        *optional(
            characteristics=_TEXTS,
            popularMotifs=_TEXTS,
            colorPalette=_TEXTS,
            difficulty=Choice(options=LEVELS, rule=DIFFICULTY),
            popularity=Number(low=0, high=100, rule=POPULARITY),
            timeOrigin=Text(),
            aliases=_TEXTS,
            createdAt=Date(),
            updatedAt=Date(),
        ),
    ]
)


def _is_fine(style: Any, inner: Callable[[Any], Any]) -> bool:
    return True


def _facts(style: Any, inner: Callable[[Any], Any]) -> Facts:
    return Facts(kind=Kind.STYLE, id=inner(style.styleId))


STYLE = Entity(kind=Kind.STYLE, fields=FIELDS, checks=(), is_fine=_is_fine, facts=_facts)
