"""Rules: what is held against data, and what one of them finds. Values only; the rules themselves are in `rules/`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from tattoo_data.model.keys import split_item_key

#: A value is shown up to so many characters of its JSON.
_SHOWN = 400


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: `message` says what is wrong in general, `reason` why that matters, `of` what it is held against."""

    id: str
    severity: Severity
    message: str
    reason: str
    of: tuple[str, ...] = ()


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a record is: its store and key, and in a file the line and JSON pointer."""

    store: str
    key: str
    file: str = ""
    line: int = 0
    pointer: str = ""

    @property
    def words(self) -> str:
        """How a message names the place of another record."""
        if not self.file:
            return spoken(self.key)
        return f"{self.file}:{self.line}" if self.line else f"{self.file}{self.pointer}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule says of one field (a dotted path; empty for the whole record), before it is known where."""

    rule: Rule
    field: str = ""
    value: object = None
    detail: str = ""


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One finding. `value` is the offending value as JSON text. `file`, `line` and `pointer` are those of a file."""

    severity: str
    rule: str
    store: str
    key: str
    field: str
    message: str
    value: str = "null"
    file: str = ""
    line: int = 0
    pointer: str = ""

    def document(self) -> dict[str, object]:
        """The JSON form: the seven fields of the contract, and of a file's record where it is."""
        document: dict[str, object] = {
            "severity": self.severity,
            "rule": self.rule,
            "store": self.store,
            "key": self.key,
            "field": self.field,
            "message": self.message,
            "value": msgspec.Raw(self.value.encode()),
        }
        if self.file:
            document |= {"file": self.file, "line": self.line or None, "pointer": self.pointer or None}
        return document

    @property
    def subject(self) -> str:
        """What it is about, for a reader: the key as it is spoken, else where in the file."""
        return spoken(self.key) or self.pointer

    @property
    def order(self) -> tuple[str, str, int, str, str, str]:
        """What findings of one rule are sorted by."""
        return self.store, self.file, self.line, self.key, self.field, self.message


def spoken(key: str) -> str:
    """A key as it is spoken: an item's as PK and SK."""
    return " ".join(split_item_key(key)) if key.startswith("{") else key


#: Takes a finding in.
Report = Callable[[Finding], None]


def finding(problem: Problem, place: Place) -> Finding:
    """A problem of the record at a place."""
    rule = problem.rule
    detail = f": {problem.detail}" if problem.detail else ""
    return Finding(
        severity=rule.severity.value,
        rule=rule.id,
        store=place.store,
        key=place.key,
        field=problem.field,
        message=rule.message + detail,
        value=shown(problem.value),
        file=place.file,
        line=place.line,
        pointer=_pointer(place.pointer, problem.field),
    )


def findings(problems: Iterable[Problem], place: Place) -> list[Finding]:
    """All problems of the record at a place."""
    return [finding(problem, place) for problem in problems]


def shown(value: object) -> str:
    """A value as JSON text with all its digits; a long one is cut and becomes a string."""
    text = _encode(_plain(value)).decode()
    return text if len(text) <= _SHOWN else _encode(text[:_SHOWN] + "…").decode()


def _plain(value: Any) -> object:
    if isinstance(value, Decimal):
        return msgspec.Raw(str(value).encode())
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items()}
    if value is None or isinstance(value, int | float | bool | msgspec.Raw):
        return value
    return str(value)  # a text of another type, such as that of a binary value, becomes a plain one


def _pointer(pointer: str, field: str) -> str:
    return f"{pointer}/{field.replace('.', '/')}" if pointer and field else pointer


_encode = msgspec.json.Encoder().encode
