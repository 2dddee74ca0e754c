"""elasticdump: files of documents, a line each, and the files beside them that hold no data (formats.md 4).

What a file holds is seen from its first line. Bodies of entries are canonical bytes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import islice
from typing import Any

import msgspec

from tattoo_data.formats.index_structure import COMPANIONS, index_structures
from tattoo_data.formats.reading import Folder, meant_by
from tattoo_data.formats.source import Found
from tattoo_data.formats.usable import Unusable, document_entry, same_names
from tattoo_data.model.entry import Blob, Entry, StoreName

#: A part of a dump that `--maxRows` split: what stands before its number, the number, and what stands after it.
_SPLIT = re.compile(r"(.+[.-]split-)(\d{1,6})((?:\.[^/]*)?)")
_ENDING = re.compile(r"\.json(?:\.gz)?$")
#: How many lines are looked at where the first shows nothing.
_LOOKED_AT = 10
_NAMED, _MAX_INDEXES = 5, 1_000
#: How a file begins that holds how an index is made, cut or not.
_STRUCTURE = re.compile(rb'"?\s*\{\s*\\?"[^"]+":\s*\{\s*\\?"(?:mappings|settings|aliases)\\?":')


class _Hit(msgspec.Struct, rename={"key": "_id", "source": "_source", "routing": "_routing", "index": "_index"}):
    key: object = None
    source: msgspec.Raw = msgspec.Raw(b"null")
    routing: object = None
    index: object = None


_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_hit = msgspec.json.Decoder(_Hit).decode
_decode = msgspec.json.Decoder().decode


class Holds(Enum):
    """What a file holds, as its first line shows."""

    DOCUMENTS = "documents"
    STRUCTURE = "a mapping, settings, an analyzer, an alias or a template"
    EMPTY_OBJECT = "an empty object"
    NOTHING = "nothing"
    OTHER = "something else"


class Elasticdump:
    """The documents of one or more files of one index, and from the files `beside` them how it was made; `lacking` are
    those that are missing. Raises `IntegrityFailed` where one of those beside is cut or damaged."""

    kind = "elasticdump"
    routed = True

    def __init__(
        self, path: str, files: Folder, names: Sequence[str], beside: Sequence[str] = (), lacking: Sequence[str] = ()
    ) -> None:
        self.path = path
        self.stores: Sequence[StoreName] = (StoreName.INDEX,)
        self.fingerprints: Mapping[StoreName, str] = {}
        self.lacking = lacking
        self._files = files
        self._names = names
        self._found = False
        self._indexes: dict[str, str] = {}
        self._structures = index_structures(files, beside)

    @property
    def structures(self) -> Mapping[StoreName, Mapping[str, Any]]:
        """See `Source.structures`; complete once `read` has ended. That of the index which the documents name."""
        made = [self._structures[index] for index in self._indexes if index in self._structures]
        if not self._indexes and len(self._structures) == 1:
            made = list(self._structures.values())
        return {StoreName.INDEX: made[0]} if len(made) == 1 else {}

    @property
    def notes(self) -> Sequence[str]:
        """See `Source.notes`."""
        notes = [] if self._found else [f"There is no document in {', '.join(self._names) or 'it'}."]
        notes += [
            f"Of a split dump {name} is not among what is read: what it holds is not taken." for name in self.lacking
        ]
        if len(self._indexes) > 1:
            told = [f"{index} (in {name})" for index, name in sorted(self._indexes.items())]
            notes.append(f"Documents of several indexes are taken together: {_listed(told)}.")
        elif len(dumps := sorted({_dump_of(name): name for name in reversed(self._names)}.values())) > 1:
            notes.append(f"Files of several dumps are taken together: {_listed(dumps)}.")
        if self._structures and not self.structures:
            others = _listed(sorted(self._structures))
            notes.append(f"The mapping of {others} is not taken: the documents are not all of one such index.")
        return notes

    def read(self) -> Iterator[Found]:
        """Every document of every file; see `Source.read`."""
        self._found, self._indexes = False, {}
        for name in self._names:
            for number, line in self._files.open(name).lines():
                self._found = True
                yield self._document(name, number, line)

    def _document(self, name: str, number: int, line: bytes) -> Found:
        found, index = _found_document(name, number, line)
        if index and index not in self._indexes and len(self._indexes) < _MAX_INDEXES:
            self._indexes[index] = name
        return found

    def blob(self, key: str) -> Blob:
        """There is no image in a file of elasticdump."""
        raise KeyError(key)

    def close(self) -> None:
        """Nothing is held open."""


def found_document(name: str, number: int, line: bytes) -> Found:
    """One line of a file as a document. Raises `IntegrityFailed` where it is no JSON."""
    return _found_document(name, number, line)[0]


def held_by(files: Folder, name: str) -> tuple[Holds, str]:
    """What a file holds, and for documents the index they came from. A first line that is JSON, and shows nothing, may
    be a bad record: then a document among the next few tells."""
    lines = files.first_lines(name, 1)
    first = lines[0] if lines else b""
    held, index = holds(first)
    if held in (Holds.EMPTY_OBJECT, Holds.OTHER) and _is_json(first):
        for line in files.first_lines(name, _LOOKED_AT)[1:]:
            if _is_json(line) and (shown := holds(line))[0] is Holds.DOCUMENTS:
                return shown
    return held, index


def companions(files: Folder, data: Sequence[str], structure: Sequence[str]) -> list[str]:
    """The files from which the structure of the index in the files `data` is read: those that show it, and those whose
    name says that they should."""
    named = [f"{stem}{ending}" for stem in set(map(_dump_of, data)) for ending in COMPANIONS]
    return sorted({*structure, *filter(files.has, named)} - {*data})


def lacking_parts(data: Sequence[str], empty: Sequence[str]) -> list[str]:
    """The parts of split dumps that are missing before the last one that is there; an `empty` one is there."""
    there: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for name in (*data, *empty):
        if split := _SPLIT.fullmatch(name):
            there[split[1], split[3]].add(int(split[2]))
    return [
        f"{before}{number}{after}"
        for (before, after), numbers in sorted(there.items())
        for number in islice((number for number in range(max(numbers)) if number not in numbers), _NAMED)
    ]


def other_parts(files: Folder, name: str) -> list[str]:
    """The other parts of the split dump of which a file is one: those beside it that hold anything, and the missing
    ones before the last."""
    split = _SPLIT.fullmatch(name)
    if split is None:
        return []
    parts = [(each, found) for each in files.names("") if (found := _SPLIT.fullmatch(each))]
    beside = [each for each, found in parts if each != name and (found[1], found[3]) == (split[1], split[3])]
    held = [each for each in beside if held_by(files, each)[0] is not Holds.NOTHING]
    return sorted({*held, *lacking_parts([name, *beside], ())})


def holds(first: bytes) -> tuple[Holds, str]:
    """What a file holds whose first line is `first`, and for documents the index they came from."""
    if not first.strip():
        return Holds.NOTHING, ""
    try:
        line = _decode(first)
    except (ValueError, RecursionError):
        # A data file whose first line is damaged is still one, so that reading it says where; an array is none.
        if first.startswith(b'{"_index":'):
            return Holds.DOCUMENTS, ""
        if _STRUCTURE.match(first):
            return Holds.STRUCTURE, ""
        is_line = b'"_source"' in first and not first.lstrip().startswith(b"[")
        return (Holds.DOCUMENTS if is_line else Holds.OTHER), ""
    if isinstance(line, str):
        return (Holds.STRUCTURE if line.lstrip().startswith("{") else Holds.OTHER), ""
    if not isinstance(line, dict):
        return Holds.OTHER, ""
    if "_source" in line or "_id" in line:
        return Holds.DOCUMENTS, str(line.get("_index", ""))
    if not line:
        return Holds.EMPTY_OBJECT, ""
    return (Holds.STRUCTURE if _is_structure(line) else Holds.OTHER), ""


def _is_structure(line: Mapping[str, object]) -> bool:
    parts = ("mappings", "settings", "aliases", "index_patterns")
    inner = [value for value in line.values() if isinstance(value, dict)]
    return len(inner) == len(line) and all(any(part in each for part in parts) for each in inner)


def _is_json(line: bytes) -> bool:
    try:
        _decode(line)
    except (ValueError, RecursionError):
        return False
    return True


def _dump_of(name: str) -> str:
    """What the files of one dump have in common, however it was split."""
    split = _SPLIT.fullmatch(name)
    stem = f"{split[1].removesuffix('split-')[:-1]}{split[3]}" if split else name
    return _ENDING.sub("", stem)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _found_document(name: str, number: int, line: bytes) -> tuple[Found, str]:
    """One line as a document, and the index that it names."""
    try:
        entry, index = _entry(name, number, line)
    except ValueError as problem:
        return Found(StoreName.INDEX, name, number, None, str(problem), line.rstrip(b"\r\n")), ""
    return Found(StoreName.INDEX, name, number, entry), index


def _entry(name: str, number: int, line: bytes) -> tuple[Entry, str]:
    try:
        hit = _decode_hit(line)
        members = _decode_members(line)
        if not same_names(line, b"".join(map(bytes, members.values())), more=2 * len(members)):
            raise Unusable("the line has the same name twice")
        entry = document_entry(hit.key, bytes(hit.source), hit.routing)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise meant_by(error, name, number, line) from error
    return entry, hit.index if isinstance(hit.index, str) else ""
