"""The ledger: alerts, what happened to them, and the history of a target, kept between commands.

Several monitors of one target share it: a check is stored and judged in one transaction, so that what they see of one
cause is one alert.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tattoo_data.clock import Clock, timestamp
from tattoo_data.errors import IntegrityFailed, UnknownName
from tattoo_data.monitoring.alert import Alert, Change, Event, Severity
from tattoo_data.monitoring.database import Database
from tattoo_data.monitoring.judge import Run, State, judge
from tattoo_data.monitoring.lines import lines_of
from tattoo_data.monitoring.sample import Sample
from tattoo_data.monitoring.slices import Slice, merge, slice_of
from tattoo_data.monitoring.thresholds import Thresholds, read_thresholds
from tattoo_data.monitoring.view import Series

MINUTE = 60
#: The last so many checks are told one by one, those before by minutes: a chart is drawn after every check.
_FINE_CHECKS = 600
_PRUNE_EVERY = 100
_EVENTS, _CLOSED_ALERTS = 5_000, 5_000
_LISTED = 20

T = TypeVar("T")
Deliver = Callable[[Sequence[Event]], None]


class _Standing(msgspec.Struct, frozen=True):
    """Where a cause stands, without its alert."""

    bad: dict[Severity, Run]
    good: int


_encode = msgspec.json.encode
_ALERT, _EVENT, _STANDING = msgspec.json.Decoder(Alert), msgspec.json.Decoder(Event), msgspec.json.Decoder(_Standing)
_SLICE = msgspec.msgpack.Decoder(Slice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much history is kept: single checks for `raw_hours`, minutes and closed alerts for `minute_days`, and of the
    checks and of the minutes of all targets at most `rows` each, the newest. A row takes about 500 bytes."""

    raw_hours: int = 24
    minute_days: int = 30
    rows: int = 100_000


@contextmanager
def open_ledger(
    home: Path,
    target_id: str,
    clock: Clock,
    monitoring: Mapping[str, Any],
    say: Callable[[str], None],
    *,
    bounds: Bounds | None = None,
    deliver: Deliver | None = None,
) -> Iterator[Ledger]:
    """The ledger of a target, in the state folder `home`, which is made. `monitoring` is the settings file's section
    of that name, for the thresholds. `deliver` gets what happened, once it is kept.

    Where it cannot be kept, `say` tells so, and it lasts as long as it is open. Raises `BadSetting` or `UnknownChoice`
    for thresholds that are none, `IntegrityFailed` where a newer version wrote it, and `Locked` where others hold it
    for long.
    """
    thresholds = read_thresholds(monitoring.get("thresholds", {}))
    database = Database(home, clock, say)
    try:
        yield Ledger(database, target_id, clock, thresholds, bounds or Bounds(), deliver or _nowhere)
    finally:
        database.close()


