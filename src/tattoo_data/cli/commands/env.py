"""`env`."""

from __future__ import annotations

import shlex

import click

from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
Touches: nothing; it starts the local stack where no endpoint is named.

\b
Example:
  eval "$(tattoo-data env)"

\b
Exit status:
  0  printed
  14 a service does not answer
"""


@click.command("env", epilog=EPILOG)
@common
def command(invocation: Invocation) -> int:
    """Print the application's environment variables for this target."""
    from tattoo_data.cli.render import envelope
    from tattoo_data.environment import application_variables

    with invocation.environment() as env:
        variables = application_variables(env)
        if invocation.output.json:
            invocation.output.document(envelope(invocation, env, variables=variables))
        else:
            for name, value in variables.items():
                invocation.output.line(f"export {name}={shlex.quote(value)}")
    return 0
