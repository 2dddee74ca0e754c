"""Images: the bodies of those that a snapshot holds, each read once and stored once.

The body of an image that was not written since the newest snapshot is not read again: that snapshot knows its sha256.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from tattoo_data.engine.flow import in_flight
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.before import BlobRef
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.repository.bodies import PREFIX
from tattoo_data.repository.packs import entries_of, read_pack
from tattoo_data.stores.objects import with_body

#: A listing tells the second in which an object was written.
_MARGIN = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class KeptImage:
    """A live image, and where its body is kept."""

    entry: Entry
    blob: BlobRef


@dataclass(frozen=True, slots=True)
class _Known:
    """The images of the newest snapshot by key, and until when (by the store's clock) it knows them."""

    images: Mapping[str, KeptImage]
    until: datetime


class ImageKeeper:
    """Stores the bodies of live images. `size` is how many bytes they have in all, `added` how many were stored."""

    def __init__(self, env: Environment) -> None:
        self.size = self.added = 0
        self._env = env
        self._there = sizes(env, PREFIX)
        self._known = _known(env)
        self._counting = threading.Lock()

    def keep(self, images: Sequence[Entry]) -> Iterator[KeptImage]:
        """Each image with its body kept: one that was written since it was listed as it is by now, and none that is
        gone."""
        for kept in in_flight(self._env.pool, self._keep, images):
            if kept is not None:
                self.size += _size(kept.entry)
                yield kept

    def keep_again(self, images: Sequence[KeptImage]) -> None:
        """Store again what is not there any more, or not whole."""
        self._there = sizes(self._env, PREFIX)
        gone = [each.entry for each in images if not self._holds(each.entry, each.blob)]
        for _ in in_flight(self._env.pool, self._store, gone):
            pass

    def _keep(self, image: Entry) -> KeptImage | None:
        return with_body(self._env.stores.images, image, self._kept)

    def _kept(self, image: Entry) -> KeptImage:
        known = self._known.images.get(image.key)
        unwritten = image.modified is not None and image.modified < self._known.until
        if known and unwritten and known.entry.body == image.body and self._holds(image, known.blob):
            return KeptImage(image, known.blob)
        return self._store(image)

    def _store(self, image: Entry) -> KeptImage:
        assert image.load is not None, "a live image can be read"
        blob = image.load()
        ref = BlobRef(hashlib.sha256(blob.body).hexdigest(), blob.content_type)
        if not self._holds(image, ref):
            self._env.repository.put(PREFIX + ref.sha256, blob)
            with self._counting:
                self.added += len(blob.body)
                self._there[PREFIX + ref.sha256] = len(blob.body)
        return KeptImage(image, ref)

    def _holds(self, image: Entry, ref: BlobRef) -> bool:
        return self._there.get(PREFIX + ref.sha256) == _size(image)


def sizes(env: Environment, prefix: str) -> dict[str, int]:
    """What lies under a prefix of the repository: key -> bytes."""
    return {each.key: each.size for each in env.repository.objects(prefix)}


def _size(image: Entry) -> int:
    return int(msgspec.json.decode(image.body)["size"])


def _known(env: Environment) -> _Known:
    """What the newest snapshot of the target knows; nothing where there is none that can be used."""
    for stored in env.manifests.listed():
        try:
            manifest = env.manifests.read(stored)
            if manifest.target != env.target.id or StoreName.IMAGES not in manifest.stores:
                continue
            images = {
                packed.entry.key: KeptImage(packed.entry, packed.blob)
                for pack in manifest.stores[StoreName.IMAGES].packs
                for packed in entries_of(StoreName.IMAGES, pack, read_pack(env.repository, pack))
                if packed.blob
            }
        except IntegrityFailed:
            continue  # a damaged one knows nothing; `backups verify` names it
        return _Known(images, stored.modified - timedelta(seconds=manifest.seconds) - _MARGIN)
    return _Known({}, datetime.min.replace(tzinfo=UTC))
