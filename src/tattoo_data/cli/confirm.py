"""The question before a deletion: answered by --yes, TATTOO_DATA_YES, or at the terminal."""

from __future__ import annotations

import sys

import click

from tattoo_data.cli.options import Invocation
from tattoo_data.cli.streams import is_terminal
from tattoo_data.environment import Environment
from tattoo_data.errors import ConfirmationNeeded, NotConfirmed


def confirm(invocation: Invocation, env: Environment, action: str | None, *, always: bool = False) -> None:
    """Ask before `action` on a target that is not local, or on any with `always`. None needs no question.

    Raises `ConfirmationNeeded` without a terminal, and `NotConfirmed` when the answer is no.
    """
    if action and (always or not env.target.local):
        ask(invocation, action, env.target.aws_endpoint)


def ask(invocation: Invocation, action: str, target: str) -> None:
    """Ask whatever the target is."""
    if invocation.settings.yes:
        return
    if not is_terminal(sys.stdin):
        raise ConfirmationNeeded(action=action, target=target)
    invocation.output.end_progress()
    if not click.confirm(f"{action} ({target}). Go on?", err=True):
        raise NotConfirmed(action=action, target=target)
