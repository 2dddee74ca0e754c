"""Words: how numbers and times look on the page."""

from __future__ import annotations

from datetime import UTC, datetime

from tattoo_data.clock import timestamp
from tattoo_data.web.html import Html, fill

#: Longer texts are cut on the page; `/api/...` has them whole.
_LONGEST = 400


def count(number: int | None, plural: str = "") -> str:
    """A count, with its noun where one is given: `1 artist`, `2,000 artists`; a dash where it is not known."""
    if number is None:
        return f"no {plural} counted" if plural else "–"
    noun = plural.removesuffix("s") if number == 1 else plural
    return f"{number:,} {noun}".rstrip()


def seconds(value: float | None) -> str:
    """A response time: `0.8 ms`, `12 ms`, `1.25 s`."""
    if value is None:
        return "–"
    if value >= 1:
        return f"{value:,.2f} s"
    return f"{value * 1_000:.1f} ms" if value < 0.1 else f"{value * 1_000:.0f} ms"


def span(value: float) -> str:
    """A length of time in its two largest units: `4 s`, `3 min 20 s`, `2 h 5 min`, `1 d 3 h`."""
    whole = max(0, round(value))
    for size, unit, smaller, part in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s" if value >= 1 or not value else f"{value * 1_000:.0f} ms"


def moment(at: datetime) -> Html:
    """A time in UTC, in a form that the page's script adds to how long ago it was."""
    at = at.astimezone(UTC)
    text = f"{at.day} {at:%b %H:%M:%S}"
    return fill('<time datetime="{full}" title="{full}">{text}</time>', full=timestamp(at), text=text)


def clipped(text: str) -> str:
    """A text as far as the page shows it."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
