"""`seed SCENARIO`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.complete import scenario_names
from tattoo_data.cli.options import Invocation, as_of, common, writing

if TYPE_CHECKING:
    from tattoo_data.runs.session import WriteOptions

EPILOG = """\b
Touches: table, index and images; it adds or replaces the scenario's records.

\b
Example:
  tattoo-data seed search-basic
  tattoo-data seed location-london+minimal --as-of 2026-01-31
  tattoo-data seed ./my-scenario.json --only

\b
Exit status:
  0  the stores hold the scenario
  3  finished, some records failed; they are named
  10 no scenario has this name
  11 another command writes to this target
  12 the stores do not answer as the scenario promises
  14 a service does not answer
"""


@click.command("seed", epilog=EPILOG)
@click.argument("scenario", shell_complete=scenario_names)
@click.option("--only", is_flag=True, help="Remove whatever is not in the scenario.")
@as_of
@writing
@common
def command(invocation: Invocation, scenario: str, only: bool, write: WriteOptions) -> int:
    """Add a scenario's records to the live stores.

    SCENARIO is a name, several as A+B, or a file of your own records. What is there already and equal is left
    alone; other records stay, unless --only.
    """
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.cli.render import show_change
    from tattoo_data.seeding.seed import SeedOptions, check_seed, seed

    options = SeedOptions(scenario=scenario, only=only, write=write)
    check_seed(invocation.settings, scenario)
    with invocation.environment(write=not write.dry_run) as env:
        confirm(invocation, env, options.question)
        seeded = seed(env, options)
        return show_change(
            invocation,
            env,
            seeded.change,
            headline=f"seed {scenario}, as of {seeded.as_of}",
            proof=seeded.proof,
            scenario=scenario,
            asOf=seeded.as_of.isoformat(),
        )
