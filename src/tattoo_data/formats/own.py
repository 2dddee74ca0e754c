"""Our own exports, read from their folder (formats.md 1).

The manifest names every file with its hash; what it does not name is not read. The table is an AWS export and the
index a file of elasticdump, both checked by their own rules too. Bodies of entries are canonical bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tattoo_data.formats import manifest as manifests
from tattoo_data.formats.aws_export import AwsExport
from tattoo_data.formats.elasticdump import Elasticdump, Holds, held_by
from tattoo_data.formats.index_structure import COMPANIONS, index_structures
from tattoo_data.formats.manifest import INDEX_FOLDER, MANIFEST, TABLE_FOLDER, ExportedFile
from tattoo_data.formats.reading import Folder, Seal, damaged
from tattoo_data.formats.source import Found, Source
from tattoo_data.model.canonical import canonical_object
from tattoo_data.model.entry import Blob, Entry, StoreName

_NAMED = 5


class OwnExport:
    """One export folder with its manifest."""

    kind = "tattoo-data export"
    routed = True

    def __init__(self, path: str, root: Path) -> None:
        self.path = path
        self._manifest = manifests.decode((root / MANIFEST).read_bytes())
        seals = {file.path: Seal(bytes=file.bytes, sha256=file.sha256) for file in self._manifest.files}
        self._files = Folder(root, seals)
        self._images = {file.key: file for file in self._manifest.files if file.key is not None}
        self.stores: Sequence[StoreName] = [name for name in StoreName if name in self._manifest.stores]
        self.fingerprints: Mapping[StoreName, str] = {
            name: held.fingerprint for name, held in self._manifest.stores.items()
        }
        self.lacking: Sequence[str] = ()
        self._require(seals)
        self._parts = self._open_parts()
        self.structures = self._structures()
        self._notes = _unnamed(root, seals)

    @property
    def notes(self) -> Sequence[str]:
        """See `Source.notes`."""
        return self._notes + [note for part in self._parts for note in part.notes]

    def read(self) -> Iterator[Found]:
        """Every item, document and image; see `Source.read`."""
        counts = dict.fromkeys(StoreName, 0)
        for found in self._found():
            counts[found.store] += 1
            yield found
        self._files.finish()
        for name, held in self._manifest.stores.items():
            if counts[name] != held.count:
                reason = f"it says {held.count} entries of the {name}, and its files hold {counts[name]}"
                raise damaged(MANIFEST, reason)

    def blob(self, key: str) -> Blob:
        """The body of an image; see `Source.blob`."""
        file = self._images[key]
        body, _ = self._files.content(file.path)
        return Blob(body, file.content_type or "application/octet-stream")

    def close(self) -> None:
        """Nothing is held open."""

    def _found(self) -> Iterator[Found]:
        for part in self._parts:
            yield from part.read()
        if StoreName.IMAGES in self._manifest.stores:
            for key, file in self._images.items():
                yield Found(StoreName.IMAGES, file.path, 1, self._image(key, file))

    def _image(self, key: str, file: ExportedFile) -> Entry:
        reader, md5 = self._files.open(file.path), hashlib.md5(usedforsecurity=False)
        for chunk in reader.chunks():
            md5.update(chunk)
        return Entry(key, canonical_object(md5.hexdigest(), reader.size), load=partial(self.blob, key))

    def _require(self, seals: Mapping[str, Seal]) -> None:
        """Every file is there, before the first is read."""
        for name in seals:
            if not self._files.has(name):
                raise damaged(name, "it is missing")

    def _open_parts(self) -> list[Source]:
        parts: list[Source] = []
        if StoreName.TABLE in self._manifest.stores:
            if not self._manifest.export_id:
                raise damaged(MANIFEST, "it names no exportId, and so no export of the table")
            parts.append(AwsExport(self.path, self._files, f"{TABLE_FOLDER}/{self._manifest.export_id}"))
        if StoreName.INDEX in self._manifest.stores:
            parts.append(Elasticdump(self.path, self._files, self._index_files(data=True)))
        return parts

    def _structures(self) -> Mapping[StoreName, Mapping[str, Any]]:
        """How the table and the index were made. The names of what was exported choose nothing."""
        names = self._index_files(data=False) if StoreName.INDEX in self._manifest.stores else []
        found = index_structures(self._files, names)
        if len(found) > 1:
            raise damaged(MANIFEST, f"its files hold how {len(found)} indexes are made: {', '.join(sorted(found))}")
        made = {StoreName.TABLE: self._manifest.table or {}, StoreName.INDEX: next(iter(found.values()), {})}
        return {name: structure for name, structure in made.items() if name in self._manifest.stores}

    def _index_files(self, *, data: bool) -> list[str]:
        """The files of documents, or the mapping and the like, told apart by their content. Where there is no document,
        the empty file is the one, unless its name is a mapping's."""
        names = [file.path for file in self._manifest.files if file.path.startswith(f"{INDEX_FOLDER}/")]
        return [name for name in names if self._holds_documents(name) == data]

    def _holds_documents(self, name: str) -> bool:
        held = held_by(self._files, name)[0]
        return held is Holds.DOCUMENTS or (held is Holds.NOTHING and not name.endswith(COMPANIONS))


def _unnamed(root: Path, seals: Mapping[str, Seal]) -> list[str]:
    there = (path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir())
    unnamed = sorted(name for name in there if name not in seals and name != MANIFEST)
    if not unnamed:
        return []
    more = f" and {len(unnamed) - _NAMED} more" if len(unnamed) > _NAMED else ""
    return [f"Not read, because {MANIFEST} does not name it: {', '.join(unnamed[:_NAMED])}{more}."]
