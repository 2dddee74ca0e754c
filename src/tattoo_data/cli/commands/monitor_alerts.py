"""`monitor alerts [SEVERITY]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.alerts import severities
from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data.monitoring.alert import Alert, Severity
    from tattoo_data.monitoring.ledger import Ledger

EPILOG = """\b
Touches: no store; --acknowledge writes to the alerts in the state folder.

\b
Example:
  tattoo-data monitor alerts
  tattoo-data monitor alerts critical --all
  tattoo-data monitor alerts --acknowledge 3 --acknowledge 4
  tattoo-data monitor alerts --json | jq -r '.alerts[].message'

\b
Exit status:
  0  whatever was found
  2  no such severity
  10 no such alert
"""
_EVERY = "all"


@click.command("alerts", epilog=EPILOG)
@click.argument("severity", metavar="[SEVERITY]", required=False, shell_complete=severities)
@click.option("--closed", is_flag=True, help="Those that are over, the last to close first.")
@click.option("--all", "every", is_flag=True, help="The open ones and those that are over.")
@click.option("--acknowledge", multiple=True, metavar="ID", help="Note that you know of it; may be repeated, or `all`.")
@click.option("--limit", type=click.IntRange(0), default=0, metavar="N", help="The first N; 0 is all.  [0]")
@common
def command(
    invocation: Invocation, severity: str | None, closed: bool, every: bool, acknowledge: tuple[str, ...], limit: int
) -> int:
    """List the alerts of this target, the worst first.

    SEVERITY is critical, warning or info. They are those that `monitor check`, `watch` and `serve` raised.
    """
    from tattoo_data.cli.alerts import recalled, show_alerts
    from tattoo_data.errors import UsageError
    from tattoo_data.monitoring.alert import severity_of
    from tattoo_data.monitoring.document import alert_document

    invocation.command = "monitor alerts"
    wanted = severity_of(severity)
    if acknowledge and (closed or every):
        raise UsageError(
            what="--acknowledge is for open alerts, and goes without --closed and --all",
            hint="First acknowledge; then list with --all.",
        )
    with recalled(invocation) as ledger:
        if acknowledge:
            found = _acknowledge(ledger, acknowledge, wanted)
        else:
            listed = ledger.alerts(wanted, closed=closed or every)
            found = [each for each in listed if not (closed and each.is_open)]
    shown = found[: limit or None]
    if invocation.output.json:
        counts = {"total": len(found), "open": sum(alert.is_open for alert in found)}
        alerts = [alert_document(alert) for alert in shown]
        invocation.output.document(invocation.envelope(summary=counts, alerts=alerts))
        return 0
    if shown:
        show_alerts(invocation, shown)
    else:
        invocation.output.line(_nothing(wanted, closed=closed, every=every))
    if len(found) > len(shown):
        invocation.output.say(f"... and {len(found) - len(shown):,} more (--limit 0 shows all)")
    return 0


def _acknowledge(ledger: Ledger, given: tuple[str, ...], severity: Severity | None) -> list[Alert]:
    from tattoo_data.errors import UsageError
    from tattoo_data.repository.who import who

    if _EVERY in given:
        ids = [alert.id for alert in ledger.alerts(severity)]
    elif severity is not None:
        raise UsageError(
            what="alerts are named by their id; a severity goes with --acknowledge all",
            hint="Leave out the severity, or give --acknowledge all.",
        )
    else:
        ids = [_id(text) for text in given]
    return ledger.acknowledge(ids, who())


def _id(text: str) -> int:
    from tattoo_data.errors import UsageError

    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise UsageError(what=f"{text!r} is no id of an alert", hint="`tattoo-data monitor alerts` lists them.")
    return int(text)


def _nothing(severity: Severity | None, *, closed: bool, every: bool) -> str:
    kind = f"{severity} " if severity else ""
    return f"There is no {'' if every else 'closed ' if closed else 'open '}{kind}alert."
