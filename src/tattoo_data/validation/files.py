"""Files: records of JSON and JSONL files, of folders of them and of exports, each held against the rules. Read-only.

Every finding names file, line and JSON pointer. What one file has wrong keeps neither its other records nor other files
from being checked.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from tattoo_data.catalog.days import resolve_value
from tattoo_data.errors import IntegrityFailed, TattooDataError
from tattoo_data.files import printable
from tattoo_data.formats.elasticdump import found_document
from tattoo_data.formats.reading import GZIP, meant_by
from tattoo_data.formats.source import Found
from tattoo_data.model.canonical import canonical_document
from tattoo_data.model.entry import StoreName
from tattoo_data.model.project import document_of
from tattoo_data.model.records import Kind
from tattoo_data.validation.catalogue import catalogue_has
from tattoo_data.validation.cross import Cross
from tattoo_data.validation.images import Images
from tattoo_data.validation.records import (
    UNDECODED,
    Checked,
    check_document,
    check_fields,
    check_item,
    check_plain,
    decode_plain,
)
from tattoo_data.validation.rule import Place, Problem, Report, finding, findings
from tattoo_data.validation.rules.files import BAD_JSON, BAD_TEXT, DAMAGED, NO_FILE, NO_RECORD, NO_RECORDS
from tattoo_data.validation.rules.stores import UNREADABLE
from tattoo_data.validation.split import Piece, split

FILES = "files"
#: What a path is that stands for standard input.
STDIN = Path("-")
_KINDS = {kind.plural: kind for kind in Kind}
_SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
_TOKENS = re.compile(rb'"@(?:as-of|images/)')
_BYTE = re.compile(r"\(byte (\d+)\)")
_TAR_MAGIC = slice(257, 262)


_ABSENT = msgspec.Raw()


class _Sniff(msgspec.Struct):
    """What tells which record an object is."""

    artistId: msgspec.Raw = _ABSENT
    studioId: msgspec.Raw = _ABSENT
    styleId: msgspec.Raw = _ABSENT
    source: msgspec.Raw = msgspec.field(name="_source", default=_ABSENT)
    item: msgspec.Raw = msgspec.field(name="Item", default=_ABSENT)


_sniff = msgspec.json.Decoder(_Sniff).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the tokens of test data are resolved with, as `seed` resolves them."""

    as_of: date
    image_base: str


