"""Markup: templates whose values are escaped, so that nothing in the data becomes part of a page."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


class Html(str):
    """Text that is markup already. Every other text is escaped where it is filled in."""

    __slots__ = ()


def fill(template: str, /, **values: object) -> Html:
    """A template, which is written in the code and never comes from data, with its `{names}` filled in."""
    return Html(template.format(**{name: _safe(value) for name, value in values.items()}))


def join(parts: Iterable[Html], between: str = "") -> Html:
    """Several pieces of markup as one."""
    return Html(between.join(parts))


def _safe(value: object) -> str:
    return value if isinstance(value, Html) else escape(str(value))
