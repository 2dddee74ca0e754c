"""`completion SHELL`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
Touches: nothing.

\b
Example:
  eval "$(tattoo-data completion bash)"

\b
Exit status:
  0  printed
  2  no such shell; with --json, which names the target: a setting has a bad value
"""


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common
def command(invocation: Invocation, shell: str) -> int:
    """Print the shell's completion script."""
    found = get_completion_class(shell)
    assert found is not None
    root = click.get_current_context().find_root()
    script = found(root.command, {}, "tattoo-data", "_TATTOO_DATA_COMPLETE").source()
    if invocation.output.json:
        invocation.output.document(invocation.envelope(script=script))
    else:
        invocation.output.line(script)
    return 0