@dataclass(slots=True, kw_only=True)
class FileCheck:
    """One look at all files of a command: records of all of them together are one set of data."""

    report: Report
    tokens: Tokens
    images: Images | None = None
    stdin: io.BufferedReader | None = None
    checked: int = 0
    notes: list[str] = field(default_factory=list)
    _records: Cross = field(default_factory=lambda: Cross(catalogue_has, catalogue_has))
    _items: Cross = field(default_factory=lambda: Cross(catalogue=catalogue_has))
    _documents: Cross = field(init=False)

    def __post_init__(self) -> None:
        self._documents = Cross(self._has_style, studios=False)

    def path(self, path: Path) -> None:
        """Check everything at a path."""
        before = self.checked
        try:
            if path != STDIN and not path.exists():
                self._tell(Problem(NO_FILE, "", None, "there is nothing of this name"), _place(path))
                return
            for each in _sources(path):
                if each.is_dir():
                    self._export(each)
                else:
                    self._file(each)
        except OSError as error:
            self._tell(Problem(NO_FILE, "", None, error.strerror or str(error)), _place(path))
        if self.checked == before:
            self._tell(Problem(NO_RECORDS), _place(path))

    def fields(self, kind: Kind, fields: Mapping[str, object], place: Place) -> None:
        """Check one record of plain values."""
        self.checked += 1
        self._take(self._records, check_fields(kind, fields), place)

    def finish(self) -> None:
        """Report what does not fit together."""
        for cross in (self._records, self._items, self._documents):
            cross.finish(self.report)

    # Where records come from.

    def _export(self, path: Path) -> None:
        from tattoo_data.formats.detect import open_source  # what only an export needs

        try:
            source = open_source(path)
            try:
                shown = printable(path)
                for found in source.read():
                    self._found(found, f"{shown}/{found.file}" if path.is_dir() else f"{shown}:{found.file}")
                self.notes += (f"{shown}: {note}" for note in source.notes)
            finally:
                source.close()
        except TattooDataError as error:
            self._tell(Problem(DAMAGED, "", None, error.message), _place(path))

    def _file(self, path: Path) -> None:
        try:
            with self._opened(path) as raw:
                zipped = raw.peek(2)[:2] == GZIP
                file = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if zipped else raw
                if zipped and path != STDIN and _is_tar(file):
                    self._export(path)
                    return
                for piece in split(file, path.name):
                    self._piece(piece, path)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._tell(Problem(NO_FILE, "", None, reason), _place(path))

    def _opened(self, path: Path) -> AbstractContextManager[io.BufferedReader]:
        if path == STDIN and self.stdin is not None:
            return nullcontext(self.stdin)
        return path.open("rb")

    # One of them.

    def _piece(self, piece: Piece, path: Path) -> None:
        place = _place(path, piece)
        if piece.problem is not None:
            self._tell(piece.problem, place)
            return
        try:
            head = _sniff(piece.body)
        except msgspec.ValidationError:
            self._tell(Problem(NO_RECORD, "", piece.body[:200].decode("utf-8", "replace")), place)
            return
        except UNDECODED as error:
            self._tell(_undecoded(error, piece), place)
            return
        if head.source is not _ABSENT or head.item is not _ABSENT:
            self._of_a_store(piece, path, is_item=head.item is not _ABSENT)
            return
        kind = _kind(head, piece, path)
        if kind is None:
            self._tell(Problem(NO_RECORD, "", piece.body[:200].decode("utf-8", "replace")), place)
            return
        self.checked += 1
        try:
            checked = self._plain(kind, piece.body)
        except UNDECODED as error:
            self._tell(_undecoded(error, piece), place)
            return
        named = _place(path, piece, checked.facts.id if checked.facts else "")
        self._take(self._records, checked, named)
        self._meet_images(piece.body, named)

    def _plain(self, kind: Kind, body: bytes) -> Checked:
        if not _TOKENS.search(body):
            return check_plain(kind, body)
        try:
            fields = resolve_value(decode_plain(body), self.tokens.as_of, self.tokens.image_base)
        except ValueError as error:
            return Checked(None, [Problem(UNREADABLE, "", None, str(error))])
        assert isinstance(fields, dict)
        return check_fields(kind, fields)

    def _of_a_store(self, piece: Piece, path: Path, *, is_item: bool) -> None:
        """A line of elasticdump, or of an export of a table."""
        place = _place(path, piece)
        try:
            found = _found_item(piece) if is_item else found_document("", piece.line, piece.body)
        except IntegrityFailed as error:
            self._tell(Problem(BAD_JSON, "", None, error.message), place)
            return
        self._found(found, printable(path), piece)

    def _found(self, found: Found, file: str, piece: Piece | None = None) -> None:
        """An entry that another room has read."""
        if found.store is StoreName.IMAGES:
            return
        line, pointer = (piece.line, piece.pointer) if piece else _position(found)
        self.checked += 1
        if found.entry is None:
            self._tell(Problem(UNREADABLE, "", None, found.problem), Place(FILES, "", file, line, pointer))
            return
        place = Place(FILES, found.entry.key, file, line, pointer)
        if found.store is StoreName.TABLE:
            # A file by itself may be a part of a table; an export is all of it.
            self._take(self._records if piece else self._items, check_item(found.entry), place)
            document = document_of(found.entry)
            self._meet_images(document.body if document else b"null", place)
        else:
            self._take(self._documents, check_document(found.entry), place)

    def _take(self, cross: Cross, checked: Checked, place: Place) -> None:
        for each in findings(checked.problems, place):
            self.report(each)
        if checked.facts is not None and checked.facts.id:
            cross.add([(checked.facts, place)])

    def _meet_images(self, body: bytes, place: Place) -> None:
        if self.images is None:
            return
        if _TOKENS.search(body):
            body = body.replace(b'"@images/', b'"' + msgspec.json.encode(self.tokens.image_base)[1:-1])
        for each in findings(self.images.problems(canonical_document(body)), place):
            self.report(each)

    def _tell(self, problem: Problem, place: Place) -> None:
        self.report(finding(problem, place))

    def _has_style(self, kind: Kind, style: str) -> bool:
        return catalogue_has(kind, style) or style in self._items.styles or style in self._records.styles


