"""Recency: which side's record is the newer one, as far as its updatedAt says. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from tattoo_data.sync.conflict import Side

#: ISO 8601: a day, or a moment of it down to nanoseconds. Without an offset it is UTC.
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?:(:\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_SHOWN = 40
_decode_text = msgspec.json.Decoder(str).decode

#: A second of UTC and the nine digits of its fraction: nothing is rounded.
Moment = tuple[datetime, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Which side wins, None where nobody says so, and why."""

    side: Side | None
    reason: str


def later(table: bytes | None, index: bytes | None, horizon: datetime | None = None) -> Ruling:
    """The side whose updatedAt is the larger one, each given as canonical JSON. One that is missing or no date loses,
    and so does one after `horizon`: a clock that runs years ahead would win for years. A tie goes to the table."""
    mine, theirs = _read(table, horizon), _read(index, horizon)
    if isinstance(mine, str) and isinstance(theirs, str):
        why = f"neither updatedAt counts (the table's {mine}, the index's {theirs}): a tie goes to the table"
        return Ruling(side=Side.TABLE, reason=why)
    if isinstance(mine, str):
        return Ruling(side=Side.INDEX, reason=f"the table's updatedAt {mine} and loses")
    if isinstance(theirs, str):
        return Ruling(side=Side.TABLE, reason=f"the index's updatedAt {theirs} and loses")
    if mine == theirs:
        return Ruling(side=Side.TABLE, reason="both have the same updatedAt: a tie goes to the table")
    side = Side.TABLE if mine > theirs else Side.INDEX
    first, second = (table, index) if side is Side.TABLE else (index, table)
    return Ruling(side=side, reason=f"the {side}'s updatedAt is the later ({_shown(first)} against {_shown(second)})")


def _read(value: bytes | None, horizon: datetime | None) -> Moment | str:
    """The moment that a value names, or what is wrong with it."""
    if value is None:
        return "is missing"
    moment = _moment(_decode_text(value)) if value.startswith(b'"') else None
    if moment is None:
        return f"({_shown(value)}) is no date"
    if horizon is not None and moment[0] > horizon:
        return f"({_shown(value)}) is in the future"
    return moment


def _moment(text: str) -> Moment | None:
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    day, minute, second, fraction, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{minute or '00:00'}{second or ':00'}{offset or '+00:00'}")
        return moment.astimezone(UTC), (fraction or "").ljust(9, "0")
    except (ValueError, OverflowError):
        return None


def _shown(value: bytes | None) -> str:
    text = (value or b"").decode().strip('"')
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
