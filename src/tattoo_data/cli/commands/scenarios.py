"""`scenarios` and `scenarios save`."""

from __future__ import annotations

from pathlib import Path

import click

from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
Touches: nothing.

\b
Example:
  tattoo-data scenarios
  tattoo-data scenarios save leith --where "contains(locationDisplay, 'Leith')"

\b
Exit status:
  0  always
  2  a scenario of the settings file is broken
"""
SAVE_EPILOG = """\b
Touches: reads the table; writes one file.

\b
Example:
  tattoo-data scenarios save leith --where "contains(locationDisplay, 'Leith')"

\b
Exit status:
  0  saved
  2  the expression is no JMESPath, selects nothing, or the file is there already
  10 the table does not exist
"""


@click.group("scenarios", epilog=EPILOG, invoke_without_command=True)
@common
def command(invocation: Invocation) -> int:
    """List the scenarios, or save one from live data."""
    if click.get_current_context().invoked_subcommand is not None:
        return 0
    from tattoo_data.catalog import scenario_names

    found = scenario_names(invocation.settings.scenarios, invocation.settings.config_path).values()
    if invocation.output.json:
        listed = [
            {"name": each.name, "description": each.description, "useCase": each.use_case, "origin": each.origin}
            for each in found
        ]
        invocation.output.document(
            {"command": invocation.command, "elapsedSeconds": invocation.elapsed(), "scenarios": listed}
        )
    else:
        rows = [[each.name, each.description, each.use_case or each.origin] for each in found]
        invocation.output.table(["scenario", "description", "use case"], rows)
    return 0


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
