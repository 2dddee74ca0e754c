"""The Node tool's backups: archives at the root of the bucket, read as the files that they hold."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from tattoo_data.backups.catalogue import NodeArchive
from tattoo_data.engine.plan import Desired
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed, ScratchFailed, UsageError
from tattoo_data.formats.source import Source
from tattoo_data.transfer.read import content_of


@contextmanager
def node_content(env: Environment, archive: NodeArchive) -> Iterator[Desired]:
    """What a backup of the Node tool holds. Raises `IntegrityFailed` where it is gone or damaged."""
    with tempfile.TemporaryDirectory(prefix="tattoo-data-") as folder:
        path = Path(folder) / "archive"
        _download(env, archive, path)
        with path.open("rb") as file, closing(_opened(archive, file)) as source:
            yield content_of(env, source)


def _opened(archive: NodeArchive, file: BinaryIO) -> Source:
    from tattoo_data.formats.detect import open_stream

    try:
        return open_stream(file, name=archive.key)
    except UsageError as error:
        raise IntegrityFailed(what=error.message, hint="Nothing was written.") from error


def _download(env: Environment, archive: NodeArchive, path: Path) -> None:
    try:
        with path.open("wb") as file:
            if not env.repository.download(archive.key, file):
                raise IntegrityFailed(
                    what=f"{archive.key} in the backup bucket is gone",
                    hint="`tattoo-data backups list` lists what is there now.",
                )
    except OSError as error:
        raise ScratchFailed(folder=str(path.parent), reason=error.strerror or str(error)) from error
