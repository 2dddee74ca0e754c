"""Differences: where two versions of one entry differ, attribute by attribute, down to the nested value. Pure.

Values are compared as the canonical bytes compare them: numbers as numbers, sets as sets, lists place by place. A value
of the table stays typed (`{"N": "1"}`), a value of a document is plain JSON whose fractions are `msgspec.Raw`, so that
no digit is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import msgspec

from tattoo_data.model.canonical import canonical_document, canonical_item, canonical_json
from tattoo_data.model.entry import StoreName

_SETS = ("SS", "NS", "BS")
#: Names that need no quotes in a path.
_PLAIN_NAME = re.compile(r"[^\s.\[\]\"]+")
_decode = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode())).decode
_decode_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class _Absent(Enum):
    ABSENT = "absent"

    def __repr__(self) -> str:
        return self.name


#: Where there is no value at all: a document may hold null.
ABSENT: Final = _Absent.ABSENT
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One value that differs: `path` leads to it by names and positions, and one of both values may be `ABSENT`.

    Where both are sets of one type, `added` and `removed` are the members that only the one or the other has.
    """

    path: Path
    before: object = ABSENT
    after: object = ABSENT
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def change(self) -> str:
        """What became of the value: `added`, `removed` or `changed`."""
        if self.before is ABSENT:
            return "added"
        return "removed" if self.after is ABSENT else "changed"

    @property
    def is_of_sets(self) -> bool:
        """Whether it tells which members came and went."""
        return bool(self.added or self.removed)


def fields_of(store: StoreName, before: bytes, after: bytes) -> list[FieldChange]:
    """Where two bodies of one entry of a store differ, in the order of names; empty if and only if their canonical
    bytes are equal. Raises ValueError where a body is not of the store's form."""
    canonical, walk = (canonical_item, _typed) if store is StoreName.TABLE else (canonical_document, _plain)
    old, new = (_decode_names(canonical(body)) for body in (before, after))
    found: list[FieldChange] = []
    for name in sorted(old.keys() | new.keys()):
        there, here = old.get(name, ABSENT), new.get(name, ABSENT)
        if there != here:  # as bytes, so that only what differs is parsed
            found += _one((name,), _parsed(there), _parsed(here), walk)
    return found


def spell_path(path: Path) -> str:
    """A path as text: `pricing.hourlyRate`, `portfolioImages[3].url`, and `contactInfo["e.mail"]` for a name that
    would be read as two."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_NAME.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{canonical_json(part).decode()}]"
    return text


Walk = Callable[[Path, Any, Any], Iterator[FieldChange]]


def _parsed(value: msgspec.Raw | _Absent) -> Any:
    return value if value is ABSENT else _decode(value)


def _typed(path: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FieldChange]:
    """Two typed values of DynamoDB in canonical form."""
    ((tag, old),), ((other, new),) = before.items(), after.items()
    if tag != other:
        yield FieldChange(path=path, before=before, after=after)
    elif tag == "M":
        yield from _names(path, old, new, _typed)
    elif tag == "L":
        yield from _members(path, old, new, _typed)
    elif tag in _SETS:
        yield from _sets(path, tag, old, new)
    elif old != new:
        yield FieldChange(path=path, before=before, after=after)


def _plain(path: Path, before: Any, after: Any) -> Iterator[FieldChange]:
    """Two values of a document in canonical form."""
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _names(path, before, after, _plain)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _members(path, before, after, _plain)
    elif canonical_json(before) != canonical_json(after):  # Python calls True and 1 equal
        yield FieldChange(path=path, before=before, after=after)


def _names(path: Path, before: Mapping[str, Any], after: Mapping[str, Any], walk: Walk) -> Iterator[FieldChange]:
    for name in sorted(before.keys() | after.keys()):
        yield from _one((*path, name), before.get(name, ABSENT), after.get(name, ABSENT), walk)


def _members(path: Path, before: Sequence[Any], after: Sequence[Any], walk: Walk) -> Iterator[FieldChange]:
    for number in range(max(len(before), len(after))):
        old = before[number] if number < len(before) else ABSENT
        new = after[number] if number < len(after) else ABSENT
        yield from _one((*path, number), old, new, walk)


def _one(path: Path, before: Any, after: Any, walk: Walk) -> Iterator[FieldChange]:
    if before is ABSENT or after is ABSENT:
        yield FieldChange(path=path, before=before, after=after)
    else:
        yield from walk(path, before, after)


def _sets(path: Path, tag: str, before: Sequence[str], after: Sequence[str]) -> Iterator[FieldChange]:
    there, here = frozenset(before), frozenset(after)
    if there != here:
        yield FieldChange(
            path=path,
            before={tag: before},
            after={tag: after},
            added=tuple(member for member in after if member not in there),
            removed=tuple(member for member in before if member not in here),
        )
