"""The lines of a `_bulk`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

_VERBS = ("index", "create", "delete")


class _Target(msgspec.Struct, forbid_unknown_fields=True):
    id: str = msgspec.field(name="_id")
    index: str = msgspec.field(name="_index", default="")
    routing: str | None = None
    if_seq_no: int | None = None
    if_primary_term: int | None = None


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    index: _Target | None = None
    create: _Target | None = None
    delete: _Target | None = None


_decode = msgspec.json.Decoder(_Line).decode


@dataclass(slots=True)
class Action:
    """One write. `version` is the one that it is to find."""

    verb: str
    id: str
    index: str
    routing: str | None
    version: int | None
    body: bytes


def actions_of(body: bytes) -> Iterator[Action]:
    """The writes of a bulk's body, in their order."""
    lines = iter(body.split(b"\n"))
    for line in lines:
        if not line:
            continue
        decoded = _decode(line)
        verb, target = next((verb, found) for verb in _VERBS if (found := getattr(decoded, verb)) is not None)
        document = b"" if verb == "delete" else next(lines)
        yield Action(verb, target.id, target.index, target.routing, target.if_seq_no, document)
