"""Export: what live stores hold as a directory that our import and others' tools read (formats.md 1). Read-only.

The manifest is written last, when all else is on the disk: a directory without one is no export, whatever killed the
command that made it.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tattoo_data import __version__
from tattoo_data.clock import timestamp
from tattoo_data.environment import Environment
from tattoo_data.errors import FileFailed, ScratchFailed
from tattoo_data.files import write_file
from tattoo_data.formats.archive_writer import write_archive
from tattoo_data.formats.aws_writer import AwsAbout, new_export_id
from tattoo_data.formats.manifest import MANIFEST, ExportedStore, ExportManifest, ExportSource, encode
from tattoo_data.formats.output_file import file_errors, sync_folders
from tattoo_data.model.entry import StoreName
from tattoo_data.stores.base import Description
from tattoo_data.transfer.scan import Scanned, scan_into

DEFAULT_FOLDER = Path("exports")
_STDOUT = Path("stdout")
#: What an export holds unless it is told otherwise.
DEFAULT_STORES = (StoreName.TABLE, StoreName.INDEX)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """Which stores, each in whole. `folder` is where the export's own directory is made."""

    folder: Path = DEFAULT_FOLDER
    stores: Collection[StoreName] = DEFAULT_STORES


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A finished export: its directory, and the manifest that was written into it."""

    path: Path
    manifest: ExportManifest


def export(env: Environment, options: ExportOptions) -> Exported:
    """Make `export-<UTC time>` in the folder. Raises `StoreMissing` before anything is made, `FileFailed` naming what
    cannot be written, and `IntegrityFailed` where documents of the index share an `_id`; whatever is raised, a
    half-made directory is removed."""
    described = _described(env, options.stores)
    started = timestamp(env.clock.now())
    path = options.folder / f"export-{started.replace(':', '-').replace('.', '-')}"
    with _new_folder(path):
        about = AwsAbout(
            export_id=new_export_id(env.clock),
            region=env.target.region,
            table=env.target.table,
            table_id=_table_id(env),
            started_at=started,
        )
        scanned = scan_into(path, env, described, about)
        manifest = _manifest(env, described, scanned, about)
        sync_folders(path, manifest.files)
        with file_errors(path / MANIFEST):
            write_file(path / MANIFEST, encode(manifest))
    return Exported(path=path, manifest=manifest)


def export_stream(env: Environment, stores: Collection[StoreName], stream: BinaryIO) -> Exported:
    """The same directory as one `.tar.gz`, which begins once all is read: a stream that begins is a whole export,
    unless it breaks off. Raises `ScratchFailed` where it cannot be gathered in a temporary folder first, and
    `FileFailed` where the stream takes no more."""
    with _scratch() as folder:
        try:
            exported = export(env, ExportOptions(folder=folder, stores=stores))
        except FileFailed as error:
            raise ScratchFailed(folder=str(folder.parent), reason=error.fields["reason"]) from error
        with file_errors(_STDOUT):
            write_archive(exported.path, (each.path for each in exported.manifest.files), stream)
    return exported


def _described(env: Environment, stores: Collection[StoreName]) -> dict[StoreName, Description]:
    """The stores that are wanted, all of which must be there: one that holds nothing is another thing."""
    names = [name for name in StoreName if name in stores]
    found = dict(zip(names, env.pool.map(lambda name: env.stores[name].describe(), names), strict=True))
    env.target.require_readable(found)
    return {name: each for name, each in found.items() if each is not None}


@contextmanager
def _new_folder(path: Path) -> Iterator[None]:
    with file_errors(path):
        path.mkdir(parents=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


@contextmanager
def _scratch() -> Iterator[Path]:
    try:
        scratch = tempfile.TemporaryDirectory(prefix="tattoo-data-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ScratchFailed(folder=tempfile.gettempdir(), reason=error.strerror or str(error)) from error
    with scratch as folder:
        yield Path(folder)


def _manifest(
    env: Environment, described: Mapping[StoreName, Description], scanned: Mapping[StoreName, Scanned], about: AwsAbout
) -> ExportManifest:
    target = env.target
    table = described.get(StoreName.TABLE)
    return ExportManifest(
        tool=f"tattoo-data {__version__}",
        created_at=about.started_at,
        export_id=about.export_id if table else None,
        source=ExportSource(
            aws_endpoint=target.aws_endpoint,
            s3_endpoint=target.s3_endpoint,
            opensearch_endpoint=target.opensearch_endpoint,
            region=target.region,
            table=target.table,
            index=target.index,
            image_bucket=target.image_bucket,
            backup_bucket=target.backup_bucket,
        ),
        table=table.structure if table else None,
        stores={
            name: ExportedStore(count=each.total.count, bytes=each.bytes, fingerprint=each.total.hex())
            for name, each in scanned.items()
        },
        files=[file for each in scanned.values() for file in sorted(each.files, key=lambda file: file.path)],
    )


def _table_id(env: Environment) -> str:
    """What tells this table from others, in the form of AWS's table ids."""
    name = f"{env.target.aws_endpoint}/{env.target.region}/{env.target.table}"
    digits = hashlib.sha256(name.encode()).hexdigest()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
