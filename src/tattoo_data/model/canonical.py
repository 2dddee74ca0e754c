"""Canonical bytes: equal if and only if DynamoDB would call the items equal (formats.md 6).

JSON in UTF-8, keys sorted by code point, no spaces. A number is a plain decimal without exponent, trailing zeros
or a negative zero; a set is sorted by the canonical bytes of its members. A document's numbers likewise.

Canonicalising is on the path of every entry of every scan, so what is canonical already takes a way without a
loop in Python: the decoder and the sorting encoder of msgspec do all the work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec

#: DynamoDB's numbers have 38 digits and exponents to 125; a document may hold anything that JSON can spell.
_PLAIN_EXPONENT = 400
_CONTEXT = Context(prec=1000, Emax=MAX_EMAX, Emin=MIN_EMIN)

_encode = msgspec.json.Encoder(order="sorted").encode
_decode_item = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode


class _Plain(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A typed value without sets and binary, whose form is canonical once its keys are sorted and its numbers are."""

    S: str | msgspec.UnsetType = msgspec.UNSET
    N: str | msgspec.UnsetType = msgspec.UNSET
    M: dict[str, _Plain] | msgspec.UnsetType = msgspec.UNSET
    L: list[_Plain] | msgspec.UnsetType = msgspec.UNSET
    BOOL: bool | msgspec.UnsetType = msgspec.UNSET
    NULL: bool | msgspec.UnsetType = msgspec.UNSET


_decode_plain = msgspec.json.Decoder(dict[str, _Plain]).decode
#: A number that is not canonical, in JSON without spaces; within a string its quotes would be escaped.
_OTHER_NUMBER = re.compile(rb'"N":"(?!(?!-0")-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?")')


@lru_cache(maxsize=65_536)
def canonical_number(text: str) -> str:
    """`text` as a plain decimal: `4.50`, `45e-1` and `4.5` are all `4.5`.

    An exponent beyond ±400, which only a document can hold, stays one: `1E+999`. Raises ValueError where `text`
    is no finite number.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    if not number:
        return "0"
    if abs(number.adjusted()) > _PLAIN_EXPONENT:
        return str(number.normalize(_CONTEXT))
    plain = format(number, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


@lru_cache(maxsize=65_536)
def _raw_number(text: str) -> msgspec.Raw:
    """A document's number; one whose exponent is beyond all reckoning is compared as it is spelled."""
    try:
        return msgspec.Raw(canonical_number(text).encode())
    except ValueError:
        return msgspec.Raw(text.encode())


_decode_document = msgspec.json.Decoder(float_hook=_raw_number).decode


def canonical_json(value: object) -> bytes:
    """The canonical bytes of plain JSON values: strings, ints, bools, None, lists and maps."""
    return _encode(value)


def canonical_item(body: bytes) -> bytes:
    """The canonical bytes of an item in DynamoDB JSON. Raises ValueError where `body` is no such item."""
    try:
        plain = _encode(_decode_plain(body))
    except msgspec.ValidationError:
        pass
    else:
        if _OTHER_NUMBER.search(plain) is None:
            return plain
    return _encode({name: canonical_value(value) for name, value in _decode_item(body).items()})


def canonical_document(body: bytes) -> bytes:
    """The canonical bytes of a document, its numbers compared as decimals. Raises ValueError on bad JSON."""
    return _encode(_decode_document(body))


def canonical_object(md5: str, size: int) -> bytes:
    """The canonical bytes of an object, which a listing gives without reading its body."""
    return b'{"md5":"%s","size":%d}' % (md5.encode(), size)


def canonical_value(value: Mapping[str, Any]) -> dict[str, Any]:
    """One typed DynamoDB value (`{"N": "1.0"}`) in canonical form. Raises ValueError where it is none."""
    if len(value) != 1:
        raise ValueError(f"a DynamoDB value has one type, not {sorted(value)}")
    ((tag, inner),) = value.items()
    match tag:
        case "N":
            return {"N": canonical_number(inner)}
        case "B":
            return {"B": padded(inner)}
        case "L":
            return {"L": [canonical_value(member) for member in inner]}
        case "M":
            return {"M": {name: canonical_value(member) for name, member in inner.items()}}
        case "SS" | "NS" | "BS":
            return {tag: sorted(map(_MEMBER[tag], inner), key=_encode)}
        case "S" | "BOOL" | "NULL":
            return {tag: inner}
    raise ValueError(f"{tag!r} is not a type of DynamoDB")


def padded(base64: str) -> str:
    """Base64 text with its padding."""
    return base64 + "=" * (-len(base64) % 4)


_MEMBER: Mapping[str, Callable[[str], str]] = {"SS": str, "NS": canonical_number, "BS": padded}
