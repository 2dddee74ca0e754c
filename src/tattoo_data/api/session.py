"""The session: a target, and a function for each verb. Its groups are those of the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack

from tattoo_data.api.backups import Backups
from tattoo_data.api.connection import Connection, Writing, stores_of, write_options
from tattoo_data.api.migrate import Migrate
from tattoo_data.api.monitor import Monitor
from tattoo_data.api.sync import Sync
from tattoo_data.backups.remove import Removed
from tattoo_data.backups.remove import clear as clear_backups
from tattoo_data.backups.restore import Restored, RestoreOptions, restore, restore_backup
from tattoo_data.backups.take import Taken, TakeOptions, take
from tattoo_data.catalog import Scenario, State, scenario_names, states
from tattoo_data.clock import Clock
from tattoo_data.engine.make_equal import Change
from tattoo_data.environment import Say, Target, application_variables
from tattoo_data.errors import UnknownChoice
from tattoo_data.repository.manifests import Kind as SnapshotKind
from tattoo_data.runs.history import Past, history
from tattoo_data.runs.session import Command, WriteOptions
from tattoo_data.runs.undo import Undone, UndoOptions, redo, undo
from tattoo_data.seeding.clear import BACKUPS, check_type, clear
from tattoo_data.seeding.reset import ResetOptions, check_reset, reset
from tattoo_data.seeding.save import Saved, SaveOptions, save_scenario
from tattoo_data.seeding.seed import Seeded, SeedOptions, check_seed, seed
from tattoo_data.settings import SPECS, Settings, resolve
from tattoo_data.transfer.export import DEFAULT_FOLDER, DEFAULT_STORES, Exported, ExportOptions, export
from tattoo_data.transfer.import_files import Imported, ImportOptions, import_contents, read_files
from tattoo_data.transfer.read import open_files
from tattoo_data.validation.fix import Fixed, fix
from tattoo_data.validation.report import Report
from tattoo_data.validation.validate import (
    ValidateOptions,
    What,
    check_options,
    day_of,
    validate_files,
    validate_live,
)
from tattoo_data.views.child import Signals
from tattoo_data.views.diff import Comparison, DiffOptions, diff
from tattoo_data.views.doctor import Diagnosis
from tattoo_data.views.doctor import doctor as examine
from tattoo_data.views.sides import LIVE, Kind, find_side
from tattoo_data.views.status import Status, status
from tattoo_data.views.why import Known, why
from tattoo_data.views.with_state import acts_on, with_state

Result = TypeVar("Result")


def connect(*, say: Say = lambda text: None, **settings: object) -> Session:
    """A session with the target that the settings name, taken as the command line takes them: from here, else the
    environment, else `tattoo-data.toml`, else the default. `say` gets what is worth telling beside a result.

    Nothing is sent before a verb needs it. Raises `BadSetting`, `UnknownChoice` and `UsageError` for settings that
    are none.
    """
    return Session(Connection(_resolved(settings), say))


def doctor(**settings: object) -> Diagnosis:
    """What `tattoo-data doctor` looks at, for the target that the settings name. It raises nothing: settings that are
    none are a check that is broken."""
    from tattoo_data.monitoring.kept import kept

    return examine(lambda: _resolved(settings), Clock(), kept=kept)


def _resolved(settings: Mapping[str, object]) -> Settings:
    known = [*(spec.name for spec in SPECS), "config"]
    for name in settings:
        if name not in known:
            raise UnknownChoice(kind="setting", name=name, known=known)
    return resolve(settings, os.environ, Path.cwd())


class Session:
    """One target. A context manager; `close` does the same. The verbs raise the errors of `tattoo_data.errors`, and
    a result says itself what failed: `change.failures` names the records."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.backups = Backups(connection)
        self.migrate = Migrate(connection)
        self.monitor = Monitor(connection)
        self.sync = Sync(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give all connections back. Idempotent; a verb opens them again."""
        self._connection.close()

    @property
    def settings(self) -> Settings:
        """Every setting, with where each came from in `sources`."""
        return self._connection.settings

    @property
    def target(self) -> Target:
        """Where the stores are. Finding them may start the local stack."""
        return self._connection.reading().target

    def variables(self) -> dict[str, str]:
        """The application's environment variables for this target, as `tattoo-data env` prints them."""
        return application_variables(self._connection.reading())

    def states(self) -> Sequence[State]:
        """The reset states. Nothing is opened."""
        return tuple(states())

    def scenarios(self) -> Sequence[Scenario]:
        """The scenarios, those of the settings file too. Nothing is opened."""
        return tuple(scenario_names(self.settings.scenarios, self.settings.config_path).values())

    def save_scenario(self, name: str, where: str, path: str | Path | None = None, *, force: bool = False) -> Saved:
        """Save artists of the live table that `where` (JMESPath) selects as a scenario of one's own."""
        file = Path(path) if path else Path("scenarios") / f"{name}.json"
        return save_scenario(self._connection.reading(), SaveOptions(name=name, where=where, path=file, force=force))

    def status(self) -> Status:
        """What the stores hold, and which state that is. What does not answer is part of it."""
        return status(self._connection.reading())

    def reset(self, state: str, *, scale: int | None = None, **write: Unpack[Writing]) -> Seeded | Restored:
        """Make the stores equal a reset state. `backup-restore` gives a `Restored`, every other a `Seeded`."""
        options = ResetOptions(state=state, scale=scale, write=write_options(write))
        source = check_reset(options).source
        env = self._connection.writing(options.write, options.question)
        if source == "backup":
            return restore_backup(env, Command(name="reset", arguments=(state,)), options.write)
        return reset(env, options)

    def seed(self, scenario: str, *, only: bool = False, **write: Unpack[Writing]) -> Seeded:
        """Add a scenario's records; with `only`, what is not in it goes."""
        options = SeedOptions(scenario=scenario, only=only, write=write_options(write))
        check_seed(self.settings, scenario)
        return seed(self._connection.writing(options.write, options.question), options)

    def clear(self, what: str = "all", **write: Unpack[Writing]) -> Change | Removed:
        """Empty the stores, or one of them. `backups` removes all snapshots, needs `yes` and gives a `Removed`."""
        check_type(what)
        options = write_options(write)
        env = self._connection.writing(options, f"clear {what}")
        if what != BACKUPS:
            return clear(env, what, options)
        if not options.dry_run:
            self._connection.confirm("clear backups", env)
        return clear_backups(env, dry_run=options.dry_run, wait=options.wait)

    def undo(self, run: str | None = None, *, force: bool = False, **write: Unpack[Writing]) -> Undone:
        """Take back the last writing verb, or the run that is named; with `force`, what was changed since too."""
        options = UndoOptions(run=run, force=force, write=write_options(write))
        return undo(self._connection.writing(options.write, options.question), options)

    def redo(self, *, force: bool = False, **write: Unpack[Writing]) -> Undone:
        """Take back the last undo."""
        options = UndoOptions(force=force, write=write_options(write))
        return redo(self._connection.writing(options.write, options.redo_question), options)

    def history(self) -> Sequence[Past]:
        """What was done to this target, the newest first."""
        return history(self._connection.reading())

    def backup(self, name: str | None = None, *, wait: float = 0.0) -> Taken:
        """Keep all that the stores hold as a backup; without a name it is called by the time."""
        return take(self._connection.reading(), TakeOptions(name=name, wait=wait))

    def snapshot(self, name: str, *, wait: float = 0.0) -> Taken:
        """Keep all that the stores hold as a snapshot."""
        return take(self._connection.reading(), TakeOptions(name=name, kind=SnapshotKind.SNAPSHOT, wait=wait))

    def restore(
        self, name: str, *, only: Iterable[str] = (), keys: str | None = None, **write: Unpack[Writing]
    ) -> Restored:
        """Make the stores equal a snapshot or backup, or only some stores or keys of it."""
        options = RestoreOptions(reference=name, only=stores_of(only), keys=keys, write=write_options(write))
        return restore(self._connection.writing(options.write, options.question), options)

    def export(self, path: str | Path = DEFAULT_FOLDER, *, only: Iterable[str] = (), images: bool = False) -> Exported:
        """Write what the stores hold into a new folder in `path`."""
        chosen = set(stores_of(only) or DEFAULT_STORES) | set(stores_of(["images"]) if images else ())
        return export(self._connection.reading(), ExportOptions(folder=Path(path), stores=chosen))

    def import_(
        self,
        path: str | Path,
        *,
        only: Iterable[str] = (),
        replace: bool = False,
        strict: bool = False,
        rejects: str | Path | None = None,
        **write: Unpack[Writing],
    ) -> Imported:
        """Make the stores hold what files hold; with `replace`, what the files do not hold goes. All of it is read
        before a store is opened."""
        options = ImportOptions(
            path=str(path),
            only=stores_of(only),
            replace=replace,
            strict=strict,
            rejects=Path(rejects) if rejects else None,
            write=write_options(write),
        )
        with closing(open_files(Path(path))) as source:
            read = read_files(source, options, self._connection.clock)
            env = self._connection.writing(options.write, options.question)
            return import_contents(env, read.contents, options, read.listed)

    def validate(
        self,
        what: str = "all",
        *paths: str | Path,
        rules: Iterable[str] = (),
        skip: Iterable[str] = (),
        baseline: str | Path | None = None,
    ) -> Report:
        """Check `all`, the `database`, `opensearch`, the `consistency` of both, or `files`: those at `paths`, else the
        catalogue. `report.fails()` says whether an error was found."""
        if what not in list(What):
            raise UnknownChoice(kind="what to validate", name=what, known=list(What))
        options = ValidateOptions(
            what=What(what),
            paths=tuple(map(Path, paths)),
            only=frozenset(rules),
            skip=frozenset(skip),
            baseline=Path(baseline) if baseline else None,
        )
        check_options(options)
        day = day_of(self.settings, self._connection.clock)
        if options.what is What.FILES:
            return validate_files(self.settings, day, options)
        return validate_live(self._connection.reading(), day, options)

    def fix(self, report: Report, **write: Unpack[Writing]) -> Fixed:
        """Mend what a report of the live stores says, as far as there is a mend."""
        options = write_options(write)
        return fix(self._connection.writing(options, f"validate {report.what} --fix changes records"), report, options)

    def diff(self, a: str, b: str = LIVE, *, only: Iterable[str] = (), keys: str | None = None) -> Comparison:
        """What would have to happen to `a` to become `b`: states, scenarios, snapshots, files, or the live stores."""
        return diff(self._connection.reading(), DiffOptions(a=a, b=b, only=stores_of(only), keys=keys))

    def why(self, key: str) -> Known:
        """Everything that is known of one record, document or image."""
        return why(self._connection.reading(), key)

    def with_state(self, state: str, act: Callable[[], Result], *, undo: bool = True, wait: float = 0.0) -> Result:
        """Call `act` while the stores hold a state, scenario or snapshot, and put them back, also when it raises.
        Returns what `act` returns. Raises `NotPutBack`, which names the snapshot that has what was there."""
        options, results = WriteOptions(undo=undo, wait=wait), list[Result]()
        env = self._connection.writing(options, f"with {state} replaces what is there for a while")
        side = find_side(env, state, (Kind.STATE, Kind.SCENARIO, Kind.SNAPSHOT))

        def run() -> int:
            results.append(act())
            return 0

        with_state(acts_on(env, side, options, run), Signals())
        return results[0]
