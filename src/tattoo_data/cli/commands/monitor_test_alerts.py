"""`monitor test-alerts`."""

from __future__ import annotations

import click

from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
Touches: no store; the alerts in the state folder, the log file and the webhook.

\b
Example:
  tattoo-data monitor test-alerts

\b
Exit status:
  0  every alert arrived everywhere
  4  one did not arrive; where is said
  15 the webhook's host is neither local nor allowed
"""
UNARRIVED = 4


@click.command("test-alerts", epilog=EPILOG)
@common
def command(invocation: Invocation) -> int:
    """Raise an alert of each severity, and check that it arrives.

    They go the whole way: into the ledger, to the log file and to the webhook, as far as the settings name them; they
    are marked as tests, closed at once, and in no report.
    """
    from tattoo_data.cli.alerts import remembered
    from tattoo_data.monitoring.drill import drill

    invocation.command = "monitor test-alerts"
    with remembered(invocation) as kept:
        arrivals = drill(kept)
    failed = [each for each in arrivals if not each.arrived]
    if invocation.output.json:
        found = [
            {
                "id": each.alert.id,
                "severity": each.alert.severity.value,
                "where": each.where,
                "arrived": each.arrived,
                "problem": each.problem,
            }
            for each in arrivals
        ]
        invocation.output.document(invocation.envelope(arrived=not failed, arrivals=found))
    else:
        rows = [
            [each.alert.severity.value, each.where, "arrived" if each.arrived else each.problem or "did not arrive"]
            for each in arrivals
        ]
        invocation.output.table(["severity", "where", "what came of it"], rows)
        for name, setting, is_there in (
            ("log file", "[monitoring] log", kept.sinks.log),
            ("webhook", "[monitoring] webhook", kept.sinks.webhook),
        ):
            if is_there is None:
                invocation.output.say(f"No {name} is set ({setting} in tattoo-data.toml).")
    return UNARRIVED if failed else 0
