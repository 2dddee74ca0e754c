"""Documents: samples, views, alerts and events as JSON has them. Fields are only ever added."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tattoo_data.clock import timestamp
from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.alert import Alert, Event
from tattoo_data.monitoring.sample import Consistency, Difference, Requests, Sample, StoreSample
from tattoo_data.monitoring.view import Kept, Series, View
from tattoo_data.validation.rules.stores import DIFFERS, EXTRA, MISSING

Document = dict[str, object]
_RULES = {"missing": MISSING, "extra": EXTRA, "different": DIFFERS}


def sample_document(sample: Sample) -> Document:
    """One check. `findings` are the differences that the sample names, one for each field; `summary` counts all artists
    that disagree."""
    found = sample.consistency
    return {
        "at": timestamp(sample.at),
        "tookSeconds": round(sample.seconds, 3),
        "light": sample.light,
        "health": sample.health.value,
        "state": sample.state,
        "stores": {name.value: _store(store) for name, store in sample.stores.items()},
        "consistency": _consistency(found),
        "notes": list(sample.notes),
        "summary": {"checked": found.artists, "errors": found.differing, "warnings": 0, "infos": 0},
        "findings": [finding for each in found.differences for finding in _findings(each)],
    }


def view_document(view: View) -> Document:
    """Everything that is shown of a target."""
    return {
        "at": timestamp(view.at),
        "target": dict(view.target),
        "health": view.health.value if view.health else None,
        "checks": view.checks,
        "sample": sample_document(view.sample) if view.sample else None,
        "full": sample_document(view.full) if view.full else None,
        "alerts": [alert_document(each) for each in view.alerts],
        "events": [event_document(each) for each in view.events],
        "series": [series_document(each) for each in view.series],
        "kept": [_kept(each) for each in view.kept],
        "notes": list(view.notes),
    }


def alert_document(alert: Alert) -> Document:
    """One alert. Its duration ends where it closed, and while it is open where it was last seen."""
    end = alert.closed_at or alert.seen_at
    return {
        "id": alert.id,
        "cause": alert.cause,
        "severity": alert.severity.value,
        "message": alert.message,
        "value": alert.value,
        "threshold": alert.threshold,
        "open": alert.is_open,
        "openedAt": timestamp(alert.opened_at),
        "seenAt": timestamp(alert.seen_at),
        "closedAt": _moment(alert.closed_at),
        "durationSeconds": round((end - alert.opened_at).total_seconds(), 3),
        "acknowledgedAt": _moment(alert.acknowledged_at),
        "acknowledgedBy": alert.acknowledged_by,
        "test": alert.test,
        "cleared": alert.cleared,
    }


def event_document(event: Event) -> Document:
    """One thing that happened to an alert."""
    return {"at": timestamp(event.at), "change": event.change.value, "alert": alert_document(event.alert)}


def _store(store: StoreSample) -> Document:
    return {
        "reachable": store.reachable,
        "healthy": store.healthy,
        "engine": store.engine,
        "count": store.count,
        "kinds": None if store.kinds is None else dict(store.kinds),
        "requests": _requests(store.requests),
        "problems": list(store.problems),
    }


def _requests(requests: Requests) -> Document:
    return {
        "count": requests.count,
        "errors": requests.errors,
        "throttled": requests.throttled,
        "p50Seconds": _seconds(requests.p50),
        "p95Seconds": _seconds(requests.p95),
        "p99Seconds": _seconds(requests.p99),
    }


def _consistency(found: Consistency) -> Document:
    return {
        "compared": found.compared.value,
        "artists": found.artists,
        "consistent": found.consistent,
        "differing": found.differing,
        "missing": found.missing,
        "extra": found.extra,
        "different": found.different,
    }


def _findings(difference: Difference) -> Iterator[Document]:
    rule = _RULES[difference.kind]
    for field in difference.fields or ("",):
        yield {
            "severity": rule.severity.value,
            "rule": rule.id,
            "store": StoreName.INDEX.value,
            "key": difference.key,
            "field": field,
            "message": rule.message,
            "value": None,
        }


def series_document(series: Series) -> Document:
    """A line of a chart."""
    points = [{"at": timestamp(point.at), "value": point.value} for point in series.points]
    return {"name": series.name, "title": series.title, "unit": series.unit, "points": points}


def _kept(kept: Kept) -> Document:
    return {"reference": kept.reference, "kind": kept.kind, "createdAt": timestamp(kept.created_at)}


def _moment(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None


def _seconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
