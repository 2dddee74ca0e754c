"""elasticdump: files of documents, a line each, and the files beside them that hold no data (formats.md 4).

What a file holds is seen from its first line. Bodies of entries are canonical bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

import msgspec

from tattoo_data.formats.reading import Folder, meant_by
from tattoo_data.formats.source import Found
from tattoo_data.formats.usable import document_entry
from tattoo_data.model.entry import Blob, Entry, StoreName


class _Hit(msgspec.Struct, rename={"key": "_id", "source": "_source", "routing": "_routing", "index": "_index"}):
    key: object = None
    source: msgspec.Raw = msgspec.Raw(b"null")
    routing: object = None
    index: object = None


_decode_hit = msgspec.json.Decoder(_Hit).decode
_decode = msgspec.json.Decoder().decode


class Holds(Enum):
    """What a file holds, as its first line shows."""

    DOCUMENTS = "documents"
    STRUCTURE = "a mapping, settings, an analyzer, an alias or a template"
    NOTHING = "nothing"
    OTHER = "something else"


class Elasticdump:
    """The documents of one or more files of one index."""

    kind = "elasticdump"

    def __init__(self, path: str, files: Folder, names: Sequence[str]) -> None:
        self.path = path
        self.stores: Sequence[StoreName] = (StoreName.INDEX,)
        self.notes: Sequence[str] = ()
        self.fingerprints: Mapping[StoreName, str] = {}
        self._files = files
        self._names = names

    def read(self) -> Iterator[Found]:
        """Every document of every file; see `Source.read`."""
        found = False
        for name in self._names:
            for number, line in self._files.open(name).lines():
                found = True
                yield found_document(name, number, line)
        self.notes = [] if found else [f"There is no document in {', '.join(self._names) or 'it'}."]

    def blob(self, key: str) -> Blob:
        """There is no image in a file of elasticdump."""
        raise KeyError(key)

    def close(self) -> None:
        """Nothing is held open."""


def found_document(name: str, number: int, line: bytes) -> Found:
    """One line of a file as a document. Raises `IntegrityFailed` where it is no JSON."""
    try:
        return Found(StoreName.INDEX, name, number, _entry(name, number, line))
    except ValueError as problem:
        return Found(StoreName.INDEX, name, number, None, str(problem), line.rstrip(b"\r\n"))


def holds(first: bytes) -> tuple[Holds, str]:
    """What a file holds whose first line is `first`, and for documents the index they came from."""
    if not first.strip():
        return Holds.NOTHING, ""
    try:
        line = _decode(first)
    except ValueError:
        # A data file whose first line is damaged is still one, so that reading it says where.
        looks_like = first.startswith(b'{"_index":') or b'"_source"' in first
        return (Holds.DOCUMENTS if looks_like else Holds.OTHER), ""
    if isinstance(line, str):
        return (Holds.STRUCTURE if line.lstrip().startswith("{") else Holds.OTHER), ""
    if not isinstance(line, dict):
        return Holds.OTHER, ""
    if "_source" in line or "_id" in line:
        return Holds.DOCUMENTS, str(line.get("_index", ""))
    return (Holds.STRUCTURE if _is_structure(line) else Holds.OTHER), ""


def _is_structure(line: Mapping[str, object]) -> bool:
    parts = ("mappings", "settings", "aliases", "index_patterns")
    inner = [value for value in line.values() if isinstance(value, dict)]
    return not line or (len(inner) == len(line) and all(any(part in each for part in parts) for each in inner))


def _entry(name: str, number: int, line: bytes) -> Entry:
    try:
        hit = _decode_hit(line)
        return document_entry(hit.key, bytes(hit.source), hit.routing)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise meant_by(error, name, number, line) from error
