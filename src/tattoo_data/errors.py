"""Every error of the product: a stable id (the class's name), a message, a hint and an exit code.

    TattooDataError                1   anything that failed and has no better name
    ├── UsageError                 2   the command line or a setting is wrong
    │   ├── BadSetting
    │   ├── BadRecord
    │   ├── UnknownChoice
    │   ├── StepBroken
    │   ├── TargetIncomplete
    │   ├── ForeignEmulator
    │   ├── CredentialsIncomplete
    │   ├── PortTaken
    │   ├── ConfirmationNeeded
    │   └── NotConfirmed
    ├── NotFound                  10   a name or a store that should be there is not
    │   ├── UnknownName
    │   ├── StoreMissing
    │   ├── StreamMissing
    │   ├── NoBackup
    │   └── NothingToUndo
    ├── Unreachable               14   a service does not answer
    │   ├── StoreUnreachable
    │   ├── NotOpenSearch
    │   └── StackFailed
    ├── Refused                   15   the target must not be touched
    │   ├── TargetNotAllowed
    │   ├── StructureRefused
    │   └── CredentialsRefused
    ├── Locked                    11   another command writes to this target
    ├── LockLost                  11   another command took the lock over
    ├── IntegrityFailed           12   data is not what it should be
    ├── CannotUndo                13   a decision is needed first
    ├── CannotRollBack            13   the same
    ├── SourceEmpty               13   the same
    ├── ExtraMissing               1   a part of the product is not installed
    ├── FileFailed                 1   a file or folder that was named cannot be written
    ├── CommandMissing           127   there is no command of this name, as in a shell
    ├── CommandNotRun            126   a command is there and cannot be run, as in a shell
    ├── NotPutBack                 1   what stood before a command is not there again
    ├── ScratchFailed              1   a temporary file of this machine cannot be written
    └── StoreError                 1   a store answered with an error nobody expected

An error is made from named fields: `UnknownName(kind="scenario", name="x", known=["minimal"])`. The fields are
the `details` of the JSON form, so none of them may hold a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class TattooDataError(Exception):
    """Base of all: `template` and `hint_template` are filled from the fields given by keyword."""

    exit_code: ClassVar[int] = 1
    template: ClassVar[str] = "{what}"
    hint_template: ClassVar[str] = ""

    def __init__(self, *, hint: str | None = None, **fields: object) -> None:
        self.fields = fields
        self.message = self.template.format(**fields)
        self.hint = hint if hint is not None else self.hint_template.format(**fields)
        super().__init__(self.message)

    @property
    def id(self) -> str:
        """The stable name that scripts and the troubleshooting guide go by."""
        return type(self).__name__

    def document(self) -> dict[str, object]:
        """The JSON form: `{"error": {"id", "message", "hint", "exitCode", "details"}}`."""
        details = {name: _plain(value) for name, value in self.fields.items()}
        body = {"id": self.id, "message": self.message, "hint": self.hint, "exitCode": self.exit_code}
        return {"error": {**body, "details": details}}


class UsageError(TattooDataError):
    """The command line asks for something that makes no sense."""

    exit_code = 2


class BadSetting(UsageError):
    template = "{name} is {value!r}, from {source}: {reason}"
    hint_template = "Mend it there, or take it out: then the default holds."

    def __init__(self, *, hint: str | None = None, **fields: object) -> None:
        if hint is None and fields.get("source") == "the command line":
            hint = "Give another one; `--help` behind the command shows how it is used."  # it is no setting
        super().__init__(hint=hint, **fields)


class BadRecord(UsageError):
    template = "{source}: record {record}, field {field}: {reason}"
    hint_template = "Mend the record; nothing was written."


class UnknownChoice(UsageError):
    template = "{kind} {name!r} is not known; there is {known}"

    def __init__(self, *, kind: str, name: str, known: Iterable[str]) -> None:
        names = list(map(str, known))  # of an enum the values
        super().__init__(kind=kind, name=name, known=_listed(names), hint=_nearest(name, names) or "Give one of them.")


class StepBroken(UsageError):
    template = "the migration {path} is broken: {reason}"
    hint_template = "Mend the file; nothing was written. `tattoo-data migrate test NAME` tries it on a copy."


class TargetIncomplete(UsageError):
    template = "the target is named in part: by {named}, but there is no {missing}"
    hint_template = "Set {variable}. A target is whole: named and embedded stores are never mixed."


class ForeignEmulator(UsageError):
    template = "no target is named, but an AWS emulator that was not started from {home} answers at {url}"
    hint_template = "To use it: export AWS_ENDPOINT_URL={url}    To start our own beside it: add --local"


class CredentialsIncomplete(UsageError):
    template = "{endpoint} needs credentials, and {missing} is not set"
    hint_template = "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or on a local target neither."


class PortTaken(UsageError):
    template = "port {port} of {host} is taken by {holder}"
    hint_template = "Name another one with --port; --port 0 takes any that is free."


class ConfirmationNeeded(UsageError):
    template = "this needs a confirmation, and there is no terminal to ask at: {action} ({target})"
    hint_template = "Add --yes, or set TATTOO_DATA_YES=1."


class NotConfirmed(UsageError):
    template = "the answer was no: {action} ({target})"
    hint_template = "Nothing was changed. To go on, answer y, or add --yes."


class NotFound(TattooDataError):
    """Something that was named is not there."""

    exit_code = 10


#: How many names a message lists.
_LISTED = 20
#: What lists the names of a kind.
_LISTING = {
    "alert": "`tattoo-data monitor alerts --all` lists them.",
    "migration": "`tattoo-data migrate list` lists them.",
    "reset state": "`tattoo-data states` lists them.",
    "run": "`tattoo-data history` lists them.",
    "scenario": "`tattoo-data scenarios` lists them.",
    "snapshot": "`tattoo-data backups list` lists them; `backup` and `snapshot NAME` make one.",
    "sync point": "`tattoo-data backups list` lists them; `sync sync-point NAME` makes one.",
}


class UnknownName(NotFound):
    template = "no {kind} is called {name!r}; there is {known}"

    def __init__(self, *, kind: str, name: str, known: Iterable[str]) -> None:
        names = list(map(str, known))  # of an enum the values
        hint = _nearest(name, names) or _LISTING.get(kind, "Is it spelt right?")
        super().__init__(kind=kind, name=name, known=_listed(names) or "none", hint=hint)


class StoreMissing(NotFound):
    template = "the {store} {name} does not exist at {endpoint}"
    hint_template = "`tattoo-data reset fresh` makes it and fills it; `reset clean` makes it empty."


class StreamMissing(NotFound):
    template = "the table {name} at {endpoint} has no stream, so nothing tells what is written there"
    hint_template = "`tattoo-data reset` and `tattoo-data seed` switch it on in whatever table they find."


class NoBackup(NotFound):
    template = "there is no backup of this target in {bucket}"
    hint_template = "`tattoo-data backup` makes one. Nothing was changed."


class NothingToUndo(NotFound):
    template = "there is nothing to {verb} on this target"
    hint_template = "`tattoo-data history` lists what was done."


class Unreachable(TattooDataError):
    """A service does not answer, or answers as something else."""

    exit_code = 14


class StoreUnreachable(Unreachable):
    template = "{service} does not answer at {endpoint}: {reason}"
    hint_template = "Is it running there? {variable} names the address; unset, the embedded stack is used."


class NotOpenSearch(Unreachable):
    template = "{endpoint} answers, but not as OpenSearch: {reason}"
    hint_template = "OPENSEARCH_ENDPOINT must be the address of an OpenSearch, whose GET / gives a version number."


class StackFailed(Unreachable):
    template = "the local stack failed: {reason}"
    hint_template = "`tattoo-data stack logs` shows what the servers said."


class Refused(TattooDataError):
    """The target must not be touched as asked."""

    exit_code = 15


class TargetNotAllowed(Refused):
    template = "{host} is not a local address ({reason}), and the settings do not name it: nothing was sent"
    hint_template = "If you are sure, name it in tattoo-data.toml:  [target] allow = [{host!r}]"


class StructureRefused(Refused):
    template = "the {store} {name} is not as it must be, and cannot be mended in place: {difference}"
    hint_template = "It is never dropped by itself. Mend or remove it yourself, or name another one with {variable}."


class CredentialsRefused(Refused):
    template = "{service} at {endpoint} refused the credentials: {reason}"
    hint_template = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD)."


class Locked(TattooDataError):
    exit_code = 11
    template = "locked by {holder} for {age} s"
    hint_template = "Add --wait S to wait S seconds for it. The lock of a command that died expires after 60 s."


class LockLost(TattooDataError):
    exit_code = 11
    template = "stopped writing, because the lock was lost: {reason}"
    hint_template = "Run the same command again: it goes on from here."


class IntegrityFailed(TattooDataError):
    exit_code = 12
    template = "{what}"


class CannotUndo(TattooDataError):
    exit_code = 13
    template = "{command} (run {run}) cannot be taken back: {reason}"
    hint_template = "`tattoo-data undo RUN` takes back another; `tattoo-data history` lists them."


class CannotRollBack(TattooDataError):
    exit_code = 13
    template = "{step} cannot be rolled back: {reason}"
    hint_template = "`tattoo-data migrate list` shows the steps, `tattoo-data history` what was done."


class SourceEmpty(TattooDataError):
    exit_code = 13
    template = "the {store} {name} holds no artist, so the other side would lose all of its own"
    hint_template = "If that is meant: --allow-empty. Else fill it first, by `tattoo-data restore` or a sync back."


class ExtraMissing(TattooDataError):
    template = "{what} needs {package}, which is not installed"
    hint_template = "pip install 'tattoo-data[web]'"


class FileFailed(TattooDataError):
    template = "{path} cannot be written: {reason}"
    hint_template = "Name another place, or make room there. The live stores were not changed."


class CommandMissing(TattooDataError):
    exit_code = 127
    template = "{command!r} could not be run: there is no such command"
    hint_template = "Is it spelt right, and in a folder of PATH? The stores are as before."


class CommandNotRun(TattooDataError):
    exit_code = 126
    template = "{command!r} could not be run: {reason}"
    hint_template = "It has to be an executable file: `chmod +x` makes a script one. The stores are as before."


class NotPutBack(TattooDataError):
    template = "what the stores held before could not be put back: {reason}"
    hint_template = "It is kept. To put it back: tattoo-data restore {snapshot}"


class ScratchFailed(TattooDataError):
    template = "a temporary file in {folder} could not be written: {reason}"
    hint_template = "Set TMPDIR to a folder with more room, and run the same command again: it ends what was begun."


class StoreError(TattooDataError):
    template = "{service} at {endpoint} failed in {operation}: {reason}"
    hint_template = "Run it again with --debug to see every request."


def _listed(names: list[str]) -> str:
    """The names, or as many as a line takes."""
    more = len(names) - _LISTED
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_LISTED])} and {more} more"


def _nearest(name: str, known: list[str]) -> str:
    import difflib  # slow to load, and only a mistyped name needs it

    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else ""


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(member) for member in value]
    return str(value)
