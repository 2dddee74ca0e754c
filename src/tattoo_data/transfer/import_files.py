"""Import: make the live stores hold what files hold. Only what was read to its end and verified is written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tattoo_data.clock import Clock, timestamp
from tattoo_data.engine.flow import Progress, no_progress
from tattoo_data.engine.make_equal import Change
from tattoo_data.environment import Environment
from tattoo_data.errors import FileFailed
from tattoo_data.files import printable
from tattoo_data.formats.source import Source
from tattoo_data.model.entry import StoreName
from tattoo_data.runs.session import Command, WriteOptions, writing
from tattoo_data.transfer.contents import Contents, Reject
from tattoo_data.transfer.documents import reject_unfit
from tattoo_data.transfer.read import read_contents
from tattoo_data.transfer.rejects import write_rejects
from tattoo_data.transfer.services import SERVICES


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """`path` is what was read, as it was named. With `replace`, what is not in the files goes, in each store that they
    hold. With `strict`, one bad record keeps all others out. `rejects` is where the bad ones are listed; where it is
    not said, in a file named after the time, and none by a dry run."""

    path: str
    only: Collection[StoreName] = ()
    replace: bool = False
    strict: bool = False
    rejects: Path | None = None
    write: WriteOptions = field(default_factory=WriteOptions)

    @property
    def question(self) -> str | None:
        """What is asked before, on a target that is not local; None where nothing has to be."""
        asks = self.replace and not self.write.dry_run
        return f"import {self.path} --replace removes what the files do not hold" if asks else None

    @property
    def command(self) -> Command:
        """The command, the same whenever the same is asked for, so that it goes on where it was interrupted."""
        only = [word for name, store in SERVICES.items() if store in self.only for word in ("--only", name)]
        flags = [flag for flag, given in (("--replace", self.replace), ("--strict", self.strict)) if given]
        return Command(name="import", arguments=(printable(self.path), *flags, *only))


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What files hold, read to its end and verified; `listed` is the file that names what cannot be used of it."""

    contents: Contents
    listed: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: the change, and the records that were not taken with the file that lists them."""

    change: Change
    contents: Contents
    rejected: Sequence[Reject]
    rejects: Path | None


def read_files(source: Source, options: ImportOptions, clock: Clock, progress: Progress = no_progress) -> Read:
    """Read all that is to be imported, before a live store is opened. Raises as `read_contents` and `list_rejects`
    do, and `IntegrityFailed` where what is not in the files is to go and a file is missing."""
    contents = read_contents(source, options.only, progress)
    if options.replace:
        contents.refuse_lacking()
    if options.strict:
        reject_unfit(contents)
    return Read(contents=contents, listed=list_rejects(contents, options, clock))


def list_rejects(contents: Contents, options: ImportOptions, clock: Clock) -> Path | None:
    """List the records that cannot be used, where there are any, before a live store is opened; returns the file.
    Raises `FileFailed` where it cannot be written, and `IntegrityFailed` where one is too many."""
    if not contents.rejected:
        return None
    path = options.rejects or (None if options.write.dry_run or options.strict else _default_rejects(clock))
    if path:
        write_rejects(path, contents.path, contents.rejected)
    if options.strict:
        contents.refuse_rejects()
    return path


def import_contents(
    env: Environment, contents: Contents, options: ImportOptions, listed: Path | None = None
) -> Imported:
    """Write what was read. `listed` is where `list_rejects` has listed what cannot be; what a store refuses is added
    to it."""
    with writing(env, options.command, options.write) as session:
        change = session.carry_out(contents.desired(prune=options.replace))
    refused = _refused(contents, change)
    rejected = [*contents.rejected, *refused]
    if refused:
        listed = _with_refused(env, listed or options.rejects or _default_rejects(env.clock), contents, rejected)
    return Imported(change=change, contents=contents, rejected=rejected, rejects=listed)


def _default_rejects(clock: Clock) -> Path:
    return Path(f"import-rejects-{timestamp(clock.now()).replace(':', '-').replace('.', '-')}.jsonl")


def _refused(contents: Contents, change: Change) -> list[Reject]:
    """The records that a store refused, by the places where they were found."""
    refused: list[Reject] = []
    for store in contents.wanted:
        messages = {each.key: f"{each.error}: {each.message}" for each in change.failures if each.store is store}
        for key, place in contents.found_at(store, messages.keys()).items():
            refused.append(Reject(store, contents.files[place.file], place.number, messages[key], key))
    return refused


def _with_refused(env: Environment, path: Path, contents: Contents, rejected: Sequence[Reject]) -> Path | None:
    """All rejects in one file. What can be written is written by now, so that a full disk is only told."""
    try:
        write_rejects(path, contents.path, rejected)
    except FileFailed as error:
        env.say(f"note: the records that were refused could not be listed: {error.message}")
        return path if contents.rejected else None
    return path
