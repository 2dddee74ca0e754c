"""Intervals and durations as they are typed: `30s`, `500ms`, `1m`, `1h`, and a bare number of seconds. Pure."""

from __future__ import annotations

import re
from decimal import Decimal

from tattoo_data.errors import UsageError

_FORM = re.compile(r"(\d{1,12}(?:\.\d{1,9})?|\.\d{1,9})\s*(ms|s|m|h|d|)", re.ASCII | re.IGNORECASE)
_SECONDS = {
    unit: Decimal(seconds)
    for unit, seconds in (("ms", "0.001"), ("s", "1"), ("m", "60"), ("h", "3600"), ("d", "86400"), ("", "1"))
}
#: Above this a bare number is more likely milliseconds than seconds.
_BARE_MOST = 3_600
_HINT = "A time is 500ms, 30s, 1m, 1h or 1d; a bare number is seconds."
_LEAST, _MOST = Decimal("0.001"), 366 * 86_400


def parse_duration(text: str, name: str) -> float:
    """A time in seconds, from one millisecond to a year. Raises `UsageError`, which names `name` as what it was for."""
    form = _FORM.fullmatch(text.strip().removeprefix("-"))
    if form is None:
        raise _wrong(name, text, "it is no time")
    number, unit = Decimal(form[1]), form[2].lower()
    seconds = number * _SECONDS[unit]
    if not seconds or text.strip().startswith("-"):
        raise _wrong(name, text, "it has to be more than nothing")
    if not unit and number > _BARE_MOST:
        reason = f"a bare number is seconds, and {number} s are over an hour; were milliseconds meant?"
        raise _wrong(name, text, reason, f"For milliseconds: {number}ms    For seconds: {number}s")
    if not _LEAST <= seconds <= _MOST:
        raise _wrong(name, text, "it has to be from 1ms to 366d")
    return float(seconds)


def _wrong(name: str, text: str, reason: str, hint: str = _HINT) -> UsageError:
    return UsageError(what=f"{name} is {text!r}: {reason}", hint=hint)


def span(seconds: float) -> str:
    """A length of time in its two largest units: `4 s`, `3 m 20 s`, `2 h 5 m`, `1 d 3 h`."""
    whole = max(0, round(seconds))
    for size, unit, smaller, part in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"
