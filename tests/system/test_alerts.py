"""Alerts on a whole target: what one command raises is listed, filtered, acknowledged and cleared by others, by two at
once too, and told whether or not a store still answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import Application
from tests.stub import Answer, stub
from tests.tool import AS_OF, Tool

SECRET = "T0K3N"


@pytest.fixture
def broken(tool: Tool) -> Iterator[Application]:
    """A target of whose index half of the documents are gone, checked once."""
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    live = Application(tool.environment)
    documents = sorted(live.documents())
    for key in documents[::2]:
        live.opensearch.delete(index=live.index, id=key, refresh=True)
    assert tool.run("monitor", "check").code == 4
    yield live
    live.close()


@pytest.fixture
def down(tmp_path: Path) -> Tool:
    """The command line on a target of which nothing answers."""
    nowhere = "http://127.0.0.1:9"
    names = {"AWS_ENDPOINT_URL": nowhere, "OPENSEARCH_ENDPOINT": nowhere}
    return Tool({**names, "TATTOO_DATA_HOME": str(tmp_path / "state")}, tmp_path)


def alerts(tool: Tool, *arguments: str) -> list[Any]:
    found: list[Any] = tool.ok("monitor", "alerts", *arguments, "--json").json()["alerts"]
    return found


def together(tool: Tool, *commands: tuple[str, ...]) -> list[Any]:
    """The documents of commands that run at once, all of which end well."""
    running = [tool.start(*command, "--json") for command in commands]
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0] * len(commands), said
    return [json.loads(out) for out, _ in said]


def test_from_the_first_look_to_the_last(tool: Tool, broken: Application) -> None:
    (alert,) = alerts(tool)
    assert (alert["cause"], alert["severity"], alert["open"]) == ("consistency.differing", "critical", True)
    assert "missing in the index" in alert["message"]
    assert alerts(tool, "warning") == []
    assert [each["id"] for each in alerts(tool, "critical")] == [alert["id"]]
    shown = tool.run("alerts", program="data-monitoring-utility")
    assert "consistency.differing" in shown.stdout

    (known,) = alerts(tool, "--acknowledge", str(alert["id"]))
    assert known["acknowledgedBy"].count("@") == 1
    assert alerts(tool)[0]["acknowledgedAt"] == known["acknowledgedAt"]
    assert "acknowledged by" in tool.ok("monitor", "alerts").stdout

    assert tool.run("monitor", "check").code == 4
    assert [each["id"] for each in alerts(tool)] == [alert["id"]]

    tool.ok("sync", "dynamo-to-os")
    for _ in range(2):
        tool.ok("monitor", "check")
    assert alerts(tool) == []
    (closed,) = alerts(tool, "--closed")
    assert (closed["id"], closed["open"], closed["cleared"]) == (alert["id"], False, False)
    assert closed["durationSeconds"] > 0
    report = tool.ok("monitor", "report", "--json").json()
    assert [each["id"] for each in report["alerts"]] == [alert["id"]]
    assert report["consistency"]["inconsistent"] == 2
    assert (report["checks"], report["unhealthy"]) == (4, 2)


def test_what_is_cleared_and_still_wrong_comes_back_as_another(tool: Tool, broken: Application) -> None:
    assert tool.ok("monitor", "clear-alerts").stdout == "1 alert cleared.\n"
    assert tool.ok("monitor", "clear-alerts").stdout == "There was no open alert.\n"
    assert alerts(tool) == []
    assert tool.run("monitor", "check").code == 4
    assert [each["id"] for each in alerts(tool)] == [2]
    assert [each["cleared"] for each in alerts(tool, "--all")] == [False, True]


def test_two_at_once(down: Tool) -> None:
    first = down.run("monitor", "check")
    assert first.code == 4
    raised = alerts(down)
    assert {each["cause"] for each in raised} == {"table.reachable", "index.reachable", "images.reachable"}
    ids = [str(each["id"]) for each in raised]
    known = together(down, *(("monitor", "alerts", "--acknowledge", ids[0]) for _ in range(2)))
    assert len({each["alerts"][0]["acknowledgedAt"] for each in known}) == 1
    cleared = together(down, *(("monitor", "clear-alerts") for _ in range(3)))
    assert sum(each["cleared"] for each in cleared) == 3
    running = [down.start("monitor", "check", "--light") for _ in range(2)]
    for process in running:
        process.communicate(timeout=120)
    assert [process.returncode for process in running] == [4, 4]
    assert len(alerts(down)) == 3
    assert len(alerts(down, "--all")) == 6


def test_alerts_and_report_need_no_store(down: Tool) -> None:
    assert down.ok("monitor", "alerts").stdout == "There is no open alert.\n"
    assert "There is no history of this time" in down.ok("monitor", "report").stdout
    document = down.ok("monitor", "report", "--json").json()
    assert document["target"]["awsEndpoint"] == "http://127.0.0.1:9"
    assert (document["checks"], document["stores"]) == (0, {})
    assert down.run("monitor", "check", "--light").code == 4
    shown = down.ok("monitor", "report", "--markdown").stdout
    assert shown.startswith("# Monitoring report")
    assert "table.reachable" in shown
    down.ok("monitor", "report", "--html", "report.html")
    page = (down.cwd / "report.html").read_text()
    assert down.ok("monitor", "report", "--html", "-").stdout.startswith("<!doctype html>")
    assert "table.reachable" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("alerts", "critcal"), 2, "critical, warning, info"),
        (("clear-alerts", "bad"), 2, "critical, warning, info"),
        (("alerts", "--acknowledge", "x"), 2, "'x' is no id of an alert"),
        (("alerts", "--acknowledge", "7"), 10, "no alert is called '7'; there is none"),
        (("alerts", "--acknowledge", "7", "--all"), 2, "--acknowledge"),
        (("alerts", "info", "--acknowledge", "7"), 2, "by their id"),
        (("report", "--since", "yesterday"), 2, "--since"),
        (("report", "--since", "0"), 2, "--since"),
        (("report", "--markdown", "--json"), 2, "forms of one output"),
        (("report", "--html", "-", "--json"), 2, "forms of one output"),
        (("report", "--html", "file/report.html"), 1, "cannot be written"),
    ],
)
def test_bad_input(down: Tool, arguments: tuple[str, ...], code: int, words: str) -> None:
    (down.cwd / "file").write_text("")
    result = down.run("monitor", *arguments)
    assert result.code == code, result.stderr
    assert words in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("[monitoring.thresholds.table.respons]\nwarning = 1\n", "Did you mean 'table.response'"),
        ("[monitoring.thresholds.table.response]\nwarning = 'slow'\n", "no number over 0"),
        ("[monitoring]\nwebhook = 'ftp://127.0.0.1/T0K3N'\n", "no http or https URL"),
        ("[monitoring]\nrows = 1\n", "from 100 to"),
    ],
)
def test_bad_settings_are_named(down: Tool, file: str, words: str) -> None:
    (down.cwd / "tattoo-data.toml").write_text(file)
    result = down.run("monitor", "alerts")
    assert result.code == 2
    assert words in result.stderr
    assert SECRET not in result.stderr


def test_a_webhook_that_is_not_allowed_stops_only_what_would_tell_it(down: Tool) -> None:
    (down.cwd / "tattoo-data.toml").write_text("[monitoring]\nwebhook = 'http://192.0.2.1/T0K3N'\n")
    for word in ("alerts", "report"):
        assert down.ok("monitor", word).stderr == ""
    for words in (("check", "--light"), ("clear-alerts",), ("test-alerts",)):
        assert down.run("monitor", *words).code == 15


def test_the_settings_thresholds_count(down: Tool) -> None:
    (down.cwd / "tattoo-data.toml").write_text(
        '[monitoring.thresholds]\ntable.reachable = { severity = "warning" }\nindex.reachable = { enabled = false }\n'
        "images.reachable = { opens_after = 2 }\n"
    )
    down.run("monitor", "check", "--light")
    assert [(each["cause"], each["severity"]) for each in alerts(down)] == [("table.reachable", "warning")]
    down.run("monitor", "check", "--light")
    assert [each["cause"] for each in alerts(down)] == ["images.reachable", "table.reachable"]


def test_a_test_of_the_alerts_goes_the_whole_way(down: Tool) -> None:
    with stub(lambda asked: Answer()) as hook:
        down.extra = {"TATTOO_DATA_WEBHOOK": f"{hook.url}/{SECRET}", "TATTOO_DATA_ALERT_LOG": "alerts.jsonl"}
        done = down.ok("monitor", "test-alerts", "--json", "--debug")
        document = done.json()
        assert document["arrived"]
        assert [(each["where"], each["arrived"]) for each in document["arrivals"]] == [
            (where, True) for where in ("ledger", "log file", "webhook") for _ in range(3)
        ]
        assert [json.loads(asked.body)["alert"]["test"] for asked in hook.asked] == [True] * 6
        assert SECRET not in done.stdout + done.stderr
        assert SECRET not in down.ok("config").stdout
    assert len((down.cwd / "alerts.jsonl").read_text().splitlines()) == 6
    assert alerts(down) == []
    assert down.ok("monitor", "report", "--json").json()["alerts"] == []


def test_a_webhook_that_refuses_fails_the_test_of_the_alerts(down: Tool) -> None:
    with stub(lambda asked: Answer(status=403)) as hook:
        down.extra = {"TATTOO_DATA_WEBHOOK": hook.url}
        result = down.run("monitor", "test-alerts")
        assert result.code == 4
        assert f"the webhook at {hook.url} did not take it" in result.stdout
        assert "it answers 403" in result.stderr
    down.extra = {"TATTOO_DATA_WEBHOOK": "http://hooks.example.com/x"}
    assert down.run("monitor", "test-alerts").code == 15


def test_a_damaged_database_and_a_folder_that_cannot_be_written(down: Tool) -> None:
    down.run("monitor", "check", "--light")
    database = Path(down.environment["TATTOO_DATA_HOME"]) / "monitoring.sqlite"
    database.write_bytes(b"no database" * 1_000)
    result = down.ok("monitor", "alerts")
    assert result.stdout == "There is no open alert.\n"
    assert "was moved to" in result.stderr
    assert len(list(database.parent.glob("monitoring.sqlite.corrupt-*"))) == 1
    (down.cwd / "file").write_text("")
    result = down.run("monitor", "check", "--light", TATTOO_DATA_HOME=str(down.cwd / "file" / "state"))
    assert result.code == 4
    assert "alerts and history are not kept" in result.stderr