class Ledger:
    """What is kept of one target. May be used by several threads."""

    def __init__(
        self, database: Database, target: str, clock: Clock, thresholds: Thresholds, bounds: Bounds, deliver: Deliver
    ) -> None:
        self._database = database
        self._target = target
        self._clock = clock
        self._thresholds = thresholds
        self._bounds = bounds
        self._deliver = deliver

    @property
    def is_kept(self) -> bool:
        """Whether it outlives this process."""
        return self._database.is_kept

    def record(self, sample: Sample) -> list[Event]:
        """Keep a check and judge it. Returns what it made of the alerts."""

        def work(connection: sqlite3.Connection) -> list[Event]:
            number = self._keep(connection, sample)
            if number % _PRUNE_EVERY == 0:
                self._prune(connection)
            return self._judge(connection, sample)

        return self._told(self._database.write(work))

    def alerts(self, severity: Severity | None = None, *, closed: bool = False) -> list[Alert]:
        """The open alerts, the worst first and of these the newest; with `closed` those that are over behind them."""
        query = "SELECT body FROM alerts WHERE target = ?" + ("" if closed else " AND closed_at IS NULL")
        there = self._rows(query, (self._target,), _alert)
        found = [alert for alert in there if severity in (None, alert.severity)]
        ended = sorted((each for each in found if not each.is_open), key=_end, reverse=True)
        return sorted((each for each in found if each.is_open), key=_order) + ended

    def acknowledge(self, ids: Sequence[int], who: str) -> list[Alert]:
        """Note that somebody knows of alerts, and return them; who did so first stays. Raises `UnknownName` where one
        of them is not there, and notes none then."""
        now = self._clock.now()

        def work(connection: sqlite3.Connection) -> list[Alert]:
            there = {id: self._find(connection, id) for id in dict.fromkeys(ids)}
            return [_acknowledged(connection, self._target, alert, who, now) for alert in there.values()]

        return self._database.write(work)

    def clear(self, severity: Severity | None = None) -> list[Event]:
        """Close the open alerts, as cleared, and return what happened. What is still bad becomes a new alert as soon as
        it has been bad long enough again."""
        return self.close_alerts(lambda alert: severity in (None, alert.severity))

    def close_alerts(self, wanted: Callable[[Alert], bool]) -> list[Event]:
        """Close the open alerts that are wanted, as cleared. Returns what happened."""
        now = self._clock.now()

        def work(connection: sqlite3.Connection) -> list[Event]:
            events = []
            for alert in filter(wanted, self._open_alerts(connection)):
                closed = replace(alert, closed_at=max(now, alert.seen_at), cleared=True)
                _save_alert(connection, self._target, closed)
                connection.execute("DELETE FROM causes WHERE target = ? AND cause = ?", (self._target, closed.cause))
                events.append(_save_event(connection, self._target, Event(at=now, change=Change.CLOSED, alert=closed)))
            return events

        return self._told(self._database.write(work))

    def raise_test(self, severity: Severity) -> Event:
        """Open an alert that is a test, under a cause of its own."""
        now = self._clock.now()
        cause = f"test.{severity}.{self._clock.token(3)}"

        def work(connection: sqlite3.Connection) -> list[Event]:
            alert = Alert(
                id=_new_id(connection),
                cause=cause,
                severity=severity,
                message="a test of the alerts: nothing is wrong",
                value="-",
                threshold="-",
                opened_at=now,
                seen_at=now,
                test=True,
            )
            _save_alert(connection, self._target, alert)
            return [_save_event(connection, self._target, Event(at=now, change=Change.OPENED, alert=alert))]

        return self._told(self._database.write(work))[0]

    def events(self, limit: int) -> list[Event]:
        """The last things that happened, the newest first."""
        query = "SELECT body FROM events WHERE target = ? ORDER BY id DESC LIMIT ?"
        return self._rows(query, (self._target, limit), lambda row: _EVENT.decode(row[0]))

    def series(self, since: datetime, points: int) -> list[Series]:
        """The charts' lines from `since` until now, of at most about `points` points each."""
        return lines_of(self.history(since), since, self._clock.now(), points)

    def history(self, since: datetime) -> Iterator[Slice]:
        """What was measured since then, in the order of time: the last checks one by one, those before by minute."""
        start = since.timestamp()

        def work(connection: sqlite3.Connection) -> list[Sequence[bytes]]:
            fine = self._fine_from(connection)
            before = "SELECT body FROM minutes WHERE target = ? AND at >= ? AND at < ? ORDER BY at"
            minutes = connection.execute(before, (self._target, _minute(start), fine)) if start < fine else ()
            after = "SELECT body FROM checks WHERE target = ? AND at >= ? ORDER BY at, id"
            return [*minutes, *connection.execute(after, (self._target, max(start, fine)))]

        return map(self._slice, self._database.read(work))

    def _fine_from(self, connection: sqlite3.Connection) -> float:
        """From when on checks are told one by one: the first minute whose checks are all there, and among the last."""
        query = "SELECT at FROM checks WHERE target = ? ORDER BY at DESC LIMIT 1 OFFSET ?"
        if row := connection.execute(query, (self._target, _FINE_CHECKS)).fetchone():
            return _minute(row[0]) + MINUTE
        oldest = connection.execute("SELECT min(at) FROM checks WHERE target = ?", (self._target,)).fetchone()[0]
        if oldest is None:
            return math.inf
        query = "SELECT min(at) FROM minutes WHERE target = ?"
        first = connection.execute(query, (self._target,)).fetchone()[0] or math.inf
        # Where an older minute is there, checks were let go, maybe some of the oldest one's minute too.
        return _minute(oldest) + (MINUTE if first < _minute(oldest) else 0)

    def _slice(self, row: Sequence[bytes]) -> Slice:
        try:
            return _SLICE.decode(row[0])
        except msgspec.MsgspecError as error:
            raise IntegrityFailed(
                what=f"a row of the history in {self._database.path} cannot be read: {error}",
                hint="Move the file away: a new one is begun.",
            ) from error

    def _rows(self, query: str, values: Sequence[object], decode: Callable[[Any], T]) -> list[T]:
        return self._database.read(lambda connection: [decode(row) for row in connection.execute(query, values)])

    def _told(self, events: list[Event]) -> list[Event]:
        if events:
            self._deliver(events)
        return events

    def _keep(self, connection: sqlite3.Connection, sample: Sample) -> int:
        """Store a check by itself and in its minute. Returns the number of its row."""
        part = slice_of(sample)
        at, minute = part.first, _minute(part.first)
        cursor = connection.execute(
            "INSERT INTO checks (target, at, body) VALUES (?, ?, ?)", (self._target, at, msgspec.msgpack.encode(part))
        )
        there = connection.execute(
            "SELECT body FROM minutes WHERE target = ? AND at = ?", (self._target, minute)
        ).fetchone()
        whole = merge(_SLICE.decode(there[0]), part) if there else part
        connection.execute(
            "INSERT OR REPLACE INTO minutes (target, at, body) VALUES (?, ?, ?)",
            (self._target, minute, msgspec.msgpack.encode(whole)),
        )
        return cursor.lastrowid or 0

    def _judge(self, connection: sqlite3.Connection, sample: Sample) -> list[Event]:
        before = self._states(connection)
        judged = judge(self._thresholds, before, sample, self._clock.now(), lambda: _new_id(connection))
        for event in judged.events:
            _save_alert(connection, self._target, event.alert)
            _save_event(connection, self._target, event)
        for cause, state in judged.states.items():
            if state == before.get(cause, State()):
                continue
            if state.alert is not None:
                _save_alert(connection, self._target, state.alert)
            connection.execute(
                "INSERT OR REPLACE INTO causes (target, cause, body) VALUES (?, ?, ?)",
                (self._target, cause, _encode(_Standing(bad=dict(state.bad), good=state.good))),
            )
        return list(judged.events)

    def _states(self, connection: sqlite3.Connection) -> dict[str, State]:
        alerts = {alert.cause: alert for alert in self._open_alerts(connection)}
        rows = connection.execute("SELECT cause, body FROM causes WHERE target = ?", (self._target,))
        known = {cause: _STANDING.decode(body) for cause, body in rows}
        return {
            cause: State(
                bad=known[cause].bad if cause in known else {},
                good=known[cause].good if cause in known else 0,
                alert=alerts.get(cause),
            )
            for cause in known.keys() | alerts.keys()
        }

    def _open_alerts(self, connection: sqlite3.Connection) -> list[Alert]:
        query = "SELECT body FROM alerts WHERE target = ? AND closed_at IS NULL ORDER BY id"
        return [_alert(row) for row in connection.execute(query, (self._target,)).fetchall()]

    def _find(self, connection: sqlite3.Connection, id: int) -> Alert:
        row = connection.execute("SELECT body FROM alerts WHERE target = ? AND id = ?", (self._target, id)).fetchone()
        if row is None:
            known = [str(alert.id) for alert in self._open_alerts(connection)]
            shown = [*known[:_LISTED], "..."] if len(known) > _LISTED else known
            raise UnknownName(kind="alert", name=str(id), known=shown)
        return _alert(row)

    def _prune(self, connection: sqlite3.Connection) -> None:
        """Let go of what is older than the bounds, of every target, and of the oldest above them."""
        now, bounds = self._clock.now(), self._bounds
        raw, old = now - timedelta(hours=bounds.raw_hours), now - timedelta(days=bounds.minute_days)
        connection.execute("DELETE FROM checks WHERE at < ?", (raw.timestamp(),))
        connection.execute("DELETE FROM minutes WHERE at < ?", (old.timestamp(),))
        connection.execute("DELETE FROM events WHERE at < ?", (old.timestamp(),))
        connection.execute("DELETE FROM alerts WHERE closed_at < ?", (timestamp(old),))
        for table, rows in (("checks", bounds.rows), ("minutes", bounds.rows), ("events", _EVENTS)):
            count = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            if count > rows:
                key = "target, at" if table == "minutes" else "id"
                order = "at" if table == "minutes" else "id"
                connection.execute(
                    f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} ORDER BY {order} LIMIT ?)",
                    (count - rows,),
                )
        connection.execute(
            "DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE closed_at IS NOT NULL "
            "ORDER BY id DESC LIMIT -1 OFFSET ?)",
            (_CLOSED_ALERTS,),
        )


