"""Reset: make the live stores equal a reset state, so that whatever is not in it goes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tattoo_data.catalog import Dataset, Scenario, Selection, State, find_state, load, resolve
from tattoo_data.catalog.copies import copies
from tattoo_data.catalog.scenario import DEFAULT_COPIES, scenarios
from tattoo_data.catalog.selection import union
from tattoo_data.environment import Environment
from tattoo_data.errors import UsageError
from tattoo_data.runs.session import Command, WriteOptions, writing
from tattoo_data.seeding.content import context_of, desired_of
from tattoo_data.seeding.seed import Seeded, proven

#: The scenario whose searches are asked of a state that holds the full dataset.
_FULL_SEARCHES = "search-basic"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetOptions:
    """`scale` is the number of copies of each artist in `performance-test`; None is its own 5."""

    state: str
    scale: int | None = None
    write: WriteOptions = field(default_factory=WriteOptions)

    @property
    def question(self) -> str | None:
        """What is asked before, on a target that is not local; None where nothing has to be."""
        return None if self.write.dry_run else f"reset {self.state} removes everything that is not in it"


def reset(env: Environment, options: ResetOptions) -> Seeded:
    """Make the stores equal the state. Raises `UnknownName` for an unknown state, `NoBackup` for `backup-restore`
    where there is none, before anything is written."""
    state = check_reset(options)
    assert state.source != "backup", "the newest backup is restored by `restore_backup`"
    scale = () if options.scale is None else ("--scale", str(options.scale))
    command = Command(name="reset", arguments=(state.name, *scale), as_of=env.settings.as_of)
    with writing(env, command, options.write) as session:
        dataset = load(context_of(env, session.as_of))
        named, selection = content_of(state, dataset, options.scale)
        change = session.carry_out(desired_of(selection, prune=True), as_of=session.as_of)
        return proven(env, change, options.write, named, selection, dataset)


def check_reset(options: ResetOptions) -> State:
    """The state that is asked for. Raises `UnknownName`, and `UsageError` for a scale that makes no sense."""
    state = find_state(options.state)
    if options.scale is not None and state.source != "copies":
        raise UsageError(
            what=f"--scale is for performance-test; {state.name} has no copies",
            hint="Leave --scale out, or reset to performance-test.",
        )
    if options.scale is not None and options.scale < 1:
        raise UsageError(
            what=f"--scale is {options.scale}; it is the number of copies of each artist, 1 or more",
            hint="Without --scale there are as many as the state says.",
        )
    return state


def content_of(state: State, dataset: Dataset, scale: int | None = None) -> tuple[list[Scenario], Selection]:
    """What a state holds, and the scenarios whose promises and searches prove it."""
    if state.source == "empty":
        return [], union(())
    if state.source == "full":
        return [_searches_only()], dataset.full()
    if state.source == "copies":
        return [], copies(dataset, DEFAULT_COPIES if scale is None else scale)
    return resolve(state.source, dataset, {}, None)


def _searches_only() -> Scenario:
    found = next(scenario for scenario in scenarios() if scenario.name == _FULL_SEARCHES)
    return replace(found, promise=None)
