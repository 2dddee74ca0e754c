"""An alert: one cause that lasts, with its severity, from when it opened until it closed. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tattoo_data.errors import UnknownChoice


class Severity(StrEnum):
    """How bad, from worst to least."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


def severity_of(name: str | None) -> Severity | None:
    """The severity of that name, None where none was given. Raises `UnknownChoice`."""
    if name is None:
        return None
    known = [each.value for each in Severity]
    if name.lower() not in known:
        raise UnknownChoice(kind="severity", name=name, known=known)
    return Severity(name.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of one target. `cause` is what is wrong, the same for as long as it lasts (`table.reachable`,
    `consistency.differing`); there is one open alert for a cause. `value` and `threshold` are as text with their unit.
    Times are UTC. `test` marks those that `test-alerts` raised, `cleared` those that somebody closed although nobody
    saw that they were over."""

    id: int
    cause: str
    severity: Severity
    message: str
    value: str
    threshold: str
    opened_at: datetime
    seen_at: datetime
    closed_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    test: bool = False
    cleared: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it still lasts."""
        return self.closed_at is None


class Change(StrEnum):
    """What happened to an alert."""

    OPENED = "opened"
    ESCALATED = "escalated"
    CLOSED = "closed"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, for the list of last events and for the sinks."""

    at: datetime
    change: Change
    alert: Alert
