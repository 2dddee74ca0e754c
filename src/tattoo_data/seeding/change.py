"""One writing command: a desired state, made equal by the engine, and kept as a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from tattoo_data.catalog import Context, Selection
from tattoo_data.clock import timestamp
from tattoo_data.engine.make_equal import Change, How, make_equal
from tattoo_data.engine.plan import Desired, Plan, Source
from tattoo_data.engine.verify import Verify
from tattoo_data.environment import Environment
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.project import documents_of, image_entry, item_of
from tattoo_data.repository.runs import Run, Runs, new_run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """What every writing command can be told."""

    dry_run: bool = False
    verify: Verify = Verify.KEYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What was asked, as its run keeps it: the verb, its arguments, and the day of a catalogue's dates."""

    name: str
    arguments: tuple[str, ...] = ()
    as_of: date | None = None


@dataclass(slots=True, kw_only=True)
class _RunJournal:
    """Keeps a command as a run of this target."""

    runs: Runs
    env: Environment
    command: Command
    _begun: Run | None = field(default=None, init=False)

    def begin(self, plan: Plan, fingerprint_before: str) -> str:
        run = Run(
            id=new_run_id(self.env.clock),
            command=self.command.name,
            arguments=self.command.arguments,
            target=self.env.target.id,
            status="running",
            started_at=timestamp(self.env.clock.now()),
            as_of=self.command.as_of,
            fingerprint_before=fingerprint_before,
        )
        self.runs.write(run)
        self._begun = run
        return run.id

    def end(self, change: Change) -> None:
        assert self._begun is not None
        self.runs.write(_ended(self._begun, change, timestamp(self.env.clock.now())))


def _ended(run: Run, change: Change, ended_at: str) -> Run:
    from dataclasses import asdict, replace

    return replace(
        run,
        status="partial" if change.failures else "done",
        ended_at=ended_at,
        counts={name.value: asdict(counts) for name, counts in change.counts.items()},
        fingerprint_after=change.fingerprint,
    )


def carry_out(env: Environment, command: Command, desired: Desired, options: WriteOptions) -> Change:
    """Make the live stores equal `desired`, and keep the run where anything changed."""
    how = How(
        dry_run=options.dry_run,
        verify=options.verify,
        swap=env.settings.index_swap != "never",
        progress=env.progress,
    )
    journal = _RunJournal(runs=env.runs, env=env, command=command)
    return make_equal(env.stores, desired, journal, env.pool, how)


def context_of(env: Environment, as_of: date) -> Context:
    """What the catalogue's tokens are resolved with."""
    return Context(as_of=as_of, images_base_url=env.settings.images_base_url, image_bucket=env.settings.image_bucket)


def sources_of(selection: Selection) -> Mapping[StoreName, Source]:
    """A selection of the catalogue as the content of the three stores. The table's items are made once, for they
    are the index's documents too."""
    made: list[Entry] = []

    def items() -> Iterator[Entry]:
        if not made:
            made.extend(map(item_of, selection.records()))
        return iter(made)

    return {
        StoreName.TABLE: items,
        StoreName.INDEX: lambda: documents_of(items()),
        StoreName.IMAGES: lambda: map(image_entry, selection.images),
    }


def nothing() -> Iterator[Entry]:
    """The content of an empty store."""
    return iter(())
