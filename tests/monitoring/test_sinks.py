"""Sinks: events on a terminal, in a log file and at a webhook, none of which ever stops a check."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tattoo_data.clock import Clock
from tattoo_data.errors import TargetNotAllowed
from tattoo_data.monitoring.alert import Alert, Change, Event, Severity
from tattoo_data.monitoring.drill import Arrival, drill
from tattoo_data.monitoring.remember import remembering
from tattoo_data.monitoring.sinks import Sinks, open_sinks
from tattoo_data.monitoring.webhook import Patience
from tattoo_data.settings import Settings, resolve
from tests.monitoring.samples import BEGUN, Hands
from tests.stub import Answer, Asked, Stub, stub

SECRET = "T0K3N"
QUICK = Patience(attempts=3, timeout=5, first_wait=0.5, longest_wait=1, end=5)
HASTY = Patience(attempts=1, timeout=0.2, waiting=2, end=0.05)


def event(number: int = 1, change: Change = Change.OPENED) -> Event:
    alert = Alert(
        id=number,
        cause="table.reachable",
        severity=Severity.CRITICAL,
        message='the table does not answer: "é"\nrefused',
        value="-",
        threshold="-",
        opened_at=BEGUN,
        seen_at=BEGUN,
    )
    return Event(at=BEGUN, change=change, alert=alert)


def settings(folder: Path, url: str = "", log: str = "", allow: str = "") -> Settings:
    (folder / "tattoo-data.toml").write_text(f"[target]\nallow = [{allow}]\n")
    return resolve({}, {"TATTOO_DATA_WEBHOOK": url, "TATTOO_DATA_ALERT_LOG": log}, folder)


@contextmanager
def sinks(found: Settings, said: list[str], patience: Patience = QUICK, aloud: bool = False) -> Iterator[Sinks]:
    with open_sinks(found, Hands().clock, said.append, aloud=aloud, patience=patience) as opened:
        yield opened


def statuses(*codes: int) -> Callable[[Asked], Answer]:
    """Answers these statuses, the last one for good."""
    left = list(codes)
    return lambda asked: Answer(status=left.pop(0) if len(left) > 1 else left[0])


def test_without_settings_nothing_is_told_but_aloud(tmp_path: Path) -> None:
    said: list[str] = []
    with sinks(settings(tmp_path), said) as quiet:
        quiet.deliver([event()])
    assert said == []
    with sinks(settings(tmp_path), said, aloud=True) as loud:
        loud.deliver([event(7)])
    (line,) = said
    assert line.startswith("2026-11-24T10:00:00.000Z alert 7 opened: critical table.reachable: the table does not")


def test_the_log_file_has_a_json_line_for_each_event(tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "logs" / "alerts.jsonl"
    found = settings(tmp_path, log="logs/alerts.jsonl")
    for number in (1, 3):
        with sinks(found, said) as opened:
            opened.deliver([])
            opened.deliver([event(number), event(number + 1, Change.CLOSED)])
    documents = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(each["alert"]["id"], each["change"]) for each in documents] == [
        (1, "opened"),
        (2, "closed"),
        (3, "opened"),
        (4, "closed"),
    ]
    assert documents[0]["at"] == "2026-11-24T10:00:00.000Z"
    assert documents[0]["alert"]["message"] == event().alert.message
    assert said == []


def test_a_log_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "alerts").mkdir()
    with sinks(settings(tmp_path, log="alerts"), said) as opened:
        opened.deliver([event()])
    assert said == [f"note: {tmp_path / 'alerts'} could not be written: Is a directory"]


def test_the_webhook_gets_each_event_in_order(tmp_path: Path) -> None:
    said: list[str] = []
    with stub(statuses(204)) as hook:
        with sinks(settings(tmp_path, url=f"{hook.url}/{SECRET}?a=b"), said) as opened:
            opened.deliver([event(1), event(2)])
            opened.deliver([event(3)])
            assert opened.webhook is not None
            assert opened.webhook.arrived(5) == {1, 2, 3}
        assert [json.loads(asked.body)["alert"]["id"] for asked in hook.asked] == [1, 2, 3]
        first = hook.asked[0]
        assert (first.method, first.path) == ("POST", f"/{SECRET}?a=b")
        assert first.headers["content-type"] == "application/json"
        assert first.headers["host"] == f"127.0.0.1:{hook.port}"
        assert json.loads(first.body)["change"] == "opened"
    assert said == []


@pytest.mark.parametrize(
    ("codes", "asked", "arrived", "words"),
    [
        ((500, 429, 200), 3, True, ""),
        ((503,), 3, False, "it answers 503"),
        ((404,), 1, False, "it answers 404"),
        ((302,), 1, False, "it answers 302"),
    ],
)
def test_what_another_attempt_may_better_is_sent_again(
    codes: tuple[int, ...], asked: int, arrived: bool, words: str, tmp_path: Path
) -> None:
    said: list[str] = []
    with stub(statuses(*codes)) as hook:
        with sinks(settings(tmp_path, url=f"{hook.url}/{SECRET}"), said) as opened:
            opened.deliver([event()])
        assert len(hook.asked) == asked
        assert said == (
            [] if arrived else [f"note: 1 event could not be delivered to the webhook at {hook.url}: {words}"]
        )


def test_waits_between_attempts_grow(tmp_path: Path) -> None:
    hands = Hands()
    patience = Patience(attempts=4, first_wait=0.5, longest_wait=1.5)
    with stub(statuses(500)) as hook:
        found = settings(tmp_path, url=hook.url)
        with open_sinks(found, hands.clock, lambda text: None, patience=patience) as opened:
            opened.deliver([event()])
            assert opened.webhook is not None
            assert opened.webhook.arrived(10) == set()
    assert hands.slept == [0.5, 1.0, 1.5]


def test_a_connection_that_breaks_off_is_told_without_the_url(tmp_path: Path) -> None:
    said: list[str] = []
    with (
        stub(lambda asked: Answer(body=None)) as hook,
        sinks(settings(tmp_path, url=f"{hook.url}/{SECRET}"), said) as opened,
    ):
        opened.deliver([event(1), event(2)])
    assert len(said) == 1
    assert said[0].startswith("note: 2 events could not be delivered")
    assert SECRET not in said[0]


def test_a_webhook_that_hangs_keeps_nobody_waiting(tmp_path: Path) -> None:
    """It accepts connections and never answers; two documents may wait."""
    said: list[str] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/{SECRET}"
        begun = threading.active_count()
        with sinks(settings(tmp_path, url=url), said, HASTY) as opened:
            for number in range(50):
                opened.deliver([event(number)])
        assert threading.active_count() <= begun + 1
    told = "\n".join(said)
    assert "2 wait already" in told
    assert SECRET not in told
    lost = sum(int(line.split()[1]) for line in said)
    assert lost == 50


def test_a_webhook_that_refuses_connections(tmp_path: Path) -> None:
    said: list[str] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    with sinks(settings(tmp_path, url=f"http://127.0.0.1:{port}/"), said) as opened:
        opened.deliver([event()])
    assert said == [
        f"note: 1 event could not be delivered to the webhook at http://127.0.0.1:{port}: Connection refused"
    ]


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/x", "http://93.184.216.34/x", "http://169.254.169.254/x", "http://0x7f.1/"]
)
def test_a_stranger_is_refused_before_anything_is_sent(url: str, tmp_path: Path) -> None:
    with pytest.raises(TargetNotAllowed), sinks(settings(tmp_path, url=url), []):
        pass


def test_a_name_that_is_allowed_and_does_not_resolve_is_a_note(tmp_path: Path) -> None:
    said: list[str] = []
    host = "hooks.invalid"
    with sinks(settings(tmp_path, url=f"https://{host}/{SECRET}", allow=f'"{host}"'), said) as opened:
        opened.deliver([event()])
    assert len(said) == 1
    assert "does not resolve" in said[0]
    assert SECRET not in said[0]


def practise(found: Settings, said: list[str]) -> list[Arrival]:
    with remembering(found, Clock(), said.append) as kept:
        arrivals = drill(kept, wait=5)
        assert kept.ledger.alerts() == []
        assert {alert.test for alert in kept.ledger.alerts(closed=True)} == {True}
    return arrivals


def went(arrivals: list[Arrival]) -> dict[str, list[bool]]:
    found: dict[str, list[bool]] = {}
    for each in arrivals:
        found.setdefault(each.where, []).append(each.arrived)
    return found


def test_a_drill_goes_the_whole_way(tmp_path: Path) -> None:
    said: list[str] = []
    with stub(statuses(200)) as hook:
        arrivals = practise(settings(tmp_path, url=hook.url, log="alerts.jsonl"), said)
        assert went(arrivals) == {"ledger": [True] * 3, "log file": [True] * 3, "webhook": [True] * 3}
        assert [each.alert.severity for each in arrivals[:3]] == list(Severity)
        assert _told(hook) == ["opened"] * 3 + ["closed"] * 3
    assert said == []


def test_a_drill_tells_where_an_alert_did_not_arrive(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "alerts.jsonl").mkdir()
    with stub(statuses(400)) as hook:
        arrivals = practise(settings(tmp_path, url=f"{hook.url}/{SECRET}", log="alerts.jsonl"), said)
    assert went(arrivals) == {"ledger": [True] * 3, "log file": [False] * 3, "webhook": [False] * 3}
    assert SECRET not in "".join(each.problem for each in arrivals) + "".join(said)


def test_a_drill_tells_that_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = resolve({}, {"TATTOO_DATA_HOME": str(tmp_path / "file" / "state")}, tmp_path)
    assert went(practise(found, [])) == {"ledger": [False] * 3}


def _told(hook: Stub) -> list[str]:
    return [json.loads(asked.body)["change"] for asked in hook.asked]
