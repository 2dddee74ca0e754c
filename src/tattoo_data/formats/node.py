"""The Node tool's exports, read from their folder (formats.md 2).

Its JSON had lost some things already: what was binary is told by its form and comes back, what may have been a set is
counted, what a double has changed is named, and nothing is guessed. Bodies of entries are canonical bytes.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec

from tattoo_data.formats.arrays import Element, elements
from tattoo_data.formats.reading import Folder, damaged, meant_by
from tattoo_data.formats.source import Found
from tattoo_data.formats.usable import Unusable, document_entry, item_entry, same_names
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.exact import DIGITS_OF_DOUBLE
from tattoo_data.model.project import is_field, typed

MANIFEST = "manifest.json"
ITEM_FILES = ("artists.json", "studios.json", "styles.json")
DOCUMENTS = "opensearch_documents.json"
_VERSION = "1.0.0"
_SERVICES = {"dynamodb": StoreName.TABLE, "opensearch": StoreName.INDEX}
#: What its sync put into documents beside their fields.
_SYNC_FIELDS = ("syncHash", "lastSynced")
_NAMED = 20
#: Below this, an integer has too few digits to show that it was a double.
_FEW_DIGITS = 10 ** (DIGITS_OF_DOUBLE - 1)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("a number is out of range") from None


#: Numbers keep all their digits, on the way in and on the way out.
_decode = msgspec.json.Decoder(float_hook=_decimal).decode
_json = msgspec.json.Encoder(decimal_format="number").encode
_BUFFER = {"type", "data"}


class _Stats(msgspec.Struct, frozen=True):
    exported: int | None = None


class _Manifest(msgspec.Struct, frozen=True):
    version: object
    services: list[str]
    timestamp: str = ""
    stats: _Stats = _Stats()


_decode_manifest = msgspec.json.Decoder(_Manifest).decode


class NodeExport:
    """One folder that the Node tool exported."""

    kind = "Node export"
    routed = False

    def __init__(self, path: str, root: Path) -> None:
        self.path = path
        self.fingerprints: Mapping[StoreName, str] = {}
        self.structures: Mapping[StoreName, Mapping[str, Any]] = {}
        self.lacking: Sequence[str] = ()
        self._files = Folder(root)
        self._manifest = self._read_manifest()
        self.stores: Sequence[StoreName] = [
            store for name, store in _SERVICES.items() if name in self._manifest.services
        ]
        self._lost = _Lost()
        self._require()

    @property
    def notes(self) -> Sequence[str]:
        """See `Source.notes`."""
        return self._lost.notes()

    def read(self) -> Iterator[Found]:
        """Every item and document; see `Source.read`."""
        self._lost = _Lost()
        count = 0
        for found in self._found():
            count += 1
            yield found
        stated = self._manifest.stats.exported
        if stated is not None and stated != count:
            raise damaged(MANIFEST, f"it says {stated} items and documents, and the files hold {count}")

    def blob(self, key: str) -> Blob:
        """There is no image in an export of the Node tool."""
        raise KeyError(key)

    def close(self) -> None:
        """Nothing is held open."""

    def _found(self) -> Iterator[Found]:
        for name in self._names():
            store, entry = (StoreName.INDEX, self._document) if name == DOCUMENTS else (StoreName.TABLE, self._item)
            for number, element in enumerate(elements(self._files.open(name)), start=1):
                yield _found(store, name, number, element, entry)

    def _item(self, value: object) -> Entry:
        if not isinstance(value, dict):
            raise Unusable("the item is no object")
        entry = item_entry({name: _typed(member) for name, member in value.items()})
        self._lost.see(entry.key, value, lists=True)
        return entry

    def _document(self, value: object) -> Entry:
        if not isinstance(value, dict):
            raise Unusable("the document is no object")
        source = value.get("_source")
        if not isinstance(source, dict):
            raise Unusable("its _source is no object")
        kept = {name: member for name, member in source.items() if is_field(name) and name not in _SYNC_FIELDS}
        entry = document_entry(value.get("_id"), _json(kept))
        self._lost.see(entry.key, kept, lists=False)
        return entry

    def _names(self) -> list[str]:
        table = ITEM_FILES if StoreName.TABLE in self.stores else ()
        index = (DOCUMENTS,) if StoreName.INDEX in self.stores else ()
        return [*table, *index]

    def _require(self) -> None:
        """Every file is there, before the first is read."""
        for name in self._names():
            if not self._files.has(name):
                raise damaged(name, "it is missing")

    def _read_manifest(self) -> _Manifest:
        body, _ = self._files.content(MANIFEST)
        try:
            manifest = _decode_manifest(body)
        except ValueError as error:
            raise damaged(MANIFEST, f"it is no manifest of the Node tool ({error})") from error
        if manifest.version != _VERSION:
            raise damaged(MANIFEST, f"it is of version {manifest.version!r}, and this tool reads {_VERSION}")
        unknown = sorted(set(manifest.services) - set(_SERVICES))
        if unknown or not manifest.services:
            raise damaged(MANIFEST, f"it names the services {manifest.services}, and there are {list(_SERVICES)}")
        return manifest


class _Lost:
    """What the Node tool had lost of the records that it is shown."""

    def __init__(self) -> None:
        self._lists = 0
        self._numbers = 0
        self._named: list[str] = []

    def see(self, key: str, record: Mapping[str, object], *, lists: bool) -> None:
        """Look at every value of a record: an item's lists may have been sets, a document's were lists anyway."""
        for name, value in record.items():
            self._see(key, name, value, lists)

    def notes(self) -> list[str]:
        """What to tell a reader."""
        notes = []
        if self._lists:
            notes.append(
                f"Lists that may have been sets: {self._lists}. The Node tool wrote both alike, and nothing tells them "
                "apart; they stay lists."
            )
        if self._numbers:
            more = f", and {self._numbers - len(self._named)} more" if self._numbers > len(self._named) else ""
            notes.append(
                f"Numbers that went through doubles, so that what they had beyond 17 digits is lost: {self._numbers}. "
                f"They are: {'; '.join(self._named)}{more}."
            )
        return notes

    def _see(self, key: str, field: str, value: object, lists: bool) -> None:
        if isinstance(value, str):
            return
        if isinstance(value, dict):
            if _binary(value) is None:
                for name, member in value.items():
                    self._see(key, f"{field}.{name}", member, lists)
        elif isinstance(value, list):
            self._lists += lists and _may_be_a_set(value)
            for place, member in enumerate(value):
                self._see(key, f"{field}[{place}]", member, lists)
        elif isinstance(value, int | Decimal) and _shows_double(value):
            self._numbers += 1
            if len(self._named) < _NAMED:
                self._named.append(f"{key} {field} = {value}")


def _typed(value: object) -> dict[str, Any]:
    """A plain value as a typed DynamoDB value, binary again where its form says so. Raises ValueError."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, dict):
        if (binary := _binary(value)) is not None:
            return {"B": binary}
        return {"M": {name: _typed(member) for name, member in value.items()}}
    if isinstance(value, list):
        return {"L": [_typed(member) for member in value]}
    return typed(value)


