"""Before-images: what a key held before a run wrote it, which is what `undo` puts back."""

from __future__ import annotations

import msgspec


class BlobRef(msgspec.Struct, frozen=True, array_like=True):
    """Where the body of an object that is gone from the live bucket is kept: by the sha256 of its bytes (hex)."""

    sha256: str
    content_type: str


class BeforeImage(msgspec.Struct, frozen=True, array_like=True):
    """One key of one run.

    `body` is the entry that was there (`Entry.body`), None where there was nothing; `after` is the digest of what
    the run was to write, None where it was to delete. `blob` is set for an object that was there. `instead` says that
    the run's earlier image of the key was never written over: somebody else wrote in between, and this is what the
    run found then.
    """

    key: str
    body: bytes | None
    after: bytes | None
    routing: str | None = None
    blob: BlobRef | None = None
    instead: bool = False

    @property
    def is_void(self) -> bool:
        """Whether it only says that the run did not write the key after all."""
        return self.instead and self.body is None and self.after is None

    @property
    def size(self) -> int:
        """The bytes of its body."""
        return len(self.body or b"")
