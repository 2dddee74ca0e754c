"""`monitor watch`: what its live view shows at any size, its plain lines, its JSON lines, and how it ends."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tattoo_data.cli.live_view import LiveView, spark
from tattoo_data.cli.watching import Tally, agreement, check_line, milliseconds
from tattoo_data.clock import Clock
from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.alert import Alert, Change, Event, Severity
from tattoo_data.monitoring.monitor import Options
from tattoo_data.monitoring.sample import Compared, Consistency, Difference, Requests, Sample, StoreSample
from tattoo_data.monitoring.view import Kept, View
from tests.cli.test_terminal import on_a_terminal
from tests.monitoring.stand import BEGUN, sample
from tests.tool import Tool

NOWHERE = "http://127.0.0.1:1"
DOWN = {"AWS_ENDPOINT_URL_DYNAMODB": NOWHERE, "AWS_ENDPOINT_URL_S3": NOWHERE, "OPENSEARCH_ENDPOINT": NOWHERE}
AGREED = Consistency(compared=Compared.FULL, artists=60, consistent=True)
TARGET = {"table": "my-table", "awsEndpoint": "http://aws", "opensearchEndpoint": "http://search"}


def a_store(**given: Any) -> StoreSample:
    about: dict[str, Any] = {"reachable": True, "healthy": True, "count": 93, "kinds": {"artists": 60}}
    return StoreSample(**about | {"requests": Requests(count=5, p50=0.001, p95=0.25, p99=0.3)} | given)


def a_check(**given: Any) -> Sample:
    stores = dict.fromkeys(StoreName, a_store())
    return sample(**{"stores": stores, "consistency": AGREED, "state": "fresh"} | given)


def an_alert(number: int = 1, **given: Any) -> Alert:
    about: dict[str, Any] = {"cause": f"cause.{number}", "severity": Severity.WARNING, "message": "it is slow"}
    about |= {"value": "1 s", "threshold": ">= 1 s", "opened_at": BEGUN, "seen_at": BEGUN}
    return Alert(id=number, **about | given)


def a_view(found: Sample | None = None, **given: Any) -> View:
    found = found or a_check()
    about: dict[str, Any] = {"at": BEGUN, "target": TARGET, "sample": found, "full": found, "checks": 3}
    about |= {"alerts": (), "events": (), "series": (), "kept": ()}
    return View(**about | given)


def drawn(views: Sequence[View], width: int = 80, height: int = 24, encoding: str = "utf-8") -> list[str]:
    """The lines that are on the screen, 90 seconds after the last check."""
    clock = Clock(now=lambda: BEGUN + timedelta(seconds=90))
    live = LiveView(Options(interval=30), clock, ["something was said"])
    for view in views:
        live.tell(view)
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, height=height)
    options = console.options.update(width=width)
    lines = console.render_lines(live, options, pad=False)
    return ["".join(part.text for part in line).rstrip() for line in lines]


def test_a_healthy_target() -> None:
    kept = Kept(reference="base@1", kind="backup", created_at=BEGUN - timedelta(hours=1))
    lines = drawn([a_view(kept=(kept,))])
    assert lines[0] == " HEALTHY   my-table  check 3 (full) 1 m 30 s ago, every 30 s"
    assert lines[3].split() == ["table", "healthy", "93", "1.0", "ms", "250", "ms", "0", "█"]
    assert "records    60 artists  (fresh)" in lines
    assert "agreement  table and index agree: 60 artists compared on every field" in lines
    assert "last kept  backup base@1, 1 h 1 m ago" in lines
    assert "No alert is open." in lines
    assert "something was said" in lines
    assert lines[-1] == "Ctrl-C ends. http://aws, http://search"


def test_more_columns_where_there_is_room() -> None:
    assert "requests" not in drawn([a_view()])[2]
    assert "requests" in drawn([a_view()], width=140)[2]


def test_what_is_wrong_is_shown() -> None:
    stores = dict.fromkeys(StoreName, a_store())
    stores[StoreName.INDEX] = StoreSample(reachable=False, healthy=False, problems=("it does not answer",))
    differs = Consistency(
        compared=Compared.FULL,
        artists=60,
        consistent=False,
        missing=1,
        different=1,
        differences=(
            Difference(key="artist-001", kind="different", fields=("bio", "rating")),
            Difference(key="artist-002", kind="missing"),
        ),
    )
    closed = an_alert(2, closed_at=BEGUN + timedelta(seconds=40))
    events = (Event(at=BEGUN, change=Change.CLOSED, alert=closed),)
    view = a_view(
        a_check(stores=stores, consistency=differs),
        alerts=(an_alert(acknowledged_at=BEGUN), an_alert(3, severity=Severity.CRITICAL)),
        events=events,
    )
    lines = drawn([view], height=40)
    assert lines[0].startswith(" UNHEALTHY ")
    assert lines[4].split()[:2] == ["index", "unreachable"]
    assert "  index: it does not answer" in lines
    assert "agreement  2 of 60 artists differ: 1 missing in the index, 1 different" in lines
    assert "  artist-001 differs in bio, rating" in lines
    assert "  artist-002 has no document" in lines
    assert "Open alerts (2)" in lines
    assert "  warning  1 m 30 s, acknowledged  cause.1: it is slow" in lines
    assert "  1 m 30 s ago  closed      warning cause.2 after 40 s" in lines
    assert "No alert is open." not in lines


def test_a_light_check_shows_what_the_last_full_one_counted() -> None:
    full = a_check(at=BEGUN - timedelta(seconds=60))
    light = replace(
        full,
        at=BEGUN,
        light=True,
        stores=dict.fromkeys(StoreName, a_store(count=None, kinds=None)),
        consistency=replace(AGREED, compared=Compared.SAMPLE, artists=10),
    )
    lines = drawn([a_view(light, full=full)], width=90)
    assert "(light)" in lines[0]
    assert lines[3].split()[2] == "93"
    assert "agreement  table and index agree: 10 artists of one page compared on every field" in lines
    assert "full pass  2 m 30 s ago: table and index agree: 60 artists compared on every field" in lines


def test_response_times_are_drawn_check_by_check_with_gaps() -> None:
    down = dict.fromkeys(StoreName, StoreSample(reachable=False, healthy=False))
    slow = dict.fromkeys(StoreName, a_store(requests=Requests(count=1, p95=2.0)))
    lines = drawn([a_view(a_check(stores=each)) for each in (a_check().stores, down, slow)])
    assert lines[3].endswith("   ▁ █")


def test_a_terminal_without_blocks_gets_letters() -> None:
    slow = dict.fromkeys(StoreName, a_store(requests=Requests(count=1, p95=2.0)))
    lines = drawn([a_view(), a_view(a_check(stores=slow))], encoding="ascii")
    assert lines[3].endswith("_@")
    assert all(line.isascii() for line in lines)


@given(
    width=st.integers(20, 200),
    height=st.integers(12, 60),
    alerts=st.integers(0, 1000),
    events=st.integers(0, 20),
    differing=st.integers(0, 100),
    problems=st.integers(0, 3),
)
def test_it_fits_any_terminal_and_what_is_worst_comes_first(
    width: int, height: int, alerts: int, events: int, differing: int, problems: int
) -> None:
    differences = tuple(Difference(key=f"artist-{number}", kind="missing") for number in range(differing))
    consistency = replace(AGREED, consistent=not differing, missing=differing, differences=differences)
    stores = dict.fromkeys(StoreName, a_store(problems=("it is not as it should be",) * problems))
    view = a_view(
        a_check(consistency=consistency, stores=stores),
        alerts=tuple(map(an_alert, range(alerts))),
        events=tuple(Event(at=BEGUN, change=Change.OPENED, alert=an_alert(number)) for number in range(events)),
    )
    lines = drawn([view], width, height)
    assert len(lines) <= max(height, 12)
    assert all(len(line) <= width for line in lines)
    assert lines[-1].startswith("Ctrl-C")
    titles = [line.split(" (")[0] for line in lines if line.startswith(("Problems", "Differ", "Open", "Last ev"))]
    assert titles == [each for each in ("Problems", "Differences", "Open alerts", "Last events") if each in titles]
    if height >= 40:
        assert ("Open alerts" in titles) is bool(alerts)


def test_before_the_first_check() -> None:
    assert drawn([]) == ["The first check is being made ..."]


@pytest.mark.parametrize(
    ("values", "line"),
    [([], ""), ([None], " "), ([0.0], "▁"), ([1, 8], "▁█"), ([4, None, 8, 8], "▄ ██"), ([0, 0], "▁▁")],
)
def test_spark(values: list[float | None], line: str) -> None:
    assert spark(values) == line


@pytest.mark.parametrize(("seconds", "words"), [(None, "-"), (0.00123, "1.2 ms"), (0.25, "250 ms"), (3, "3,000 ms")])
def test_response_times(seconds: float | None, words: str) -> None:
    assert milliseconds(seconds) == words


def test_a_check_is_one_line() -> None:
    stores = dict.fromkeys(StoreName, a_store())
    stores[StoreName.INDEX] = StoreSample(reachable=True, healthy=False, problems=("it does not exist",))
    assert check_line(a_check(stores=stores)) == (
        "2026-11-24T10:00:00.000Z  unhealthy  table 93, p95 250 ms; index not healthy: it does not exist; "
        "images 93, p95 250 ms; table and index agree: 60 artists compared on every field"
    )
    assert agreement(Consistency()) == "not known whether table and index agree"


def test_a_tally_counts_checks_and_what_became_of_alerts() -> None:
    tally = Tally()
    opened = Event(at=BEGUN, change=Change.OPENED, alert=an_alert())
    tally.add(a_view(), [opened])
    tally.add(a_view(a_check(consistency=Consistency())), [replace(opened, change=Change.CLOSED)])
    assert tally.words == "2 checks (1 healthy, 1 degraded); 1 alert opened, 1 closed, 0 open."
    document = tally.document()
    assert (document["checks"], document["healthy"], document["degraded"], document["unhealthy"]) == (2, 1, 1, 0)
    assert (document["opened"], document["closed"], document["alerts"]) == (1, 1, [])


def test_plain_lines_in_a_pipe(tool: Tool) -> None:
    tool.ok("reset", "minimal")
    done = tool.ok("monitor", "watch", "1ms", "--count", "2")
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines[:2]] == ["healthy", "healthy"]
    assert "3 artists compared on every field" in lines[0]
    assert lines[2] == "2 checks (2 healthy); 0 alerts opened, 0 closed, 0 open."
    assert done.stdout.isascii()


def test_json_lines(tool: Tool) -> None:
    tool.ok("reset", "minimal")
    done = tool.ok("monitor", "watch", "1ms", "--count", "2", "--light", "--json")
    first, second, summary = map(json.loads, done.stdout.splitlines())
    assert [each["type"] for each in (first, second, summary)] == ["check", "check", "summary"]
    assert (first["checks"], first["light"], first["health"], first["alerts"]) == (1, True, "healthy", [])
    assert second["checks"] == 2
    assert list(summary)[:4] == ["type", "command", "elapsedSeconds", "target"]
    assert (summary["command"], summary["checks"], summary["healthy"]) == ("monitor watch", 2, 2)
    utility = tool.run("monitor", "1ms", "--count", "1", "--json", program="data-monitoring-utility")
    assert json.loads(utility.stdout.splitlines()[-1])["command"] == "monitor watch"


def test_stores_that_are_down_at_the_start_are_alerts_and_no_crash(tool: Tool) -> None:
    done = tool.run("monitor", "watch", "1ms", "--count", "3", "--json", **DOWN)
    assert (done.code, done.stderr) == (0, "")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["type"] for each in found] == ["check", "event", "event", "event", "check", "check", "summary"]
    causes = [each["alert"]["cause"] for each in found if each["type"] == "event"]
    assert sorted(causes) == ["images.reachable", "index.reachable", "table.reachable"]
    assert (found[-1]["unhealthy"], len(found[-1]["alerts"])) == (3, 3)


def test_a_gateway_that_is_down_at_the_start_is_no_crash(bare: Tool) -> None:
    done = bare.run("monitor", "watch", "1ms", "--count", "2", AWS_ENDPOINT_URL=NOWHERE)
    assert done.code == 0, done.stderr
    assert "2 checks (2 unhealthy)" in done.stdout
    assert bare.run("monitor", "check", AWS_ENDPOINT_URL=NOWHERE).code == 4


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_summary(tool: Tool, how: signal.Signals) -> None:
    tool.ok("reset", "minimal")
    child = tool.start("monitor", "watch", "1h")
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(how)
    said, complaint = child.communicate(timeout=60)
    assert (child.returncode, complaint) == (0, "")
    assert said.startswith("1 check (")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["0"], "the interval is '0': it has to be more than nothing"),
        (["-5s"], "the interval is '-5s': it has to be more than nothing"),
        (["abc"], "the interval is 'abc': it is no time"),
        (["30000"], "were milliseconds meant?"),
        (["1s", "--for", "0"], "--for is '0': it has to be more than nothing"),
        (["1s", "--count", "0"], "--count"),
        (["1s", "--count", "-3"], "--count"),
    ],
)
def test_what_makes_no_sense_is_refused(bare: Tool, arguments: list[str], said: str) -> None:
    done = bare.run("monitor", "watch", *arguments)
    assert done.code == 2
    assert said in done.stderr


def test_the_live_view_leaves_the_terminal_as_it_was(tool: Tool) -> None:
    tool.ok("reset", "minimal")
    code, text = on_a_terminal(tool, "monitor", "watch", "1ms", "--count", "2")
    assert code == 0
    assert text.index("\x1b[?1049h") < text.index("HEALTHY") < text.index("\x1b[?1049l")
    assert text.index("\x1b[?1049l") < text.index("2 checks (2 healthy)")
    code, text = on_a_terminal(tool, "monitor", "watch", "1ms", "--count", "1", "--json")
    assert "\x1b" not in text
