"""Seed: add or replace a scenario's records; nothing else is touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from tattoo_data.catalog import Dataset, Scenario, Selection, find_scenarios, load, resolve
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.verify import Verify
from tattoo_data.environment import Environment
from tattoo_data.files import printable
from tattoo_data.runs.session import Command, WriteOptions, writing
from tattoo_data.seeding.content import context_of, desired_of
from tattoo_data.seeding.prove import Proof, prove
from tattoo_data.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """What a seed or reset did, and the proof that the stores hold it; none after a dry run or `--verify none`."""

    change: Change
    as_of: date
    proof: Proof | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedOptions:
    """`scenario` is a name, `A+B`, or a file of one's own; with `only`, what is not in it goes."""

    scenario: str
    only: bool = False
    write: WriteOptions = field(default_factory=WriteOptions)

    @property
    def question(self) -> str | None:
        """What is asked before, on a target that is not local; None where nothing has to be."""
        asks = self.only and not self.write.dry_run
        return f"seed {self.scenario} --only removes every other record" if asks else None


def seed(env: Environment, options: SeedOptions) -> Seeded:
    """Make the stores hold the scenario. Raises `UnknownName`, `BadSetting` and `BadRecord` before anything is
    written."""
    arguments = (printable(options.scenario), *(("--only",) if options.only else ()))
    command = Command(name="seed", arguments=arguments, as_of=env.settings.as_of)
    with writing(env, command, options.write) as session:
        dataset = load(context_of(env, session.as_of))
        scenarios, selection = resolve(options.scenario, dataset, env.settings.scenarios, env.settings.config_path)
        change = session.carry_out(desired_of(selection, prune=options.only), as_of=session.as_of)
        return proven(env, change, options.write, scenarios, selection, dataset)


def check_seed(settings: Settings, expression: str) -> None:
    """Raise `UnknownName` or `BadSetting` where a part of `A+B` names no scenario, before anything is opened."""
    find_scenarios(expression, settings.scenarios, settings.config_path)


def proven(
    env: Environment,
    change: Change,
    write: WriteOptions,
    scenarios: list[Scenario],
    selection: Selection,
    dataset: Dataset,
) -> Seeded:
    """A change with its proof, where one was asked for and everything was written."""
    skip = change.dry_run or change.failures or write.verify is Verify.NONE or not scenarios
    proof = None if skip else prove(env, scenarios, selection, dataset)
    return Seeded(change=change, as_of=dataset.context.as_of, proof=proof)


def day_of(env: Environment) -> date:
    """The as-of day of a command that seeds: what is set, else today (UTC)."""
    return env.settings.as_of or env.clock.today()
