"""Queries: JMESPath over a record, with days, and the one function that the language lacks here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import jmespath
from jmespath import exceptions, functions

from tattoo_data.catalog.days import resolve_days
from tattoo_data.errors import BadSetting
from tattoo_data.model.records import Record


class _Functions(functions.Functions):  # type: ignore[misc]
    @functions.signature({"types": ["string", "null"]})  # type: ignore[untyped-decorator]
    def _func_lower(self, text: str | None) -> str:
        return (text or "").lower()

    @functions.signature({"types": ["array", "object", "string", "null"]})  # type: ignore[untyped-decorator]
    def _func_length(self, value: Any) -> int:
        # A field that a record does not have has length 0; the language itself makes it an error.
        return len(value) if value is not None else 0


_OPTIONS = jmespath.Options(custom_functions=_Functions())


class Query:
    """A compiled expression. Raises `BadSetting` for one that cannot be compiled, naming its source."""

    def __init__(self, expression: str, as_of: date, source: str) -> None:
        self._text = expression
        self._source = source
        try:
            resolved = resolve_days(expression, as_of)
        except ValueError as error:
            raise self._refused(str(error)) from None
        try:
            self._compiled = jmespath.compile(resolved)
        except (exceptions.JMESPathError, ValueError) as error:
            raise self._bad(error) from None

    def holds(self, record: Record) -> bool:
        """Whether the expression is true of the record, as JMESPath has it: neither false, null nor empty."""
        result = self._search(record)
        return not (result is None or result is False or result in ("", [], {}))

    def value(self, record: Record) -> Any:
        """What the expression gives for the record."""
        return self._search(record)

    def select(self, records: Iterable[Record]) -> list[Record]:
        """The records of which it is true."""
        return [record for record in records if self.holds(record)]

    def _search(self, record: Record) -> Any:
        fields: Mapping[str, object] = record.fields
        try:
            return self._compiled.search(fields, options=_OPTIONS)
        except exceptions.JMESPathError as error:
            raise self._bad(error) from None

    def _bad(self, error: Exception) -> BadSetting:
        return self._refused(f"it is no JMESPath: {str(error).splitlines()[0]}")

    def _refused(self, reason: str) -> BadSetting:
        return BadSetting(name="where", value=self._text, source=self._source, reason=reason)
