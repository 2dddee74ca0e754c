"""`export [PATH]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tattoo_data.cli.options import Invocation, common, require_path, services

if TYPE_CHECKING:
    from tattoo_data.environment import Environment
    from tattoo_data.model.entry import StoreName
    from tattoo_data.transfer.export import Exported

EPILOG = """\b
Touches: nothing live; it makes PATH/export-<UTC time>, which `tattoo-data import` reads. The table is in it as an AWS
full export, the index as elasticdump writes it. With - it writes the same to stdout as a .tar.gz.

\b
Example:
  tattoo-data export
  tattoo-data export ./my-exports --images
  tattoo-data export - | ssh other-host tattoo-data import -

\b
Exit status:
  0  all of it is written
  1  a file cannot be written; nothing half-made stays
  10 the table or the index does not exist, or with --images the image bucket
  14 a service does not answer
  15 the table has another key schema, or the target is not allowed
"""
_STDOUT = "-"


@click.command("export", epilog=EPILOG)
@click.argument("path", default="exports", type=click.Path())
@click.option("--images", is_flag=True, help="Take the image bucket with it.")
@services
@common
def command(invocation: Invocation, path: str, images: bool, only: tuple[StoreName, ...]) -> int:
    """Write what the live stores hold to files."""
    from tattoo_data.model.entry import StoreName
    from tattoo_data.transfer.export import DEFAULT_STORES, ExportOptions, export, export_stream

    stores = set(only) or set(DEFAULT_STORES)
    stores |= {StoreName.IMAGES} if images else set()
    require_path(path)
    if path == _STDOUT:
        _refuse_terminal()
    with invocation.environment() as env:
        if path == _STDOUT:
            _tell(invocation, env, export_stream(env, stores, sys.stdout.buffer))
        else:
            _show(invocation, env, export(env, ExportOptions(folder=Path(path), stores=stores)))
    return 0


def _refuse_terminal() -> None:
    from tattoo_data.errors import UsageError

    if sys.stdout.isatty():
        raise UsageError(
            what="`export -` writes a .tar.gz to stdout, and that is a terminal",
            hint="Send it to a file or another command: tattoo-data export - > export.tar.gz",
        )


def _show(invocation: Invocation, env: Environment, exported: Exported) -> None:
    from tattoo_data.cli.render import envelope

    output = invocation.output
    if output.json:
        output.document(envelope(invocation, env, **_fields(exported), path=str(exported.path)))
        return
    output.line(f"export: done, {exported.path}")
    rows = [
        [name.value, f"{each.count:,}", f"{each.bytes:,}", each.fingerprint[:16]]
        for name, each in exported.manifest.stores.items()
    ]
    output.table(["store", "entries", "bytes", "fingerprint"], rows)
    output.line(f"{len(exported.manifest.files):,} files, {invocation.elapsed():.2f} s.")


def _tell(invocation: Invocation, env: Environment, exported: Exported) -> None:
    """Say what was written: stdout is the archive, so that it goes to stderr, as text or as one document."""
    from tattoo_data.cli.render import envelope
    from tattoo_data.cli.streams import say

    if invocation.output.json:
        import json

        invocation.output.end_progress()
        document = envelope(invocation, env, **_fields(exported), path=_STDOUT)
        say(json.dumps(document) + "\n")
        return
    counts = ", ".join(f"{name.value} {each.count:,}" for name, each in exported.manifest.stores.items())
    invocation.output.say(f"export: done, {exported.path.name} ({counts}).")


def _fields(exported: Exported) -> dict[str, Any]:
    manifest = exported.manifest
    stores = {
        name.value: {"count": each.count, "bytes": each.bytes, "fingerprint": each.fingerprint}
        for name, each in manifest.stores.items()
    }
    return {
        "stores": stores,
        "files": len(manifest.files),
        "exportId": manifest.export_id,
        "images": "images" in stores,
    }
