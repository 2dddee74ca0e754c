"""Detect: what a folder, a file or a stream holds, told by its content and never by its name."""

from __future__ import annotations

import errno
import gzip
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from tattoo_data.errors import IntegrityFailed, NotFound, ScratchFailed, UsageError
from tattoo_data.formats import archive, arrays, aws_export
from tattoo_data.formats.archive import Limits
from tattoo_data.formats.aws_export import AwsExport
from tattoo_data.formats.elasticdump import Elasticdump, Holds, companions, held_by, lacking_parts, other_parts
from tattoo_data.formats.index_structure import COMPANIONS
from tattoo_data.formats.manifest import IMAGES_FOLDER, INDEX_FOLDER, MANIFEST, TABLE_FOLDER
from tattoo_data.formats.node import DOCUMENTS, ITEM_FILES, NodeExport
from tattoo_data.formats.own import OwnExport
from tattoo_data.formats.reading import GZIP, Folder, parse_manifest
from tattoo_data.formats.source import Found, Source
from tattoo_data.model.entry import Blob, StoreName

_EXPORTS = "export-"
_PREFIX = "tattoo-data-import-"
_TAR_BLOCK = 512
#: How far an unknown gzip is read to see whether it is damaged.
_WORTH_READING = 1 << 30
_DEPTH, _MAX_FOLDERS = 6, 10_000
_LOOKED_FOR = (
    "Looked for: manifest.json of tattoo-data or of the Node tool, AWSDynamoDB/<ExportId>/manifest-summary.json, "
    "lines of elasticdump, and a .tar.gz of one of these."
)
_SEED = "Records without PK and SK are test data: `tattoo-data seed FILE` takes them."
_LINES = "Documents stand one on each line, as elasticdump writes them: `jq -c '.[]' FILE` makes such lines."
_EMPTY = f"{_LOOKED_FOR} An index without documents is known by its mapping: give the folder that holds both files."
_WHOLE = "Give the folder of the whole export, which its manifest makes complete."


def open_source(path: Path, limits: Limits = archive.DEFAULT) -> Source:
    """What is at `path`. Raises `NotFound` where nothing is, `UsageError` for what cannot be imported, naming what
    was looked for, and `IntegrityFailed` for an export that is half written or damaged."""
    try:
        if path.is_dir():
            return _open_folder(path, str(path))
        if path.is_file():
            return _open_file(path, limits)
        if path.exists():
            raise _unknown(str(path), "it is neither a file nor a folder")
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise UsageError(
                what=f"{path} cannot be read: {error.strerror or error}",
                hint="Nothing was changed. Whoever runs the command must be able to read it.",
            ) from error
    raise NotFound(what=f"there is no file and no folder at {path}", hint="`tattoo-data export` makes one.")


