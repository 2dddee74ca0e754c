"""Days: dates that a promise needs are kept relative to a day, *as-of*, and resolved when they are used.

`@as-of-45dT10:30:00.000Z` is 45 days before as-of, and what follows the `d` as it stands; `@as-of+10d` is ten days
after, and `@as-of` the day itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

_TOKEN = re.compile(r"@as-of(?:([+-]\d{1,6})d)?")


def resolve_days(text: str, as_of: date) -> str:
    """`text` with every token in it as a date. Raises ValueError for a day that no calendar has."""
    if "@as-of" not in text:
        return text

    def day(match: re.Match[str]) -> str:
        try:
            return (as_of + timedelta(days=int(match[1] or 0))).isoformat()
        except OverflowError:
            raise ValueError(f"{match[0]} is no day that a calendar has") from None

    return _TOKEN.sub(day, text)


def resolve_value(value: object, as_of: date, image_base: str) -> object:
    """A plain JSON value with its days resolved, and `@images/` at the start of a string as `image_base`."""
    match value:
        case str():
            if value.startswith("@images/"):
                return image_base + value.removeprefix("@images/")
            return resolve_days(value, as_of) if value.startswith("@as-of") else value
        case list():
            return [resolve_value(member, as_of, image_base) for member in value]
        case Mapping():
            return {name: resolve_value(member, as_of, image_base) for name, member in value.items()}
    return value
