"""`session.monitor`: what `tattoo-data monitor` does, but what goes on until it is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Literal, overload

from tattoo_data.api.connection import Connection
from tattoo_data.errors import UnknownChoice
from tattoo_data.monitoring.alert import Alert, severity_of
from tattoo_data.monitoring.interval import parse_duration
from tattoo_data.monitoring.ledger import Ledger
from tattoo_data.monitoring.remember import recalling, remembering, target_document
from tattoo_data.monitoring.report import Report, report
from tattoo_data.monitoring.report_html import report_html
from tattoo_data.monitoring.report_text import markdown
from tattoo_data.monitoring.sample import Sample
from tattoo_data.monitoring.watching import watching
from tattoo_data.repository.who import who

_FORMATS = ("html", "markdown")


class Monitor:
    """How the stores are, and what checks have found: those of the command line and of other sessions too. All but
    `check` asks no store: it is read from the state folder."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def check(self, light: bool = False) -> Sample:
        """Check once how the stores are, and whether table and index agree; a `light` one sends under ten requests. It
        is kept and judged, and what it makes of the alerts is told. A store that does not answer is unhealthy, and
        nothing is raised for it."""
        connection = self._connection
        with watching(connection.settings, connection.clock, connection.apart, connection.say, aloud=True) as target:
            return target.check(light=light).sample

    def alerts(self, severity: str | None = None, *, all: bool = False) -> Sequence[Alert]:
        """The open alerts, the worst first; with `all` those that are over behind them."""
        wanted = severity_of(severity)
        with self._recalled() as ledger:
            return ledger.alerts(wanted, closed=all)

    def acknowledge(self, *ids: int) -> Sequence[Alert]:
        """Note that you know of alerts, by their ids, and return them. Raises `UnknownName`, and notes none then."""
        with self._recalled() as ledger:
            return ledger.acknowledge(ids, who())

    def clear_alerts(self, severity: str | None = None) -> Sequence[Alert]:
        """Close the open alerts, or those of one severity, and return them. What is still wrong becomes a new alert."""
        wanted = severity_of(severity)
        connection = self._connection
        with remembering(connection.settings, connection.clock, connection.say) as kept:
            return [event.alert for event in kept.ledger.clear(wanted)]

    @overload
    def report(self, since: str = "24h", *, format: None = None) -> Report: ...

    @overload
    def report(self, since: str = "24h", *, format: Literal["html", "markdown"]) -> str: ...

    def report(self, since: str = "24h", *, format: str | None = None) -> Report | str:
        """How the stores did in the last time (90s, 30m, 24h, 7d), as a value or as the text of a file. Raises
        `ExtraMissing` where the library of html's charts is not installed."""
        if format is not None and format not in _FORMATS:
            raise UnknownChoice(kind="format", name=format, known=_FORMATS)
        window = timedelta(seconds=parse_duration(since, "since"))
        with self._recalled() as ledger:
            found = report(ledger, self._connection.clock, window)
        if format is None:
            return found
        if format == "markdown":
            return markdown(found)
        return report_html(found, target_document(self._connection.settings))

    def _recalled(self) -> AbstractContextManager[Ledger]:
        return recalling(self._connection.settings, self._connection.clock, self._connection.say)
