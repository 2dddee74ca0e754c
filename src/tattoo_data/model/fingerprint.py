"""Fingerprints: order-independent digests of what stores hold (formats.md 6).

A store's is a sum modulo 2^256 over its entries, so it moves with each change without a new scan:
`new = old - digest(before) + digest(after)`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping

from tattoo_data.model.canonical import canonical_document, canonical_item
from tattoo_data.model.entry import Entry, StoreName

_MODULUS = 1 << 256
_CANONICAL: Mapping[StoreName, Callable[[bytes], bytes]] = {
    StoreName.TABLE: canonical_item,
    StoreName.INDEX: canonical_document,
    StoreName.IMAGES: bytes,
}


def digest(store: StoreName, entry: Entry) -> bytes:
    """32 bytes that are equal for two entries of a store if and only if key and content are equal.

    sha256(length of the key as 8 bytes, big endian; key; canonical bytes). Raises ValueError where the body is
    not of the store's form.
    """
    return digest_canonical(entry.key, _CANONICAL[store](entry.body))


def canonical(store: StoreName, body: bytes) -> bytes:
    """The canonical bytes of an entry's body. Raises ValueError where the body is not of the store's form."""
    return _CANONICAL[store](body)


def digest_canonical(key: str, body: bytes) -> bytes:
    """The digest of an entry whose body is canonical bytes already."""
    name = key.encode()
    return hashlib.sha256(len(name).to_bytes(8, "big") + name + body).digest()


class Sum:
    """A running fingerprint of one store."""

    __slots__ = ("_total", "count")

    def __init__(self) -> None:
        self.count = 0
        self._total = 0

    def add(self, entry_digest: bytes) -> None:
        """Count one entry in."""
        self.count += 1
        self._total += int.from_bytes(entry_digest, "big")

    def remove(self, entry_digest: bytes) -> None:
        """Count one entry out."""
        self.count -= 1
        self._total -= int.from_bytes(entry_digest, "big")

    def join(self, other: Sum) -> None:
        """Count all in that another sum has counted."""
        self.count += other.count
        self._total += other._total

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sum):
            return NotImplemented
        return self.count == other.count and self.hex() == other.hex()

    __hash__ = None  # type: ignore[assignment]

    def copy(self) -> Sum:
        """A sum that goes on from here by itself."""
        other = Sum()
        other.count, other._total = self.count, self._total
        return other

    def hex(self) -> str:
        """The fingerprint: 64 hex digits."""
        return f"{self._total % _MODULUS:064x}"


def store_fingerprint(store: StoreName, entries: Iterable[Entry]) -> str:
    """The fingerprint of a store that holds just `entries`."""
    total = Sum()
    for entry in entries:
        total.add(digest(store, entry))
    return total.hex()


def state_fingerprint(stores: Mapping[StoreName, str]) -> str:
    """The fingerprint of a state: sha256 over those of table, index and images, in this order."""
    lines = "".join(f"{stores[name]}\n" for name in StoreName)
    return hashlib.sha256(f"state-v1\n{lines}".encode()).hexdigest()
