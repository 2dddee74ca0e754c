"""What the commands of alerts and reports share: the ledger of a target that nobody is asked for, and its words."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from tattoo_data.cli.options import Invocation

if TYPE_CHECKING:
    from tattoo_data.monitoring.alert import Alert
    from tattoo_data.monitoring.ledger import Ledger
    from tattoo_data.monitoring.remember import Remembered
    from tattoo_data.settings import Settings


def remembered(invocation: Invocation) -> AbstractContextManager[Remembered]:
    """What is kept of the invocation's target, with the sinks that are told of it. No store is asked."""
    from tattoo_data.monitoring.remember import remembering

    return remembering(_settings(invocation), invocation.clock, invocation.output.say)


def recalled(invocation: Invocation) -> AbstractContextManager[Ledger]:
    """What is kept of the invocation's target, for what nobody has to be told of."""
    from tattoo_data.monitoring.remember import recalling

    return recalling(_settings(invocation), invocation.clock, invocation.output.say)


def _settings(invocation: Invocation) -> Settings:
    from tattoo_data.cli.trace import print_settings

    if invocation.settings.debug:
        print_settings(invocation.settings)
    return invocation.settings


def severities(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What the shell offers for a severity."""
    from tattoo_data.monitoring.alert import Severity

    return [CompletionItem(each.value) for each in Severity if each.value.startswith(incomplete)]


def show_alerts(invocation: Invocation, alerts: Sequence[Alert]) -> None:
    """Print alerts as a table."""
    rows = [_row(invocation, alert) for alert in alerts]
    invocation.output.table(["id", "severity", "cause", "since", "lasted", "now", "what"], rows)


def _row(invocation: Invocation, alert: Alert) -> list[str]:
    from tattoo_data.clock import timestamp
    from tattoo_data.monitoring.interval import span
    from tattoo_data.monitoring.report import lasted

    now = "open" if alert.is_open else "cleared" if alert.cleared else "closed"
    if alert.acknowledged_by and alert.is_open:
        now = f"acknowledged by {alert.acknowledged_by}"
    return [
        str(alert.id),
        alert.severity.value,
        alert.cause,
        f"{timestamp(alert.opened_at)[:19]}Z",
        span(lasted(alert, invocation.clock.now())),
        now,
        alert.message + (" (test)" if alert.test else ""),
    ]
