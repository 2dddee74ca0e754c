"""`monitor check`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data.model.entry import StoreName
    from tattoo_data.monitoring.alert import Alert
    from tattoo_data.monitoring.sample import Difference, Sample, StoreSample

EPILOG = """\b
Touches: no live store; the check is added to the history in the state folder.

\b
Example:
  tattoo-data monitor check
  tattoo-data monitor check --light
  tattoo-data monitor check --json | jq -r '.health, .findings[].key'

\b
Exit status:
  0  healthy, or degraded: requests were throttled or had to be sent again
  4  a store does not answer or is not as it should be, or table and index disagree
  15 the webhook's host is neither local nor allowed
"""
UNHEALTHY = 4
_SHOWN = 10
#: What is told of a store; with --verbose the rest too, which takes a wide terminal.
_COLUMNS = ("store", "health", "count", "p50", "p95", "requests", "failed", "p99", "errors", "throttled", "engine")
_NARROW = 7
_WHAT = {"missing": "has no document", "extra": "has a document and no item", "different": "differs"}


@click.command("check", epilog=EPILOG)
@click.option("--light", is_flag=True, help="Send under ten requests: compare one page of the table, count the index.")
@common
def command(invocation: Invocation, light: bool) -> int:
    """Check once how the stores are, and whether table and index agree.

    Every entry of the three stores is counted, and each artist's document held against its item on every field.
    """
    from tattoo_data.cli.watching import watching
    from tattoo_data.monitoring.document import alert_document, event_document, sample_document
    from tattoo_data.monitoring.sample import Health

    invocation.command = "monitor check"
    output = invocation.output
    with watching(invocation, output.say, aloud=not output.json) as target:
        checked = target.check(light=light)
        sample, alerts = checked.sample, target.ledger.alerts()
        if output.json:
            document = {
                "command": invocation.command,
                "elapsedSeconds": invocation.elapsed(),
                "target": dict(target.watched.target),
                **sample_document(sample),
                "alerts": [alert_document(each) for each in alerts],
                "events": [event_document(each) for each in checked.events],
            }
            output.document(document)
        else:
            _show(invocation, sample, alerts)
    return UNHEALTHY if sample.health is Health.UNHEALTHY else 0


def _show(invocation: Invocation, sample: Sample, alerts: Sequence[Alert]) -> None:
    from tattoo_data.cli.watching import agreement, alert_words, since

    output = invocation.output
    output.line(f"Health      {sample.health.value}{_because(sample)}")
    if sample.state:
        output.line(f"State       {sample.state}")
    _show_stores(invocation, sample)
    output.line(f"Consistent  {agreement(sample.consistency)}")
    shown = None if output.verbose else _SHOWN
    for each in sample.consistency.differences[:shown]:
        output.line(f"  {_words(each)}")
    more = sample.consistency.differing - len(sample.consistency.differences[:shown])
    if more > 0:
        output.line(f"  ... and {more:,} more (-v shows all)")
    now = invocation.clock.now()
    for alert in alerts:
        seen = ", acknowledged" if alert.acknowledged_at else ""
        output.line(f"alert {alert.id}: {alert_words(alert)} (open for {since(alert, now)}{seen})")
    if sample.consistency.consistent is False:
        output.say("\nhint: `tattoo-data sync detect-conflicts` shows how; `sync dynamo-to-os` mends the index.")


def _because(sample: Sample) -> str:
    """Which stores are degraded, where the table does not tell at once."""
    from tattoo_data.monitoring.sample import Health

    if sample.health is not Health.DEGRADED:
        return ""
    sent_again = any(each.requests.errors or each.requests.throttled for each in sample.stores.values())
    return ": requests failed or were throttled, and were sent again" if sent_again else ": not all could be compared"


def _show_stores(invocation: Invocation, sample: Sample) -> None:
    from tattoo_data.cli.render import amounts
    from tattoo_data.model.entry import StoreName

    output = invocation.output
    rows = [_row(name, store) for name, store in sample.stores.items()]
    shown = _COLUMNS if output.verbose else _COLUMNS[:_NARROW]
    output.table(shown, [row[: len(shown)] for row in rows])
    for name, store in sample.stores.items():
        for problem in store.problems:
            output.line(f"{name.value}: {problem}")
    if kinds := sample.stores[StoreName.TABLE].kinds:
        output.line(f"Records     {amounts(kinds)}")


def _row(name: StoreName, store: StoreSample) -> list[str]:
    """One store, in the order of `_COLUMNS`."""
    from tattoo_data.cli.watching import health_of, milliseconds

    requests = store.requests
    return [
        name.value,
        health_of(store),
        "-" if store.count is None else f"{store.count:,}",
        milliseconds(requests.p50),
        milliseconds(requests.p95),
        f"{requests.count:,}",
        f"{requests.errors + requests.throttled:,}",
        milliseconds(requests.p99),
        f"{requests.errors:,}",
        f"{requests.throttled:,}",
        store.engine or "-",
    ]


def _words(difference: Difference) -> str:
    fields = f" in {', '.join(difference.fields)}" if difference.fields else ""
    return f"{difference.key} {_WHAT[difference.kind]}{fields}"
