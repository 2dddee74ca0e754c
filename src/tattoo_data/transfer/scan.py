"""Scan: one pass over live stores, segment beside segment, each page written, counted and digested as it comes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tattoo_data.engine.flow import Progress, in_flight
from tattoo_data.engine.scan import Held, Live, may_share, shared
from tattoo_data.engine.spool import Spool
from tattoo_data.environment import Environment
from tattoo_data.errors import StoreError
from tattoo_data.formats.aws_writer import AwsAbout, AwsExport
from tattoo_data.formats.elasticdump_writer import IndexDump, write_structure
from tattoo_data.formats.image_writer import write_image
from tattoo_data.formats.manifest import ExportedFile
from tattoo_data.model.canonical import canonical_object
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.fingerprint import Sum, digest
from tattoo_data.stores.base import Description, Store, pages


@dataclass(slots=True, kw_only=True)
class Scanned:
    """What was read of one store: the fingerprint's sum, the bytes of the bodies, and the files that hold it."""

    store: StoreName
    total: Sum = field(default_factory=Sum)
    bytes: int = 0
    files: list[ExportedFile] = field(default_factory=list)

    def count(self, entries: Sequence[Entry]) -> None:
        """Count entries in."""
        add, store = self.total.add, self.store
        for entry in entries:
            add(digest(store, entry))
            self.bytes += len(entry.body)

    def join(self, other: Scanned) -> None:
        """Count in what another has counted."""
        self.total.join(other.total)
        self.bytes += other.bytes
        self.files += other.files


class _Stopped(Exception):
    """Another part of the scan failed."""


class _Watch:
    """Tells the progress of all parts, and stops them when one fails."""

    def __init__(self, progress: Progress) -> None:
        self._stopped = False
        self._progress = progress
        self._changed = threading.Condition()
        self._done = 0
        self._at_work = 0

    def passed(self, count: int) -> None:
        """So many more were read."""
        with self._changed:
            if self._stopped:
                raise _Stopped
            self._done += count
            self._progress("exported", self._done, None)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A unit that writes files, and that `stop` has to wait for; once stopped, none begins."""
        with self._changed:
            if self._stopped:
                raise _Stopped
            self._at_work += 1
        try:
            yield
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def stop(self) -> None:
        """Let no unit begin, and return when none is at work: nobody writes any more."""
        with self._changed:
            self._stopped = True
            self._changed.wait_for(lambda: not self._at_work)


def scan_into(
    root: Path, env: Environment, described: Mapping[StoreName, Description], about: AwsAbout
) -> dict[StoreName, Scanned]:
    """Write what the stores hold under `root`, and say what that was. Raises `IntegrityFailed` where documents of the
    index share an `_id`: nobody could tell them apart in the files."""
    watch = _Watch(env.progress)
    parts: list[Future[Scanned]] = []
    aws = AwsExport(root, about, env.clock) if StoreName.TABLE in described else None
    scanned = {name: Scanned(store=name) for name in described}
    try:
        if aws is not None:
            segments = env.stores.table.limits.segments
            for segment in range(segments):
                parts.append(env.pool.submit(_table_segment, env.stores.table, segment, segments, aws, watch))
        if index := described.get(StoreName.INDEX):
            scanned[StoreName.INDEX].files += write_structure(root, env.target.index, index.structure)
            parts.append(env.pool.submit(_index, env.stores.index, index, root, env.target.index, watch))
        if StoreName.IMAGES in described:  # here, because each image is a part of its own
            scanned[StoreName.IMAGES].join(_images(root, env, watch))
        _await(parts)
    finally:
        watch.stop()
        wait(parts)
    for part in parts:
        scanned[part.result().store].join(part.result())
    if aws is not None:
        scanned[StoreName.TABLE].files += aws.finish()
    return scanned


def _await(parts: Iterable[Future[Scanned]]) -> None:
    """Wait for all, or raise what the first that fails raises."""
    for part in wait(parts, return_when=FIRST_EXCEPTION).done:
        part.result()


def _table_segment(store: Store, segment: int, segments: int, aws: AwsExport, watch: _Watch) -> Scanned:
    scanned = Scanned(store=StoreName.TABLE)
    with aws.partition() as partition:
        for entries in pages(store, segment, segments):
            watch.passed(len(entries))
            scanned.count(entries)
            partition.add([entry.body for entry in entries])
    return scanned


def _index(store: Store, about: Description, root: Path, index: str, watch: _Watch) -> Scanned:
    scanned, held = Scanned(store=StoreName.INDEX), Spool(Held, StoreName.INDEX)
    dump = IndexDump(root, index)
    with dump.file:
        for entries in pages(store):
            watch.passed(len(entries))
            scanned.count(entries)
            dump.add(entries)
            if may_share(about):
                held.add(Held(entry.key, b"", entry.routing) for entry in entries)
    Live(store=StoreName.INDEX, description=about, held=held, shared=shared(held)).require_one_each()
    scanned.files.append(dump.file.exported())
    return scanned


def _images(root: Path, env: Environment, watch: _Watch) -> Scanned:
    scanned = Scanned(store=StoreName.IMAGES)
    save: Callable[[Entry], tuple[Entry, ExportedFile] | None] = partial(_image, root, env.stores.images, watch)
    for entries in pages(env.stores.images):
        for saved in in_flight(env.pool, save, entries):
            watch.passed(1)
            if saved is not None:
                scanned.count([saved[0]])
                scanned.files.append(saved[1])
    scanned.bytes = sum(file.bytes for file in scanned.files)
    return scanned


def _image(root: Path, store: Store, watch: _Watch, entry: Entry) -> tuple[Entry, ExportedFile] | None:
    """Write an image. Its entry is that of the body which was read: an ETag may be something else than an MD5."""
    with watch.at_work():
        blob = _load(store, entry)
        if blob is None:
            return None
        md5 = hashlib.md5(blob.body, usedforsecurity=False).hexdigest()
        return Entry(entry.key, canonical_object(md5, len(blob.body))), write_image(root, entry.key, blob)


def _load(store: Store, entry: Entry) -> Blob | None:
    """The body of a listed image; where it was written or deleted since, that of the new one, or None."""
    assert entry.load is not None, "a listed image can be read"
    try:
        return entry.load()
    except StoreError:
        for now in store.get([entry.key]):
            assert now.load is not None, "what was found can be read"
            return now.load()
        return None
