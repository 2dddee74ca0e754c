"""Entities: a kind of record as the rules see it, its fields and what holds between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tattoo_data.model.records import Kind
from tattoo_data.validation.rule import Problem
from tattoo_data.validation.rules.shared import Fields
from tattoo_data.validation.shapes import Object

Check = Callable[[Fields], Iterator[Problem]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a record says that others are held against: its id, and for an artist the handle, the studio and the
    styles, for a studio the artists that it lists."""

    kind: Kind
    id: str
    handle: str = ""
    studio: str = ""
    styles: Sequence[str] = ()
    artists: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One kind of record. `checks` look at several fields together and say nothing of values of a wrong type.

    `is_fine` says of a record that decoded as the fields' types whether the checks would find nothing; `plain` takes
    the inner value of what was decoded, which differs between JSON and DynamoDB's.
    """

    kind: Kind
    fields: Object
    checks: Sequence[Check]
    is_fine: Callable[[Any, Callable[[Any], Any]], bool]
    facts: Callable[[Any, Callable[[Any], Any]], Facts]

    def problems(self, fields: Fields) -> Iterator[Problem]:
        """Everything that is wrong with a record by itself."""
        yield from self.fields.problems(fields, "")
        for check in self.checks:
            yield from check(fields)


def texts(value: object) -> list[str]:
    """The texts of an array, whatever else is in it."""
    return [member for member in value if isinstance(member, str)] if isinstance(value, list) else []


def text(value: object) -> str:
    """A text, or nothing."""
    return value if isinstance(value, str) else ""


def are_distinct(specialties: Sequence[str] | None) -> bool:
    """Whether `specialty_problems` finds nothing in an array of texts."""
    if not specialties:
        return True
    said = {each.strip().lower() for each in specialties}
    return len(said) == len(specialties) and "" not in said
