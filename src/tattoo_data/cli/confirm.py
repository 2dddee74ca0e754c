"""The question before a deletion: answered by --yes, TATTOO_DATA_YES, or at the terminal."""

from __future__ import annotations

import sys

import click

from tattoo_data.cli.options import Invocation
from tattoo_data.cli.streams import is_terminal
from tattoo_data.environment import Environment
from tattoo_data.errors import ConfirmationNeeded


def confirm(invocation: Invocation, env: Environment, action: str, *, always: bool = False) -> None:
    """Ask before `action` on a target that is not local, or on any with `always`.

    Raises `ConfirmationNeeded` without a terminal, and click's Abort when the answer is no.
    """
    if always or not env.target.local:
        ask(invocation, action, env.target.aws_endpoint)


def ask(invocation: Invocation, action: str, target: str) -> None:
    """Ask whatever the target is."""
    if invocation.settings.yes:
        return
    if not is_terminal(sys.stdin):
        raise ConfirmationNeeded(action=action, target=target)
    invocation.output.end_progress()
    click.confirm(f"{action} ({target}). Go on?", abort=True, err=True)
