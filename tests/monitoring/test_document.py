"""Documents: the names and forms that scripts rely on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.alert import Alert, Change, Event, Severity
from tattoo_data.monitoring.document import alert_document, event_document, sample_document, view_document
from tattoo_data.monitoring.sample import Compared, Consistency, Difference, Requests, StoreSample
from tattoo_data.monitoring.view import Kept, Point, Series, View
from tests.monitoring.stand import BEGUN, sample

ALERT = Alert(
    id=7,
    cause="table.reachable",
    severity=Severity.CRITICAL,
    message="the table does not answer",
    value="yes",
    threshold="-",
    opened_at=BEGUN,
    seen_at=BEGUN + timedelta(seconds=30),
)
SEVEN = ["severity", "rule", "store", "key", "field", "message", "value"]


def plain(document: object) -> Any:
    """As a reader of the JSON has it."""
    return msgspec.json.decode(msgspec.json.encode(document))


def test_a_healthy_check() -> None:
    store = StoreSample(
        reachable=True,
        healthy=True,
        engine="memory",
        count=3,
        kinds={"artists": 3},
        requests=Requests(count=5, throttled=1, p50=0.0012345678, p95=0.2, p99=0.2),
    )
    found = sample(seconds=0.12345, stores=dict.fromkeys(StoreName, store), state="minimal")
    document = plain(sample_document(found))
    assert list(document) == [
        "at",
        "tookSeconds",
        "light",
        "health",
        "state",
        "stores",
        "consistency",
        "notes",
        "summary",
        "findings",
    ]
    assert (document["at"], document["tookSeconds"]) == ("2026-11-24T10:00:00.000Z", 0.123)
    assert (document["health"], document["state"]) == ("degraded", "minimal")
    assert document["stores"]["index"] == {
        "reachable": True,
        "healthy": True,
        "engine": "memory",
        "count": 3,
        "kinds": {"artists": 3},
        "requests": {
            "count": 5,
            "errors": 0,
            "throttled": 1,
            "p50Seconds": 0.001235,
            "p95Seconds": 0.2,
            "p99Seconds": 0.2,
        },
        "problems": [],
    }
    assert list(document["stores"]) == ["table", "index", "images"]


def test_differences_are_findings_in_the_seven_fields_and_all_are_summed_up() -> None:
    differences = (
        Difference(key="a", kind="different", fields=("bio", "styles[0]")),
        Difference(key="b", kind="missing"),
        Difference(key="c", kind="extra"),
    )
    same = Consistency(
        compared=Compared.FULL,
        artists=900,
        consistent=False,
        missing=400,
        extra=2,
        different=1,
        differences=differences,
    )
    document = plain(sample_document(sample(consistency=same)))
    assert document["summary"] == {"checked": 900, "errors": 403, "warnings": 0, "infos": 0}
    assert all(list(each) == SEVEN for each in document["findings"])
    assert [(each["key"], each["rule"], each["field"]) for each in document["findings"]] == [
        ("a", "document-differs", "bio"),
        ("a", "document-differs", "styles[0]"),
        ("b", "document-missing", ""),
        ("c", "document-extra", ""),
    ]
    assert {each["store"] for each in document["findings"]} == {"index"}
    assert document["consistency"] == {
        "compared": "full",
        "artists": 900,
        "consistent": False,
        "differing": 403,
        "missing": 400,
        "extra": 2,
        "different": 1,
    }


def test_what_is_not_known_is_null() -> None:
    store = StoreSample(reachable=False, healthy=False, problems=("it is down",))
    document = plain(sample_document(sample(stores=dict.fromkeys(StoreName, store))))
    there = document["stores"]["table"]
    assert (there["count"], there["kinds"], there["engine"]) == (None, None, None)
    assert there["requests"]["p95Seconds"] is None
    assert document["consistency"]["consistent"] is None
    assert document["state"] is None


def test_an_alert_lasts_until_it_closed_or_was_last_seen() -> None:
    opened = plain(alert_document(ALERT))
    assert (opened["open"], opened["closedAt"], opened["durationSeconds"]) == (True, None, 30)
    closed = replace(ALERT, closed_at=BEGUN + timedelta(minutes=2))
    document = plain(alert_document(closed))
    assert (document["open"], document["durationSeconds"]) == (False, 120)
    assert document["closedAt"] == "2026-11-24T10:02:00.000Z"
    assert list(document) == [
        "id",
        "cause",
        "severity",
        "message",
        "value",
        "threshold",
        "open",
        "openedAt",
        "seenAt",
        "closedAt",
        "durationSeconds",
        "acknowledgedAt",
        "acknowledgedBy",
        "test",
        "cleared",
    ]


def test_an_event() -> None:
    document = plain(event_document(Event(at=BEGUN, change=Change.OPENED, alert=ALERT)))
    assert (document["at"], document["change"], document["alert"]["id"]) == (
        "2026-11-24T10:00:00.000Z",
        "opened",
        7,
    )


def test_a_view() -> None:
    point = Point(at=BEGUN, value=None)
    view = View(
        at=BEGUN,
        target={"table": "t"},
        sample=sample(),
        full=None,
        alerts=(ALERT,),
        events=(Event(at=BEGUN, change=Change.OPENED, alert=ALERT),),
        series=(Series(name="table.p95", title="Table", unit="s", points=(point,)),),
        kept=(Kept(reference="base@1", kind="backup", created_at=BEGUN),),
        checks=2,
        notes=("a note",),
    )
    document = plain(view_document(view))
    assert list(document) == [
        "at",
        "target",
        "health",
        "checks",
        "sample",
        "full",
        "alerts",
        "events",
        "series",
        "kept",
        "notes",
    ]
    assert (document["full"], document["health"], document["checks"]) == (None, "degraded", 2)
    assert document["series"][0]["points"] == [{"at": "2026-11-24T10:00:00.000Z", "value": None}]
    assert document["kept"] == [{"reference": "base@1", "kind": "backup", "createdAt": "2026-11-24T10:00:00.000Z"}]


def test_a_view_before_the_first_check() -> None:
    view = View(at=BEGUN, target={}, sample=None, full=None, alerts=(), events=(), series=(), kept=())
    document = plain(view_document(view))
    assert (document["health"], document["sample"], document["checks"]) == (None, None, 0)
