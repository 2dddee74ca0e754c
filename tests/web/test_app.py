"""The app: what it answers, from the view alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tattoo_data.monitoring.document import alert_document, event_document, view_document
from tattoo_data.monitoring.view import View
from tattoo_data.web.app import told
from tattoo_data.web.live import Live
from tests.web import examples
from tests.web.client import client_of

_VIEWS: dict[str, Callable[[], View]] = {
    "healthy": examples.healthy,
    "unhealthy": examples.unhealthy,
    "unreachable": examples.unreachable,
    "unseen": examples.unseen,
}


def _live(view: View, late: float = 0) -> Live:
    return Live(view, examples.INTERVAL, examples.clock_at(examples.NOW + timedelta(seconds=late)))


def _degraded() -> View:
    view = examples.healthy()
    assert view.sample is not None
    return replace(view, sample=replace(view.sample, consistency=replace(view.sample.consistency, consistent=None)))


@pytest.mark.parametrize("name", _VIEWS)
def test_the_json_is_that_of_the_monitor(name: str) -> None:
    view = _VIEWS[name]()
    client = client_of(_live(view))
    assert client.get("/api/status").json() == view_document(view)
    assert client.get("/api/alerts").json() == {"alerts": [alert_document(each) for each in view.alerts]}
    assert client.get("/api/events").json() == {"events": [event_document(each) for each in view.events]}
    assert client.get("/api/series").json() == {"series": view_document(view)["series"]}


@pytest.mark.parametrize(
    ("view", "late", "status", "health"),
    [
        (examples.healthy(), 0, 200, "healthy"),
        (examples.healthy(), 90, 200, "healthy"),
        (examples.healthy(), 91, 503, None),
        (_degraded(), 0, 200, "degraded"),
        (examples.unhealthy(), 0, 503, "unhealthy"),
        (examples.unreachable(), 0, 503, "unhealthy"),
        (examples.unseen(), 0, 503, None),
    ],
)
def test_health_is_told_by_the_status(view: View, late: float, status: int, health: str | None) -> None:
    answer = client_of(_live(view, late)).get("/healthz")
    document = answer.json()
    assert (answer.status_code, document["health"]) == (status, health)
    assert set(document) == {"health", "at", "checks", "reason"}
    assert (document["reason"] is None) == (late <= 90 and view.sample is not None)


def test_a_long_check_is_not_taken_for_old_data() -> None:
    view = examples.healthy()
    assert view.sample is not None
    slow = replace(view, sample=replace(view.sample, seconds=100))
    assert _live(slow, 299).old() is None
    assert _live(slow, 301).old() is not None


def test_checks_that_died_are_not_healthy_any_more() -> None:
    live = _live(examples.healthy())
    client = client_of(live)
    assert client.get("/healthz").status_code == 200
    live.fail("RuntimeError: it broke")
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert "it broke" in answer.json()["reason"]
    text = client.get("/").text
    assert 'data-health="unknown"' in text and "it broke" in text
    assert "tattoo_data_monitor_up 0.0" in client.get("/metrics").text


@pytest.mark.parametrize("name", _VIEWS)
def test_the_page_holds_the_part_that_changes(name: str) -> None:
    client = client_of(_live(_VIEWS[name]()))
    page, fragment = client.get("/").text, client.get("/fragment").text
    assert page.startswith("<!doctype html>") and fragment.startswith('<div id="view"')
    assert fragment in page


def test_a_newer_view_is_drawn_and_the_same_one_only_once() -> None:
    live = _live(examples.healthy())
    client = client_of(live)
    assert 'data-health="healthy"' in client.get("/").text
    assert live.drawn.page(None) is live.drawn.page(None)
    live.show(examples.unhealthy())
    assert 'data-health="unhealthy"' in client.get("/").text


def test_an_alert_is_acknowledged_once_and_for_all() -> None:
    live = _live(examples.unhealthy())
    client = client_of(live)
    assert 'data-acknowledge="7"' in client.get("/").text
    answer = client.post("/api/alerts/7/acknowledge", Accept="application/json")
    assert answer.status_code == 200
    assert answer.json()["alert"]["acknowledgedBy"] == "dashboard"
    assert client.get("/api/alerts").json()["alerts"][0] == answer.json()["alert"]
    assert client.get("/api/events").json()["events"][0]["change"] == "acknowledged"
    assert 'data-acknowledge="7"' not in client.get("/").text


def test_a_form_without_a_script_comes_back_to_the_page() -> None:
    client = client_of(_live(examples.unhealthy()))
    answer = client.post("/api/alerts/7/acknowledge", Accept="text/html")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("number", ["99", str(2**63), "9" * 400])
def test_an_alert_that_is_not_there_is_404(number: str) -> None:
    answer = client_of(_live(examples.unhealthy())).post(f"/api/alerts/{number}/acknowledge")
    assert answer.status_code == 404
    assert answer.json()["error"]["id"] == "UnknownName"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 405),
        ("POST", "/api/status", 405),
        ("DELETE", "/api/alerts", 405),
        ("GET", "/api/alerts/7/acknowledge", 405),
        ("POST", "/api/alerts/x/acknowledge", 404),
        ("POST", "/api/alerts/-7/acknowledge", 404),
        ("GET", "/api/nothing", 404),
        ("GET", "/dashboard.html", 404),
        ("GET", "/../app.py", 404),
        ("HEAD", "/healthz", 200),
    ],
)
def test_nothing_else_is_answered(method: str, path: str, status: int) -> None:
    assert client_of(_live(examples.healthy())).request(method, path).status_code == status


@pytest.mark.parametrize("name", ["dashboard.css", "dashboard.js", "dashboard.svg"])
def test_files_of_the_page_are_kept_as_long_as_they_are_the_same(name: str) -> None:
    client = client_of(_live(examples.healthy()))
    first = client.get(f"/{name}")
    assert first.status_code == 200 and first.content
    again = client.get(f"/{name}", If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


def test_nothing_of_the_page_comes_from_elsewhere() -> None:
    client = client_of(_live(examples.healthy()))
    for path in ("/dashboard.css", "/dashboard.js"):
        assert "//" not in client.get(path).text.replace("// ", "")
    assert 'src="/' in client.get("/").text and 'src="http' not in client.get("/").text


def test_listeners_are_told_of_each_view_and_let_go() -> None:
    live = _live(examples.unseen())

    async def listen() -> list[Any]:
        heard = []
        async for number in live.changes():
            heard.append(number)
            if number == 0:
                live.show(examples.healthy())
            elif number == 1:
                live.fail("it broke")
                live.close() if len(heard) == 3 else None
        return heard

    assert asyncio.run(listen()) == [0, 1, 1]


def test_the_stream_is_made_of_server_sent_events() -> None:
    live = _live(examples.healthy())

    async def first_of() -> list[str]:
        heard = []
        async for text in told(live):
            heard.append(text)
            live.close()
        return heard

    assert asyncio.run(first_of()) == ["event: view\ndata: 0\n\n"]
    answer = client_of(live).get("/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