def open_stream(stream: BinaryIO, limits: Limits = archive.DEFAULT, name: str = "-") -> Source:
    """What a `.tar.gz` in a stream holds, unpacked until the source is closed. Raises as `open_source`."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    except OSError as error:
        raise ScratchFailed(folder=tempfile.gettempdir(), reason=error.strerror or str(error)) from error
    try:
        archive.unpack(stream, folder, limits, name)
        return _Unpacked(_open_folder(folder, name, archive=folder), folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


class _Unpacked:
    """A source whose files are a temporary folder."""

    def __init__(self, source: Source, folder: Path) -> None:
        self._source = source
        self._folder = folder

    @property
    def kind(self) -> str:
        return self._source.kind

    @property
    def path(self) -> str:
        return self._source.path

    @property
    def stores(self) -> Sequence[StoreName]:
        return self._source.stores

    @property
    def notes(self) -> Sequence[str]:
        return self._source.notes

    @property
    def fingerprints(self) -> Mapping[StoreName, str]:
        return self._source.fingerprints

    @property
    def structures(self) -> Mapping[StoreName, Mapping[str, Any]]:
        return self._source.structures

    @property
    def routed(self) -> bool:
        return self._source.routed

    @property
    def lacking(self) -> Sequence[str]:
        return self._source.lacking

    def read(self) -> Iterator[Found]:
        return self._source.read()

    def blob(self, key: str) -> Blob:
        return self._source.blob(key)

    def close(self) -> None:
        self._source.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _open_folder(folder: Path, shown: str, depth: int = _DEPTH, archive: Path | None = None) -> Source:
    """What a folder holds; `archive` is the temporary one of which it is a part, where it was unpacked."""
    if (folder / MANIFEST).is_file():
        return _open_manifest(folder, shown)
    if aws_export.is_export(folder):
        return AwsExport(shown, Folder(folder))
    _refuse_half_written(folder, shown)
    if exports := list(_exports_below(folder)):
        return _open_folder(_only(exports, shown, archive), shown)
    if found := _elasticdump(folder, shown):
        return found
    children = _folders_in(folder)
    if depth and len(children) == 1:
        return _open_folder(children[0], shown, depth - 1, archive)
    raise _unknown(shown, "nothing in this folder can be imported")


def _open_manifest(folder: Path, shown: str) -> Source:
    kind = _kind_of_manifest(folder)
    if kind is None:
        raise _unknown(shown, f"its {MANIFEST} is neither tattoo-data's nor the Node tool's")
    return kind(shown, folder)


def _kind_of_manifest(folder: Path) -> type[OwnExport] | type[NodeExport] | None:
    manifest = parse_manifest(MANIFEST, Folder(folder).content(MANIFEST)[0])
    if isinstance(manifest, dict) and type(manifest.get("format")) is int:
        return OwnExport
    return NodeExport if isinstance(manifest, dict) and {"version", "services"} <= manifest.keys() else None


def _open_file(path: Path, limits: Limits) -> Source:
    with path.open("rb") as file:
        start = file.read(2)
    if start == GZIP and _is_tar(path):
        with path.open("rb") as file:
            return open_stream(file, limits, str(path))
    files = Folder(path.parent)
    first = files.first_line(path.name)
    held, _ = held_by(files, path.name)
    if held is Holds.DOCUMENTS:
        beside, lacking = companions(files, [path.name], []), other_parts(files, path.name)
        return Elasticdump(str(path), files, [path.name], beside, lacking)
    if held is Holds.STRUCTURE:
        raise _unknown(str(path), "it holds how an index is made, and no documents")
    if held is Holds.EMPTY_OBJECT:
        raise _unknown(str(path), "it holds an empty object, and no documents")
    if first.startswith(b'{"Item"'):
        raise _unknown(str(path), "it is one data file of an AWS export", _WHOLE)
    if first.lstrip().startswith(b"["):
        raise _array(path)
    if start == GZIP:
        _read_gzip(path)
    if not start:
        raise _unknown(str(path), "this file is empty", _EMPTY)
    raise _unknown(str(path), "this file cannot be imported")


def _refuse_half_written(folder: Path, shown: str) -> None:
    """Raise where the folder holds what an export writes before its manifest, or plain test data."""
    ours = [name for name in (TABLE_FOLDER, INDEX_FOLDER, IMAGES_FOLDER) if (folder / name).is_dir()]
    named = folder.name.startswith(_EXPORTS)
    arrays_of_node = [name for name in (*ITEM_FILES, DOCUMENTS) if _is_array(folder / name)]
    if arrays_of_node and not any(_has_keys(folder / name) for name in arrays_of_node):
        raise _unknown(shown, "it holds test data", _SEED)
    if arrays_of_node or len(ours) > 1 or (named and (ours or not any(folder.iterdir()))):
        raise IntegrityFailed(
            what=f"{shown} is a half-written export: it has no {MANIFEST}, which is written last",
            hint="Nothing was written. Make the export again.",
        )


def _exports_below(folder: Path) -> Iterator[Path]:
    """The exports below `folder` that have a folder of their own, breadth first and not without end."""
    level, seen = [folder], 0
    for _ in range(_DEPTH):
        below = [child for path in level for child in _folders_in(path)][: _MAX_FOLDERS - seen]
        seen += len(below)
        found = [path for path in below if _is_export(path)]
        yield from found
        level = [path for path in below if path not in found]


def _is_export(folder: Path) -> bool:
    if folder.name.startswith(_EXPORTS) or aws_export.is_export(folder):
        return True
    return (folder / MANIFEST).is_file() and _kind_of_manifest(folder) is not None


def _elasticdump(folder: Path, shown: str) -> Source | None:
    files = Folder(folder)
    by_kind: dict[Holds, list[str]] = {kind: [] for kind in Holds}
    indexes: dict[str, str] = {}
    for name in files.names(""):
        held, index = held_by(files, name)
        by_kind[held].append(name)
        if held is Holds.DOCUMENTS and index:
            indexes.setdefault(index, name)
    if len(indexes) > 1:
        raise UsageError(
            what=f"{shown} holds documents of {len(indexes)} indexes: {', '.join(sorted(indexes))}",
            hint=f"There is one index to write to. Name one file, such as {min(indexes.values())}.",
        )
    empty = [name for name in by_kind[Holds.NOTHING] if not name.endswith(COMPANIONS)]
    names = by_kind[Holds.DOCUMENTS] or (empty if by_kind[Holds.STRUCTURE] else [])
    if not names:
        return None
    lacking = lacking_parts(names, empty)
    return Elasticdump(shown, files, names, companions(files, names, by_kind[Holds.STRUCTURE]), lacking)


def _only(exports: Sequence[Path], shown: str, archive: Path | None) -> Path:
    if len(exports) == 1:
        return exports[0]
    newest_first = ", ".join(path.name for path in sorted(exports, key=lambda path: path.name, reverse=True))
    newest = max(exports, key=lambda path: path.name)
    hint = f"Name one of them, such as {newest}."
    if archive is not None:
        hint = f"Unpack it, and name one of the folders in it, such as {newest.relative_to(archive).as_posix()}."
    raise UsageError(what=f"{shown} holds {len(exports)} exports: {newest_first}", hint=hint)


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    except PermissionError:  # such as lost+found, beside what the user means
        return []


def _is_array(path: Path) -> bool:
    return path.is_file() and Folder(path.parent).first_line(path.name).lstrip().startswith(b"[")


def _has_keys(path: Path) -> bool:
    """Whether the first element of an array is an item or a document, and no record of test data."""
    record = _first_element(path)
    return isinstance(record, dict) and ("PK" in record or "_source" in record)


def _first_element(path: Path) -> object:
    first = next(arrays.elements(Folder(path.parent).open(path.name)), None)
    return parse_manifest(path.name, first.text) if first else None


def _array(path: Path) -> UsageError:
    record = _first_element(path)
    if not isinstance(record, dict):
        return _unknown(str(path), "it is a JSON array that does not begin with a record")
    if "_index" in record:
        return _unknown(str(path), "it is one JSON array of documents", _LINES)
    if "PK" in record or "_source" in record:
        return _unknown(str(path), "it is one file of an export of the Node tool", _WHOLE)
    return _unknown(str(path), "it holds test data", _SEED)


def _is_tar(path: Path) -> bool:
    try:
        with gzip.open(path) as file:
            tarfile.TarInfo.frombuf(file.read(_TAR_BLOCK), tarfile.ENCODING, "surrogateescape")
    except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
        return True
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError):
        return False
    return True


def _read_gzip(path: Path) -> None:
    """Raise `IntegrityFailed` where an unknown gzip is only damaged."""
    size = 0
    for block in Folder(path.parent).open(path.name).blocks():
        size += len(block)
        if size > _WORTH_READING:
            return


def _unknown(shown: str, reason: str, hint: str = _LOOKED_FOR) -> UsageError:
    return UsageError(what=f"{shown} cannot be imported: {reason}", hint=hint)
