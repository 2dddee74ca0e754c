"""`monitor VERB`."""

from __future__ import annotations

import click

from tattoo_data.cli.commands import (
    monitor_alerts,
    monitor_check,
    monitor_clear_alerts,
    monitor_report,
    monitor_serve,
    monitor_test_alerts,
    monitor_watch,
)

EPILOG = """\b
Touches: no live store; alerts and history are kept in the state folder.

\b
Example:
  tattoo-data monitor check
  tattoo-data monitor watch 10s
  tattoo-data monitor alerts critical

\b
Exit status:
  0  done; the verbs' own help says more
"""


@click.group("monitor", epilog=EPILOG)
def command() -> None:
    """See what goes on in the stores: checks, alerts, reports, a dashboard."""


for each in (
    monitor_check,
    monitor_watch,
    monitor_serve,
    monitor_report,
    monitor_alerts,
    monitor_clear_alerts,
    monitor_test_alerts,
):
    command.add_command(each.command)
