"""`completion SHELL`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

EPILOG = """\b
Touches: nothing.
\b
Example:
  eval "$(tattoo-data completion bash)"
\b
Exit status:
  0  printed
"""


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the shell's completion script."""
    found = get_completion_class(shell)
    assert found is not None
    root = click.get_current_context().find_root()
    click.echo(found(root.command, {}, "tattoo-data", "_TATTOO_DATA_COMPLETE").source())
    return 0