def _place(path: Path, piece: Piece | None = None, key: str = "") -> Place:
    """Where a file's record is, or the file."""
    line, pointer = (piece.line, piece.pointer) if piece else (0, "")
    return Place(FILES, key, printable(path), line, pointer)


def _sources(path: Path) -> Iterator[Path]:
    """Exports, which are folders, and files that may hold records: of a folder of test data its three, of any other
    all JSON in and under it."""
    layout = [path / f"{name}.json" for name in _KINDS]
    if not path.is_dir() or _is_export(path):
        yield path
    elif any(file.is_file() for file in layout):
        yield from (file for file in layout if file.is_file())
    else:
        for each in sorted(path.iterdir()):
            hidden = each.name.startswith(".") or each.is_symlink()
            if not hidden and (each.is_dir() or each.name.lower().endswith(_SUFFIXES)):
                yield from _sources(each)


def _is_export(folder: Path) -> bool:
    """Whether a folder is of some export, damaged or not, and no test data."""
    names = {path.name for path in folder.iterdir()}
    marks = {"manifest.json", "AWSDynamoDB", "manifest-summary.json", "_started"}
    return bool(marks & names) or any(
        name.startswith("export-") or name.endswith((".mapping.json", ".mapping.json.gz")) for name in names
    )


def _is_tar(file: BinaryIO) -> bool:
    """Whether what a gzip holds is an archive; it is left at its beginning."""
    magic = file.read(_TAR_MAGIC.stop)[_TAR_MAGIC]
    file.seek(0)
    return magic == b"ustar"


def _kind(head: _Sniff, piece: Piece, path: Path) -> Kind | None:
    named = _KINDS.get(piece.under) or _KINDS.get(path.name.partition(".")[0])
    if named is not None:
        return named
    ids = {Kind.ARTIST: head.artistId, Kind.STUDIO: head.studioId, Kind.STYLE: head.styleId}
    return next((kind for kind, value in ids.items() if value is not _ABSENT), None)


def _found_item(piece: Piece) -> Found:
    from tattoo_data.formats.usable import item_entry

    try:
        entry = item_entry(msgspec.json.decode(piece.body)["Item"])
    except (*UNDECODED, TypeError) as error:
        return Found(StoreName.TABLE, "", piece.line, None, str(error))
    return Found(StoreName.TABLE, "", piece.line, entry)


def _position(found: Found) -> tuple[int, str]:
    """Line and pointer of what another room has read: the Node tool's files are arrays, all others lines."""
    is_array = found.file.endswith(("artists.json", "studios.json", "styles.json", "opensearch_documents.json"))
    return (0, f"/{found.number - 1}") if is_array else (found.number, "")


def _undecoded(error: BaseException, piece: Piece) -> Problem:
    """Why a record is no JSON, and at which byte of its file."""
    if isinstance(error, UnicodeDecodeError):
        byte = piece.offset + _bad_byte(piece.body)
        return Problem(BAD_TEXT, "", None, f"at byte {byte}; Latin-1 perhaps")
    if isinstance(error, RecursionError):
        return Problem(BAD_JSON, "", None, "it is nested too deep")
    if not isinstance(meaning := meant_by(cast(Exception, error), "", 0, piece.body), IntegrityFailed):
        return Problem(BAD_JSON, "", None, str(meaning))
    reason = str(error).removeprefix("JSON is malformed: ")
    found = _BYTE.search(reason)
    byte = piece.offset + (int(found[1]) if found else len(piece.body))
    return Problem(BAD_JSON, "", None, f"{_BYTE.sub('', reason).strip()} at byte {byte}")


def _bad_byte(body: bytes) -> int:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0
