"""Writes an index as elasticdump 6 does: `<index>.json` and its four companions (formats.md 4).

Always plain, never `.gz`: elasticdump reads a compressed file only when it is told to, and text tools not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tattoo_data.formats.manifest import INDEX_FOLDER, ExportedFile
from tattoo_data.formats.output_file import OutputFile, one_line, write_whole
from tattoo_data.model.entry import Entry

_encode = msgspec.json.Encoder().encode


class IndexDump:
    """The documents of one index while they are written."""

    def __init__(self, root: Path, index: str) -> None:
        self.bytes = 0
        self.file = OutputFile(root, f"{INDEX_FOLDER}/{index}.json")
        self._start = b'{"_index":%s,"_id":' % _encode(index)

    def add(self, documents: Sequence[Entry]) -> None:
        """Append documents, each `_source` as it came from the wire."""
        self.bytes += sum(len(each.body) for each in documents)
        self.file.write(b"".join([piece for each in documents for piece in self._line(each)]))

    def _line(self, document: Entry) -> Sequence[bytes]:
        routing = b"" if document.routing is None else b'"_routing":%s,' % _encode(document.routing)
        key = _encode(document.key)
        return self._start, key, b',"_score":1,', routing, b'"_source":', one_line(document.body), b"}\n"


def write_structure(root: Path, index: str, structure: Mapping[str, Any]) -> list[ExportedFile]:
    """Write what an index is made of, from its description's `structure`. A mapping is an object; the others are JSON
    strings that hold JSON, or elasticdump loads nothing from them and says that all is well."""
    return [
        write_whole(root, f"{INDEX_FOLDER}/{index}.{kind}.json", content + b"\n")
        for kind, content in _structure(index, structure)
    ]


def _structure(index: str, structure: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    settings = _encode({index: {"settings": structure.get("settings", {})}})
    yield "mapping", _encode({index: {"mappings": structure.get("mappings", {})}})
    yield "settings", _encode(settings.decode())
    # The same: whoever loads it takes the analysis out of it.
    yield "analyzer", _encode(settings.decode())
    yield "alias", _encode(_encode(_aliases(index, structure)).decode())


def _aliases(index: str, structure: Mapping[str, Any]) -> dict[str, Any]:
    """The aliases but for the index's own name, by which a built index is reached: none can be its own."""
    aliases = {name: about for name, about in structure.get("aliases", {}).items() if name != index}
    return {index: {"aliases": aliases}} if aliases else {}