def _shows_double(value: int | Decimal) -> bool:
    """Whether a number's text shows that it was a double: JavaScript writes no more than 17 digits, and an exponent
    below 1e-6 and from 1e21 on."""
    if type(value) is int and -_FEW_DIGITS < value < _FEW_DIGITS:
        return False
    number = Decimal(value)
    digits = str(value).lower().partition("e")[0].lstrip("-").replace(".", "").strip("0")
    if len(digits) >= DIGITS_OF_DOUBLE:
        return True
    exponent = number.as_tuple().exponent
    return isinstance(value, Decimal) and bool(number) and (int(exponent) > 0 or number.adjusted() < -6)


def _binary(value: Mapping[str, Any]) -> str | None:
    """The base64 of what JavaScript's Buffer becomes in JSON; None for every other map."""
    if value.keys() != _BUFFER or value["type"] != "Buffer" or not isinstance(value["data"], list):
        return None
    data = value["data"]
    if not all(type(byte) is int and 0 <= byte <= 255 for byte in data):
        return None
    return b64encode(bytes(data)).decode()


def _may_be_a_set(members: Sequence[object]) -> bool:
    """Whether a list could have been a set: of strings, numbers or binary, none of them twice."""
    kinds = set(map(_member_kind, members))
    return len(kinds) == 1 and None not in kinds and len(set(map(str, members))) == len(members)


def _member_kind(member: object) -> str | None:
    if isinstance(member, str):
        return "SS"
    if isinstance(member, dict) and _binary(member) is not None:
        return "BS"
    return "NS" if isinstance(member, int | Decimal) and not isinstance(member, bool) else None


def _found(store: StoreName, name: str, number: int, element: Element, entry: Callable[[object], Entry]) -> Found:
    try:
        return Found(store, name, number, entry(_value(name, element)))
    except RecursionError:
        return Found(store, name, number, None, "it is nested too deep", element.text)
    except ValueError as problem:
        return Found(store, name, number, None, str(problem), element.text)


def _value(name: str, element: Element) -> object:
    try:
        value = _decode(element.text)
    except (ValueError, RecursionError) as error:
        raise meant_by(error, name, element.line, element.text) from error
    if not same_names(element.text, _json(value)):
        raise Unusable("an object in it has the same name twice")
    return value
