"""`import PATH`."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from tattoo_data.cli.options import Invocation, common, require_path, services, writing

if TYPE_CHECKING:
    from tattoo_data.environment import Environment
    from tattoo_data.model.entry import StoreName
    from tattoo_data.runs.session import WriteOptions
    from tattoo_data.transfer.import_files import Imported

EPILOG = """\b
Touches: the stores that the files hold: the table, the index, the images. It adds and replaces; with --replace,
whatever the files do not hold goes from these stores. Files that hold the table alone give the index's documents too.

\b
Example:
  tattoo-data import ./exports/export-2026-11-22T10-30-00-000Z
  tattoo-data import ./exports/export-2026-11-22T10-30-00-000Z --replace --dry-run
  tattoo-data import - < export.tar.gz

\b
Exit status:
  0  the stores hold what the files hold
  2  the files are of no kind that is known, or hold nothing of what is asked for
  3  finished, some records were left out; they are named, and listed in a file
  10 there is nothing at PATH
  11 another command writes to this target
  12 the files are damaged or half written; with --strict, a record cannot be used. Nothing was written
  14 a service does not answer
"""
_STDIN = "-"
_LISTED = 20


@click.command("import", epilog=EPILOG)
@click.argument("path", type=click.Path())
@click.option("--replace", is_flag=True, help="Remove what the files do not hold, from each store that they hold.")
@click.option("--strict", is_flag=True, help="Write nothing where any record cannot be used.")
@click.option("--rejects", metavar="FILE", help="Where left out records go.  [./import-rejects-TIME.jsonl]")
@services
@writing
@common
def command(
    invocation: Invocation,
    path: str,
    replace: bool,
    strict: bool,
    rejects: str | None,
    only: tuple[StoreName, ...],
    write: WriteOptions,
) -> int:
    """Make the live stores hold what files hold.

    PATH is an export of this tool or of the Node one, a full export of DynamoDB, files of elasticdump, or a .tar.gz of
    one of these; - takes the .tar.gz from stdin. All of it is read and verified before anything is written.
    """
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.transfer.import_files import ImportOptions, import_contents, read_files
    from tattoo_data.transfer.read import open_files

    require_path(path)
    options = ImportOptions(
        path=path,
        only=only,
        replace=replace,
        strict=strict,
        rejects=Path(rejects) if rejects else None,
        write=write,
    )
    with closing(open_files(Path(path), _stdin() if path == _STDIN else None)) as source:
        with invocation.output.progress() as progress:
            read = read_files(source, options, invocation.clock, progress)
        for note in read.contents.notes:
            invocation.output.say(f"note: {note}")
        with invocation.environment(write=not write.dry_run) as env:
            confirm(invocation, env, options.question)
            return _show(invocation, env, import_contents(env, read.contents, options, read.listed))


def _stdin() -> BinaryIO:
    from tattoo_data.cli.streams import is_terminal, stdin
    from tattoo_data.errors import UsageError

    if is_terminal(sys.stdin):
        raise UsageError(
            what="`import -` reads a .tar.gz from stdin, and that is a terminal",
            hint="Give it one: tattoo-data import - < export.tar.gz",
        )
    return stdin()


def _show(invocation: Invocation, env: Environment, imported: Imported) -> int:
    from tattoo_data.cli.render import PARTIAL, amount, show_change

    contents, rejected, change = imported.contents, imported.rejected, imported.change
    code = show_change(
        invocation,
        env,
        change,
        headline=f"import {contents.path}",
        source={"kind": contents.kind, "path": contents.path},
        notes=contents.notes,
        rejected=rejected,
        rejects=str(imported.rejects) if imported.rejects else None,
        duplicates=contents.duplicates,
    )
    if not invocation.output.json:
        for each in rejected[:_LISTED]:
            invocation.output.line(f"left out: {each.file}, line {each.number}: {each.message}")
        if len(rejected) > _LISTED:
            invocation.output.line(f"... and {len(rejected) - _LISTED:,} more")
        if imported.rejects:
            invocation.output.line(f"{amount(len(rejected), 'records')} left out: {imported.rejects}")
    return PARTIAL if rejected and not change.dry_run else code
