"""Sinks: where what happens to alerts is told: a terminal, a log file of JSON lines, a webhook.

A sink that fails is told of, and keeps nothing back: neither the check nor the other sinks.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tattoo_data.clock import Clock, timestamp
from tattoo_data.monitoring.alert import Event
from tattoo_data.monitoring.document import event_document
from tattoo_data.monitoring.webhook import Patience, Webhook
from tattoo_data.settings import Settings

Say = Callable[[str], None]


class LogFile:
    """Appends a JSON line for each event. The file is opened for each delivery, so that it may be rotated."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, documents: Iterable[Mapping[str, object]]) -> None:
        """Append them, each in one write, so that several processes never mix their lines. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            for document in documents:
                line = msgspec.json.encode(document) + b"\n"
                if os.write(file, line) < len(line):
                    raise OSError("the disk is full")
        finally:
            os.close(file)


class Sinks:
    """The sinks of one target. `say` gets what could not be delivered; with `aloud` also every event."""

    def __init__(
        self, *, say: Say, log: LogFile | None = None, webhook: Webhook | None = None, aloud: bool = False
    ) -> None:
        self.log = log
        self.webhook = webhook
        self._say = say
        self._aloud = aloud

    def deliver(self, events: Sequence[Event]) -> None:
        """Tell what happened. Returns at once, and raises nothing."""
        documents = [event_document(event) for event in events]
        for event in events if self._aloud else ():
            self._say(words(event))
        if self.log is not None and documents:
            try:
                self.log.write(documents)
            except OSError as error:
                self._say(f"note: {self.log.path} could not be written: {error.strerror or error}")
        if self.webhook is not None:
            for document in documents:
                self.webhook.post(document)
        self._tell_lost()

    def close(self) -> None:
        """Wait a moment for the webhook, and say what it did not take."""
        if self.webhook is not None:
            self.webhook.close()
        self._tell_lost()

    def _tell_lost(self) -> None:
        if self.webhook is None:
            return
        for reason, count in Counter(self.webhook.lost()).items():
            what = "1 event" if count == 1 else f"{count:,} events"
            self._say(f"note: {what} could not be delivered to {self.webhook.name}: {reason}")


@contextmanager
def open_sinks(
    settings: Settings, clock: Clock, say: Say, *, aloud: bool = False, patience: Patience | None = None
) -> Iterator[Sinks]:
    """The sinks that the settings name. Raises `TargetNotAllowed` where the webhook's host is neither local nor named
    in the settings."""
    webhook = Webhook(settings.webhook, settings.allow, clock, patience) if settings.webhook else None
    log = LogFile(settings.alert_log) if settings.alert_log else None
    sinks = Sinks(say=say, log=log, webhook=webhook, aloud=aloud)
    try:
        yield sinks
    finally:
        sinks.close()


def words(event: Event) -> str:
    """An event in one line."""
    alert = event.alert
    test = " (test)" if alert.test else ""
    return (
        f"{timestamp(event.at)} alert {alert.id} {event.change}: {alert.severity} {alert.cause}: {alert.message}{test}"
    )
