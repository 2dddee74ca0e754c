"""A drill: an alert of each severity is raised, and looked for wherever it has to arrive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from tattoo_data.monitoring.alert import Alert, Severity
from tattoo_data.monitoring.remember import Remembered
from tattoo_data.monitoring.sinks import LogFile
from tattoo_data.monitoring.webhook import Webhook

LEDGER, LOG, WEBHOOK = "ledger", "log file", "webhook"
#: How long the webhook is waited for, in seconds.
_WAIT_SECONDS = 15.0
_TAIL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Whether an alert arrived at one place, and why not."""

    alert: Alert
    where: str
    arrived: bool
    problem: str = ""


def drill(kept: Remembered, *, wait: float = _WAIT_SECONDS) -> list[Arrival]:
    """Raise an alert of each severity, marked as a test, look for each at every place that the settings name, and close
    them again. What does not arrive is an arrival that did not."""
    raised = [kept.ledger.raise_test(severity).alert for severity in Severity]
    ids = {alert.id for alert in raised}
    try:
        return list(_arrivals(kept, raised, wait))
    finally:
        kept.ledger.close_alerts(lambda alert: alert.id in ids)


def _arrivals(kept: Remembered, raised: Sequence[Alert], wait: float) -> Iterator[Arrival]:
    listed = {alert.id for alert in kept.ledger.alerts() if alert.test}
    lost = "" if kept.ledger.is_kept else "the state folder cannot be written"
    for alert in raised:
        there = alert.id in listed and not lost
        yield Arrival(alert=alert, where=LEDGER, arrived=there, problem=lost)
    if kept.sinks.log is not None:
        yield from _in_log(kept.sinks.log, raised)
    if kept.sinks.webhook is not None:
        yield from _at_webhook(kept.sinks.webhook, raised, wait)


def _in_log(log: LogFile, raised: Sequence[Alert]) -> Iterator[Arrival]:
    problem = ""
    causes: set[object] = set()
    try:
        causes = set(_logged(log))
    except OSError as error:
        problem = f"{log.path}: {error.strerror or error}"
    for alert in raised:
        there = alert.cause in causes
        yield Arrival(alert=alert, where=LOG, arrived=there, problem=problem)


def _logged(log: LogFile) -> Iterator[object]:
    """The causes of the last lines. A cause of a test is its alone, while ids begin anew with another ledger."""
    with log.path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TAIL_BYTES))
        lines = file.read().splitlines()
    for line in lines:
        try:
            document = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue  # the first of them may be half a line, and others may write there too
        if isinstance(document, dict) and isinstance(alert := document.get("alert"), dict):
            yield alert.get("cause")


def _at_webhook(webhook: Webhook, raised: Sequence[Alert], wait: float) -> Iterator[Arrival]:
    arrived = webhook.arrived(wait)
    for alert in raised:
        yield Arrival(
            alert=alert,
            where=WEBHOOK,
            arrived=alert.id in arrived,
            problem="" if alert.id in arrived else f"{webhook.name} did not take it",
        )
