"""Form: the one form in which table and index are compared, an artist's fields as a document has them. Pure.

A document's `location` follows from latitude and longitude, and keys are the table's own: neither is a field to decide.
What the Node tool's sync put beside the fields is none either. A partial update makes OpenSearch write every number of
a document anew as a double: one that is just another number as a double is taken for that number.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

import msgspec

from tattoo_data.formats.usable import MAX_DOCUMENT_ID
from tattoo_data.model.canonical import canonical_document, canonical_json
from tattoo_data.model.entry import Entry
from tattoo_data.model.exact import DIGITS_OF_DOUBLE
from tattoo_data.model.project import document_of, is_projected

#: Field -> the canonical bytes of its value.
Form = Mapping[str, bytes]

#: What the Node tool's sync put into documents beside their fields.
_SYNC_FIELDS = frozenset({"syncHash", "lastSynced"})
_decode_canonical = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode())).decode
_decode_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def projected(item: Entry) -> Entry:
    """The document that an artist's item gives, in canonical bytes. Raises ValueError for any other item, and where no
    index would take the document's id: it refuses all that is sent with such a one."""
    try:
        document = document_of(item)
    except RecursionError:
        raise ValueError(f"{item.key} is nested too deep to be read") from None
    if document is None:
        raise ValueError(f"{item.key} is no artist's item")
    if len(document.key.encode()) > MAX_DOCUMENT_ID:
        raise ValueError(f"its id has over {MAX_DOCUMENT_ID} bytes, and no document can have it")
    return document


def as_canonical(document: Entry) -> bytes:
    """The canonical bytes of a document. Raises ValueError where it is no JSON object."""
    try:
        body = canonical_document(document.body)
    except RecursionError:
        raise ValueError(f"the document {document.key} is nested too deep to be read") from None
    if not body.startswith(b"{"):
        raise ValueError(f"the document {document.key} is no object")
    return body


def fields_in(body: bytes) -> Form:
    """The fields of a document in canonical bytes."""
    every = _decode_names(body).items()
    return {name: bytes(value) for name, value in every if is_projected(name) and name not in _SYNC_FIELDS}


def with_digits(form: Form, of: Form) -> Form:
    """The fields, where a number in them is one of `of` made a double, with that one: at its place, and in an array,
    which may be a set, anywhere."""
    return {
        name: value if of.get(name, value) == value else _value_with_digits(value, of[name])
        for name, value in form.items()
    }


def body_of(form: Form) -> bytes:
    """A document of just these fields, in canonical bytes."""
    return canonical_json({name: msgspec.Raw(value) for name, value in form.items()})


def _value_with_digits(value: bytes, of: bytes) -> bytes:
    return canonical_json(_with_digits(_decode_canonical(value), _decode_canonical(of)))


def _with_digits(value: object, of: object) -> object:
    match value, of:
        case dict(), dict():
            return {name: _with_digits(each, of.get(name)) for name, each in value.items()}
        case list(), list():
            in_place = [_with_digits(each, was) for each, was in zip_longest(value, of[: len(value)])]
            # Of two numbers with the same double the one with fewer digits counts: it may be that one, unchanged.
            numbers = sorted((text for each in of if (text := _number(each))), key=_digits, reverse=True)
            doubles = {float(text): msgspec.Raw(text.encode()) for text in numbers}
            return [
                each if (text := _number(each)) is None else _with_digits(each, doubles.get(float(text)))
                for each in in_place
            ]
    number, exact = _number(value), _number(of)
    return of if number and exact and _is_double_of(number, exact) else value


def _is_double_of(number: str, exact: str) -> bool:
    """Whether a number is what is left of a longer one that was made a double."""
    return _digits(number) <= DIGITS_OF_DOUBLE < _digits(exact) and float(number) == float(exact)


def _number(value: object) -> str | None:
    """The text of a number in canonical bytes; None for all else."""
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _digits(number: str) -> int:
    """How many digits of a canonical number are significant."""
    return len(number.partition("E")[0].lstrip("-").replace(".", "").strip("0"))
