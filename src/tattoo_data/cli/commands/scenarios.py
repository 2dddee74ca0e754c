"""`scenarios` and `scenarios save`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data.errors import UsageError

EPILOG = """\b
Touches: nothing.

\b
Example:
  tattoo-data scenarios
  tattoo-data scenarios save leith --where "contains(locationDisplay, 'Leith')"

\b
Exit status:
  0  listed
  2  a scenario of the settings file is broken: the others are listed, and it is named
"""
SAVE_EPILOG = """\b
Touches: reads the table; writes one file.

\b
Example:
  tattoo-data scenarios save leith --where "contains(locationDisplay, 'Leith')"

\b
Exit status:
  0  saved
  2  the name or the JMESPath expression is invalid, nothing is selected, or the file is there already
  10 the table does not exist
"""


@click.group("scenarios", epilog=EPILOG, invoke_without_command=True)
@common
def command(invocation: Invocation) -> int:
    """List the scenarios, or save one from live data."""
    if click.get_current_context().invoked_subcommand is not None:
        return 0
    from tattoo_data.catalog import Context, load, tried_scenarios

    settings = invocation.settings
    context = Context(
        as_of=settings.as_of or invocation.clock.today(),
        images_base_url=settings.images_base_url,
        image_bucket=settings.image_bucket,
    )
    found, broken = tried_scenarios(settings.scenarios, settings.config_path, load(context))
    if invocation.output.json:
        listed = [
            {"name": each.name, "description": each.description, "useCase": each.use_case, "origin": each.origin}
            for each in found
        ]
        told = [{"name": name, "message": error.message} for name, error in broken.items()]
        invocation.output.document(invocation.envelope(scenarios=listed, broken=told))
    else:
        rows = [[each.name, each.description, each.use_case or each.origin] for each in found]
        invocation.output.table(["scenario", "description", "use case"], rows)
    if broken:
        raise _broken(broken)
    return 0


def _broken(broken: Mapping[str, UsageError]) -> UsageError:
    """One error that names all of them."""
    from tattoo_data.errors import UsageError

    if len(broken) == 1:
        ((name, error),) = broken.items()
        if name == error.fields.get("name"):  # it is not one of them that is broken, but all that should be
            return error
        return UsageError(what=f"the scenario {name} is broken: {error.message}", hint=error.hint)
    each = "\n".join(f"  {name}: {error.message}" for name, error in broken.items())
    return UsageError(
        what=f"{len(broken)} scenarios are broken:\n{each}",
        hint="Mend them in the settings file, or take them out of it.",
    )


@command.command("save", epilog=SAVE_EPILOG)
@click.argument("name")
@click.option("--where", required=True, metavar="EXPRESSION", help="JMESPath over an artist.")
@click.option("--file", "path", type=click.Path(path_type=Path), help="The file to write.  [scenarios/NAME.json]")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@common
def save(invocation: Invocation, name: str, where: str, path: Path | None, force: bool) -> int:
    """Save artists of the live table, with what they refer to, as a scenario."""
    from tattoo_data.cli.render import amounts, envelope
    from tattoo_data.seeding.save import SaveOptions, save_scenario

    options = SaveOptions(name=name, where=where, path=path or Path("scenarios") / f"{name}.json", force=force)
    with invocation.environment() as env:
        saved = save_scenario(env, options)
        if invocation.output.json:
            fields = {"scenario": name, "file": str(saved.path), "records": dict(saved.counts)}
            invocation.output.document(envelope(invocation, env, **fields))
        else:
            invocation.output.line(f"Saved {amounts(saved.counts)} to {saved.path}.")
            invocation.output.say(f"Seed it with: tattoo-data seed {saved.path}")
    return 0
