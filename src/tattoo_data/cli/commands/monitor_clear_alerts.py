"""`monitor clear-alerts [SEVERITY]`."""

from __future__ import annotations

import click

from tattoo_data.cli.alerts import severities
from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
Touches: no store; the alerts in the state folder.

\b
Example:
  tattoo-data monitor clear-alerts
  tattoo-data monitor clear-alerts info

\b
Exit status:
  0  no such alert is open any more
  2  no such severity
  15 the webhook's host is neither local nor allowed
"""


@click.command("clear-alerts", epilog=EPILOG)
@click.argument("severity", metavar="[SEVERITY]", required=False, shell_complete=severities)
@common
def command(invocation: Invocation, severity: str | None) -> int:
    """Close the open alerts of this target, or those of one severity.

    What is still wrong becomes a new alert at one of the next checks.
    """
    from tattoo_data.cli.alerts import remembered
    from tattoo_data.cli.render import amount
    from tattoo_data.monitoring.alert import severity_of
    from tattoo_data.monitoring.document import alert_document

    invocation.command = "monitor clear-alerts"
    wanted = severity_of(severity)
    with remembered(invocation) as kept:
        closed = kept.ledger.clear(wanted)
    if invocation.output.json:
        alerts = [alert_document(event.alert) for event in closed]
        invocation.output.document(invocation.envelope(cleared=len(closed), alerts=alerts))
    elif closed:
        invocation.output.line(f"{amount(len(closed), f'{wanted} alerts' if wanted else 'alerts')} cleared.")
    else:
        invocation.output.line(f"There was no open {f'{wanted} ' if wanted else ''}alert.")
    return 0
