"""Shapes: what values a field may have.

Each shape says the same thing twice: `problems` names what is wrong, slowly, and `plain` and `typed` are types that
msgspec decodes in C, from JSON and from DynamoDB's JSON. Whatever decodes has no problem; what does not is looked at
slowly, and may have none either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta

from tattoo_data.validation.rule import Problem, Rule
from tattoo_data.validation.rules.shared import DATE, RANGE, REQUIRED, TYPE, UNKNOWN, is_date, number_of

Type = Any
#: Dates that need no calendar to be sure of: all but the 29th of February.
_SURE_DATE = (
    r"\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"(?:T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?Z)?"
)


class Binary(str):
    """Base64 of a binary value, which is no text."""

    __slots__ = ()


class Shape(Protocol):
    """What values a field may have."""

    @property
    def plain(self) -> Type:
        """What msgspec decodes from JSON."""

    @property
    def typed(self) -> Type:
        """What msgspec decodes from a value in DynamoDB's JSON; null is taken for a value that is not there."""

    def problems(self, value: object, field: str) -> Iterator[Problem]:
        """What is wrong with a value that is there and is not null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text: with `filled`, one that is not blank; with `pattern`, one that matches as a whole, else `rule`."""

    filled: bool = False
    pattern: str | None = None
    rule: Rule = TYPE

    @property
    def plain(self) -> Type:
        if self.pattern is not None:
            return Annotated[str, Meta(pattern=rf"(?a)\A(?:{self.pattern})\Z")]
        return Annotated[str, Meta(pattern=r"\S")] if self.filled else str

    @property
    def typed(self) -> Type:
        return _wrapper("S", self.plain)

    def problems(self, value: object, field: str) -> Iterator[Problem]:
        if not isinstance(value, str) or isinstance(value, Binary):
            yield _other_type(value, field, "text")
        elif self.filled and not value.strip():
            yield Problem(REQUIRED, field, value)
        elif self.pattern is not None and not re.fullmatch(self.pattern, value, re.ASCII):
            yield Problem(self.rule, field, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A text whose form the entity checks: one that matches `sure` as a whole is right."""

    sure: str
    filled: bool = False

    @property
    def plain(self) -> Type:
        return Text(pattern=self.sure).plain

    @property
    def typed(self) -> Type:
        return _wrapper("S", self.plain)

    def problems(self, value: object, field: str) -> Iterator[Problem]:
        return Text(filled=self.filled).problems(value, field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """An exact number from `low` to `high`; with `whole`, one without a fraction."""

    low: float
    high: float
    whole: bool = False
    rule: Rule = RANGE

    @property
    def plain(self) -> Type:
        if self.whole:
            return Annotated[int, Meta(ge=int(self.low), le=int(self.high))]
        return Annotated[float, Meta(ge=self.low, le=self.high)]

    @property
    def typed(self) -> Type:
        return _wrapper("N", self.plain)

    def problems(self, value: object, field: str) -> Iterator[Problem]:
        number = number_of(value)
        if number is None:
            yield _other_type(value, field, "a number")
        elif self.whole and isinstance(value, Decimal) and value != value.to_integral_value():
            yield _other_type(value, field, "a whole number")
        elif not self.low <= number <= self.high:
            detail = f"it is from {self.low:g} to {self.high:g}" if self.rule is RANGE else ""
            yield Problem(self.rule, field, value, detail)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    @property
    def plain(self) -> Type:
        return bool

    @property
    def typed(self) -> Type:
        return _wrapper("BOOL", bool)

    def problems(self, value: object, field: str) -> Iterator[Problem]:
        if not isinstance(value, bool):
            yield _other_type(value, field, "true or false")


@dataclass(frozen=True, slots=True)
class Date:
    """A day, or a moment of one."""

    @property
    def plain(self) -> Type:
        return Text(pattern=_SURE_DATE).plain

    @property
    def typed(self) -> Type:
        return _wrapper("S", self.plain)

    def problems(self, value: object, field: str) -> Iterator[Problem]:
        if not isinstance(value, str) or isinstance(value, Binary):
            yield _other_type(value, field, "text")
        elif not is_date(value):
            yield Problem(DATE, field, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of a few texts, else `rule`."""

    options: Sequence[str]
    rule: Rule

    @property
    def plain(self) -> Type:
        return Literal[tuple(self.options)]

    @property
    def typed(self) -> Type:
        return _wrapper("S", self.plain)

    def problems(self, value: object, field: str) -> Iterator[Problem]:
        if not isinstance(value, str) or isinstance(value, Binary):
            yield _other_type(value, field, "text")
        elif value not in self.options:
            yield Problem(self.rule, field, value, f"there is {', '.join(self.options)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """An array of one shape; with `filled`, at least one of it. A set of DynamoDB's is one too."""

    of: Shape
    filled: bool = False

    @property
    def plain(self) -> Type:
        return self._list(self.of.plain)

    @property
    def typed(self) -> Type:
        return _wrapper("L", self._list(self.of.typed))

    def _list(self, member: Type) -> Type:
        return Annotated[list[member], Meta(min_length=1)] if self.filled else list[member]

    def problems(self, value: object, field: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield _other_type(value, field, "an array")
            return
        if self.filled and not value:
            yield Problem(REQUIRED, field, value)
        for place, member in enumerate(value):
            where = f"{field}.{place}"
            yield from self.of.problems(member, where) if member is not None else [_other_type(None, where, "a value")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an object."""

    name: str
    shape: Shape
    required: bool = False


def required(**shapes: Shape) -> list[Field]:
    """Fields that have to be there."""
    return [Field(name=name, shape=shape, required=True) for name, shape in shapes.items()]


def optional(**shapes: Shape) -> list[Field]:
    """Fields that may be missing or null."""
    return [Field(name=name, shape=shape) for name, shape in shapes.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """An object of known fields; others are named, and do no harm."""

    fields: Sequence[Field]

    @property
    def plain(self) -> Type:
        return self.struct(typed=False)

    @property
    def typed(self) -> Type:
        return _wrapper("M", self.struct(typed=True))

    def struct(self, *, typed: bool, more: Sequence[tuple[str, Type]] = ()) -> Type:
        """A struct of the fields, and `more` of them that may be missing; it takes no others."""
        there = [(each.name, _type(each, typed=typed)) for each in self.fields if each.required]
        may_be = [(each.name, _type(each, typed=typed) | None, None) for each in self.fields if not each.required]
        also = [(name, kind | None, None) for name, kind in more]
        return msgspec.defstruct("Record", [*there, *may_be, *also], forbid_unknown_fields=True, gc=False)

    def problems(self, value: object, field: str) -> Iterator[Problem]:
        if not isinstance(value, Mapping):
            yield _other_type(value, field, "an object")
            return
        known = {each.name: each for each in self.fields}
        for each in self.fields:
            where = f"{field}.{each.name}" if field else each.name
            member = value.get(each.name)
            if member is not None:
                yield from each.shape.problems(member, where)
            elif each.required:
                yield Problem(REQUIRED, where, None)
        for name in value:
            if name not in known:
                yield Problem(UNKNOWN, f"{field}.{name}" if field else str(name), value[name])


@dataclass(frozen=True, slots=True)
class Anything:
    """An object whose fields are nobody's business here."""

    @property
    def plain(self) -> Type:
        return dict[str, msgspec.Raw]

    @property
    def typed(self) -> Type:
        return _wrapper("M", dict[str, msgspec.Raw])

    def problems(self, value: object, field: str) -> Iterator[Problem]:
        if not isinstance(value, Mapping):
            yield _other_type(value, field, "an object")


def type_name(value: object) -> str:
    """What a value is, in words."""
    if isinstance(value, Binary):
        return "binary"
    for kind, name in _NAMES:
        if isinstance(value, kind):
            return name
    return "null" if value is None else type(value).__name__


_NAMES = (
    (bool, "true or false"),
    (str, "text"),
    (int | Decimal | float, "a number"),
    (list | tuple, "an array"),
    (Mapping, "an object"),
)


def _other_type(value: object, field: str, wanted: str) -> Problem:
    return Problem(TYPE, field, value, f"it is {type_name(value)}, not {wanted}")


def _type(field: Field, *, typed: bool) -> Type:
    if not typed:
        return field.shape.plain
    return field.shape.typed if field.required else _nullable(field.shape.typed)


def _wrapper(tag: str, inner: Type) -> Type:
    """A value of one of DynamoDB's types, as a struct with its `inner` value."""
    return msgspec.defstruct(
        f"Typed{tag}", [("inner", inner)], rename={"inner": tag}, forbid_unknown_fields=True, gc=False
    )


def _nullable(wrapper: Type) -> Type:
    """The same, or DynamoDB's null, whose inner value is None."""
    (value,) = msgspec.structs.fields(wrapper)
    names = {"inner": value.encode_name, "null": "NULL"}
    fields = [("inner", value.type, None), ("null", bool, False)]
    return msgspec.defstruct(f"{wrapper.__name__}OrNull", fields, rename=names, forbid_unknown_fields=True, gc=False)
