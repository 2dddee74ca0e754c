"""Bodies: `objects/<sha256>`, the bodies of images that runs and snapshots would put back, once each (formats.md 5)."""

from __future__ import annotations

import hashlib
import threading

from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.before import BlobRef
from tattoo_data.model.entry import Blob
from tattoo_data.repository.runs import Objects

PREFIX = "objects/"
#: How many bytes of bodies that were checked are held until they are fetched, so that they are not read twice.
_HELD_BYTES = 64 << 20


class Bodies:
    """The bodies in one repository."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._checked: dict[str, bytes] = {}
        self._held = 0
        self._holding = threading.Lock()

    def keep(self, blob: Blob) -> BlobRef:
        """Store the body of an object, unless it is there already."""
        name = hashlib.sha256(blob.body).hexdigest()
        there = self._objects.head(PREFIX + name)
        if there is None or there.size != len(blob.body):
            self._objects.put(PREFIX + name, blob)
        return BlobRef(name, blob.content_type)

    def fetch(self, ref: BlobRef) -> Blob:
        """The body of an object. Raises `IntegrityFailed` where it is gone or is not what it was."""
        with self._holding:
            body = self._checked.pop(ref.sha256, None)
            self._held -= len(body or b"")
        return Blob(self._read(ref) if body is None else body, ref.content_type)

    def check(self, ref: BlobRef) -> None:
        """Raise `IntegrityFailed` where the body of an object is gone or damaged."""
        body = self._read(ref)
        with self._holding:
            if ref.sha256 not in self._checked and self._held + len(body) <= _HELD_BYTES:
                self._checked[ref.sha256] = body
                self._held += len(body)

    def _read(self, ref: BlobRef) -> bytes:
        blob = self._objects.get(PREFIX + ref.sha256)
        if blob is None or hashlib.sha256(blob.body).hexdigest() != ref.sha256:
            raise IntegrityFailed(
                what=f"{PREFIX}{ref.sha256} in the backup bucket cannot be used: "
                + ("it is gone" if blob is None else "its bytes have another hash"),
                hint="Nothing was changed. `tattoo-data backups verify` names all that is damaged.",
            )
        return blob.body