def _nowhere(events: Sequence[Event]) -> None:
    """Where nobody is told."""


def _minute(at: float) -> float:
    return math.floor(at / MINUTE) * MINUTE


def _alert(row: Sequence[bytes]) -> Alert:
    return _ALERT.decode(row[0])


def _order(alert: Alert) -> tuple[int, int]:
    return list(Severity).index(alert.severity), -alert.id


def _end(alert: Alert) -> tuple[datetime, int]:
    assert alert.closed_at is not None
    return alert.closed_at, alert.id


def _new_id(connection: sqlite3.Connection) -> int:
    """An id that no alert ever had. SQLite counts them in `sqlite_sequence` (sqlite.org/autoinc.html), which may be
    written as any table."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'alerts'").fetchone()
    last = int(row[0]) if row else 0
    if row:
        connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'alerts'", (last + 1,))
    else:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('alerts', 1)")
    return last + 1


def _acknowledged(connection: sqlite3.Connection, target: str, alert: Alert, who: str, now: datetime) -> Alert:
    if alert.acknowledged_at is not None:
        return alert
    known = replace(alert, acknowledged_at=max(now, alert.opened_at), acknowledged_by=who)
    _save_alert(connection, target, known)
    _save_event(connection, target, Event(at=now, change=Change.ACKNOWLEDGED, alert=known))
    return known


def _save_alert(connection: sqlite3.Connection, target: str, alert: Alert) -> None:
    closed = timestamp(alert.closed_at) if alert.closed_at else None
    connection.execute(
        "INSERT INTO alerts (id, target, cause, severity, closed_at, body) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, closed_at = excluded.closed_at, "
        "body = excluded.body",
        (alert.id, target, alert.cause, alert.severity.value, closed, _encode(alert)),
    )


def _save_event(connection: sqlite3.Connection, target: str, event: Event) -> Event:
    connection.execute(
        "INSERT INTO events (target, at, body) VALUES (?, ?, ?)", (target, event.at.timestamp(), _encode(event))
    )
    return event
