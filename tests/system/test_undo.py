"""Undo and redo on whole targets: every command there and back, what others wrote meanwhile, and killed commands."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tattoo_data.clock import Clock
from tattoo_data.engine.scan import read_all
from tattoo_data.environment import open_environment
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import state_fingerprint
from tattoo_data.settings import resolve
from tests.faults.messages import Seen, Service
from tests.faults.proxy import fault_proxy
from tests.live import Application
from tests.system.test_states import application
from tests.tool import AS_OF, Tool

#: Ten commands that write, each with something to write after the one before.
WRITES: tuple[tuple[str, ...], ...] = (
    ("seed", "minimal", "--as-of", AS_OF),
    ("seed", "location-london", "--only", "--as-of", AS_OF),
    ("reset", "fresh", "--as-of", AS_OF),
    ("clear", "opensearch"),
    ("reset", "minimal", "--as-of", AS_OF),
    ("clear", "s3"),
    ("seed", "high-rating+style-traditional", "--as-of", "2026-11-23"),
    ("clear", "dynamodb"),
    ("reset", "search-ready", "--as-of", AS_OF),
    ("clear",),
)
ENDPOINTS = {
    Service.DYNAMODB: "AWS_ENDPOINT_URL_DYNAMODB",
    Service.OPENSEARCH: "OPENSEARCH_ENDPOINT",
    Service.S3: "AWS_ENDPOINT_URL_S3",
}
#: However the table writes where something is already.
CONDITIONAL = "PutItem|DeleteItem|TransactWriteItems"
ARTIST = {"PK": {"S": "ARTIST#artist-001"}, "SK": {"S": "METADATA"}}


def status(tool: Tool) -> Any:
    return tool.ok("status", "--json").json()


def fingerprint(tool: Tool) -> str:
    """What the live stores hold, read without the command line."""
    settings = resolve({}, tool.variables(), tool.cwd)
    with open_environment(settings, Clock()) as env:
        live = read_all(env.stores, env.pool, keep=False)
    return state_fingerprint({name: live[name].total.hex() for name in StoreName})


def history(tool: Tool) -> list[Any]:
    runs: list[Any] = tool.ok("history", "--json").json()["runs"]
    return runs


def edit(live: Application, text: str) -> None:
    """Somebody else's edit of one artist."""
    live.dynamodb.update_item(
        TableName=live.table,
        Key=ARTIST,
        UpdateExpression="SET bio = :bio",
        ExpressionAttributeValues={":bio": {"S": text}},
    )


def raw_items(live: Application) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Every item in DynamoDB's own types, its sets in order."""
    pages = live.dynamodb.get_paginator("scan").paginate(TableName=live.table, ConsistentRead=True)
    return {(item["PK"]["S"], item["SK"]["S"]): _in_order(item) for page in pages for item in page["Items"]}


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        sets = {tag: sorted(members) for tag, members in value.items() if tag in ("SS", "NS", "BS")}
        return {name: _in_order(each) for name, each in value.items()} | sets
    return [_in_order(each) for each in value] if isinstance(value, list) else value


def pictures(live: Application) -> dict[str, tuple[bytes, str]]:
    """Every object with its body and content type."""
    found = {key: live.s3.get_object(Bucket=live.bucket, Key=key) for key in live.objects()}
    return {key: (answer["Body"].read(), answer["ContentType"]) for key, answer in found.items()}


@contextmanager
def held_at(
    tool: Tool, operations: str, *arguments: str, service: Service = Service.OPENSEARCH, number: int = 1
) -> Iterator[Held]:
    """A command that stands still at its `number`th request of some operations, which is not passed on before the
    block ends."""
    variable = ENDPOINTS[service]
    reached, goes_on = threading.Event(), threading.Event()
    before = iter(range(number - 1))

    def hold(_: int, seen: Seen) -> None:
        if re.fullmatch(operations, seen.operation) and next(before, None) is None and not reached.is_set():
            reached.set()
            goes_on.wait(120)

    with fault_proxy(tool.environment[variable], service) as proxy:
        proxy.on_request = hold
        process = tool.start(*arguments, **{variable: proxy.url})
        try:
            assert reached.wait(60), "the command never got so far"
            yield process, goes_on
        finally:
            goes_on.set()
            process.communicate()


Held = tuple[subprocess.Popen[str], threading.Event]


def kill_at(tool: Tool, operations: str, *arguments: str, **where: Any) -> None:
    """Run a command and kill it at a request."""
    with held_at(tool, operations, *arguments, **where) as (process, _):
        process.kill()
        process.wait()


def test_ten_commands_are_taken_back_and_done_again_one_by_one(any_tool: Tool) -> None:
    states = []
    for words in WRITES:
        states.append(fingerprint(any_tool))
        done = any_tool.ok(*words, "--json").json()
        assert done["run"], f"{words} has nothing to write"
    states.append(fingerprint(any_tool))
    for number in reversed(range(len(WRITES))):
        undone = any_tool.ok("undo", "--json").json()
        assert undone["failures"] == []
        assert undone["fingerprint"] == fingerprint(any_tool) == states[number]
    assert status(any_tool)["fingerprint"] == states[0]
    assert any_tool.run("undo").code == 10
    for state in states[1:]:
        assert any_tool.ok("redo", "--json").json()["fingerprint"] == fingerprint(any_tool) == state
    assert status(any_tool)["fingerprint"] == states[-1]
    assert any_tool.run("redo").code == 10


def test_what_somebody_else_changed_is_left_and_force_takes_it(any_tool: Tool) -> None:
    any_tool.ok("reset", "minimal", "--as-of", AS_OF)
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    with application(any_tool) as live:
        edit(live, "edited by the application")
        live.opensearch.index(index=live.index, id="artist-001", body={"artistId": "artist-001"}, refresh=True)
        undone = any_tool.run("undo", "--json")
        assert undone.code == 13, undone.stderr
        assert {(each["store"], each["key"], each["error"]) for each in undone.json()["failures"]} == {
            ("table", '{"PK":{"S":"ARTIST#artist-001"},"SK":{"S":"METADATA"}}', "ChangedSince"),
            ("index", "artist-001", "ChangedSince"),
        }
        artist = {item["PK"]: item for item in live.items()}["ARTIST#artist-001"]
        assert artist["bio"] == "edited by the application"
        assert status(any_tool)["records"] == {"artists": 4, "studios": 1, "styles": 7, "other": 0}
        assert [run["status"] for run in history(any_tool)] == ["partial", "undone in part", "done"]
        any_tool.ok("undo", "--force")
        assert status(any_tool)["state"] == "minimal"


def test_what_is_no_record_comes_back_as_it_was(any_tool: Tool) -> None:
    any_tool.ok("reset", "minimal", "--as-of", AS_OF)
    odd: dict[str, Any] = {
        "PK": {"S": "AUDIT#1"},
        "SK": {"S": "2026-11-24"},
        "digits": {"N": "12345678901234567890123456789012345678"},
        "small": {"N": "-0.00000000000000000000000000000000000001"},
        "binary": {"B": b"\x00\xff"},
        "nested": {"M": {"list": {"L": [{"B": b"\x01"}, {"M": {"b": {"B": b"\xfe"}}}, {"NULL": True}]}}},
        "sets": {"L": [{"SS": ["b", "a"]}, {"NS": ["2.5", "-1"]}, {"BS": [b"\x02", b"\x01"]}]},
        "empty": {"S": ""},
        "nothing": {"L": []},
        "yes": {"BOOL": True},
    }
    document = {"PK": "ARTIST#artist-009", "n": 4.5, "deep": {"list": [1, {"a": None}, "é"]}, "artistId": ["odd"]}
    with application(any_tool) as live:
        live.put(odd)
        live.put({"PK": {"S": 'ALERT#é "quoted"'}, "SK": {"S": "#"}})
        live.put({"PK": {"S": "ARTIST#artist-009"}, "SK": {"S": "PROFILE"}, "artistName": {"S": "Node"}})
        live.opensearch.index(index=live.index, id="ARTIST#odd id/é", body=document, refresh=True)
        live.s3.put_object(Bucket=live.bucket, Key="odd/é 1.txt", Body=b"\x00\x01", ContentType="text/x-odd; q=1")
        items, documents, objects = raw_items(live), live.documents(), pictures(live)
        before = fingerprint(any_tool)
        any_tool.ok("reset", "fresh", "--as-of", AS_OF)
        any_tool.ok("clear")
        assert (raw_items(live), live.documents(), live.objects()) == ({}, {}, set())
        any_tool.ok("undo")
        any_tool.ok("undo")
        assert raw_items(live) == items
        assert live.documents() == documents
        assert pictures(live) == objects
        assert fingerprint(any_tool) == before


def test_a_killed_command_is_named_goes_on_and_is_undone_as_one(any_tool: Tool) -> None:
    any_tool.ok("reset", "minimal", "--as-of", AS_OF)
    before = fingerprint(any_tool)
    kill_at(any_tool, "_bulk", "reset", "fresh", "--as-of", AS_OF)
    there = status(any_tool)
    assert there["interrupted"]["mend"] == "tattoo-data reset fresh"
    assert there["consistent"] is False
    assert history(any_tool)[0]["status"] == "interrupted"
    again = any_tool.ok("reset", "fresh", "--as-of", AS_OF, "--json").json()
    assert again["run"] == there["interrupted"]["id"]
    there = status(any_tool)
    assert (there["state"], there["interrupted"], there["lock"]) == ("fresh", None, None)
    any_tool.ok("undo")
    assert fingerprint(any_tool) == before


@pytest.mark.parametrize(
    ("service", "operations"),
    [(Service.DYNAMODB, "BatchWriteItem"), (Service.DYNAMODB, CONDITIONAL), (Service.OPENSEARCH, "_bulk")],
    ids=["new items", "items", "documents"],
)
def test_another_command_closes_a_killed_one_which_is_undone_on_its_own(
    tool: Tool, service: Service, operations: str
) -> None:
    tool.ok("reset", "minimal", "--as-of", "2026-11-20")
    before = fingerprint(tool)
    kill_at(tool, operations, "reset", "fresh", "--as-of", AS_OF, service=service)
    half = fingerprint(tool)
    tool.ok("clear", "s3")
    runs = history(tool)
    assert [(run["command"], run["status"]) for run in runs] == [
        ("clear s3", "done"),
        ("reset fresh", "partial"),
        ("reset minimal", "done"),
    ]
    tool.ok("undo")
    assert fingerprint(tool) == half
    tool.ok("undo")
    assert fingerprint(tool) == before


@pytest.mark.parametrize(
    ("service", "operations", "number"),
    [(Service.DYNAMODB, CONDITIONAL, 1), (Service.OPENSEARCH, "_bulk", 1), (Service.OPENSEARCH, "_bulk", 2)],
)
def test_a_killed_undo_is_finished_by_the_next_command_which_says_so(
    tool: Tool, service: Service, operations: str, number: int
) -> None:
    tool.ok("reset", "minimal", "--as-of", "2026-11-20")
    before = fingerprint(tool)
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    kill_at(tool, operations, "undo", service=service, number=number)
    assert status(tool)["interrupted"]["mend"] == "tattoo-data undo"
    said = tool.ok("clear", "s3").stderr
    assert "Finishing the undo that was interrupted." in said
    assert [(run["command"], run["status"]) for run in history(tool)][:2] == [("clear s3", "done"), ("undo", "done")]
    tool.ok("undo")
    assert fingerprint(tool) == before


def test_a_killed_undo_goes_on_with_the_same_words(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    before = fingerprint(tool)
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    kill_at(tool, "_bulk", "undo")
    killed = status(tool)["interrupted"]["id"]
    assert tool.ok("undo", "--json").json()["run"] == killed
    assert fingerprint(tool) == before


def test_the_objects_that_a_run_needs_outlive_clear_backups(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    with application(tool) as live:
        there = pictures(live)
        tool.ok("clear", "s3")
        backups = tool.environment["BACKUP_BUCKET"]
        live.s3.put_object(Bucket=backups, Key="objects/of-nobody", Body=b"x")
        assert tool.ok("clear", "backups", "--yes", "--json").json()["objects"] == 1
        assert live.objects() == set()
        tool.ok("undo")
        assert pictures(live) == there


def test_the_last_twenty_runs_are_kept_and_the_day_is_known_after_them(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", "2026-01-02")
    for _ in range(13):
        tool.ok("clear", "s3")
        tool.ok("undo")
    there = status(tool)
    assert (there["state"], there["asOf"]) == ("minimal", "2026-01-02")
    runs = history(tool)
    assert len(runs) == 21
    assert (runs[-1]["command"], runs[-1]["undoable"]) == ("reset minimal", False)
    ids = [run["id"] for run in runs]
    assert ids == sorted(ids, reverse=True)
    with application(tool) as live:
        listed = live.s3.list_objects_v2(Bucket=tool.environment["BACKUP_BUCKET"], Prefix="runs/")["Contents"]
    assert {each["Key"].split("/")[1] for each in listed} == set(ids)
    assert tool.run("undo").code == 13


def test_a_damaged_before_image_is_refused_before_anything_is_written(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    run = tool.ok("clear", "--json").json()["run"]
    before = fingerprint(tool)
    name = f"runs/{run}/000001.jsonl.zst"
    with application(tool) as live:
        backups = tool.environment["BACKUP_BUCKET"]
        body = live.s3.get_object(Bucket=backups, Key=name)["Body"].read()
        live.s3.put_object(Bucket=backups, Key=name, Body=body[:20] + bytes([body[20] ^ 1]) + body[21:])
    refused = tool.run("undo", "--json")
    assert (refused.code, refused.stdout) == (12, "")
    assert refused.error()["id"] == "IntegrityFailed"
    assert name in refused.error()["message"]
    assert fingerprint(tool) == before
    assert [run["command"] for run in history(tool)] == ["clear all", "reset minimal"]


def test_an_object_that_is_gone_is_refused_before_anything_is_written(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    tool.ok("clear")
    before = fingerprint(tool)
    with application(tool) as live:
        backups = tool.environment["BACKUP_BUCKET"]
        first = live.s3.list_objects_v2(Bucket=backups, Prefix="objects/")["Contents"][0]["Key"]
        live.s3.delete_object(Bucket=backups, Key=first)
    refused = tool.run("undo")
    assert (refused.code, first in refused.stderr) == (12, True)
    assert fingerprint(tool) == before


def test_a_killed_undo_that_cannot_be_finished_keeps_no_command_out(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    run = tool.ok("reset", "fresh", "--as-of", AS_OF, "--json").json()["run"]
    kill_at(tool, "_bulk", "undo")
    with application(tool) as live:
        live.s3.put_object(Bucket=tool.environment["BACKUP_BUCKET"], Key=f"runs/{run}/000001.jsonl.zst", Body=b"x")
    assert "could not be finished" in tool.ok("reset", "fresh", "--as-of", AS_OF).stderr
    assert status(tool)["state"] == "fresh"


def test_a_second_writer_is_kept_out_or_waits(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    with held_at(tool, "_bulk", "reset", "fresh", "--as-of", AS_OF) as (first, goes_on):
        there = status(tool)
        assert there["lock"]["command"] == "reset fresh"
        assert (there["lock"]["pid"], there["lock"]["expired"], there["interrupted"]) == (first.pid, False, None)
        assert there["lastRun"]["status"] == "running"
        assert history(tool)[0]["status"] == "running"
        assert f"Lock        held by `reset fresh` (pid {first.pid} on " in tool.ok("status").stdout
        refused = tool.run("clear", "s3", "--json")
        assert refused.code == 11
        assert refused.error()["details"]["pid"] == first.pid
        assert refused.error()["message"].startswith(f"locked by `reset fresh` (pid {first.pid} on ")
        assert "--wait" in refused.error()["hint"]
        assert tool.ok("clear", "s3", "--dry-run").code == 0
        with waiting(tool, "clear", "s3", "--wait", "60") as second:
            assert second.poll() is None
            goes_on.set()
            said = second.communicate()
    assert (first.returncode, second.returncode) == (0, 0), said
    assert [run["command"] for run in history(tool)][:2] == ["clear s3", "reset fresh"]
    assert status(tool)["stores"]["images"]["count"] == 0


@contextmanager
def waiting(tool: Tool, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that has asked for the lock three times."""
    asked, waits = [], threading.Event()

    def count(_: int, seen: Seen) -> None:
        if seen.method == "GET" and "/locks/" in seen.path:
            asked.append(seen)
            if len(asked) == 3:
                waits.set()

    with fault_proxy(tool.environment[ENDPOINTS[Service.S3]], Service.S3) as proxy:
        proxy.on_request = count
        process = tool.start(*arguments, AWS_ENDPOINT_URL_S3=proxy.url)
        assert waits.wait(60), "the command does not wait for the lock"
        yield process


def test_a_wait_that_is_too_short_ends_with_11(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    with held_at(tool, "_bulk", "reset", "fresh", "--as-of", AS_OF):
        refused = tool.run("undo", "--wait", "0.5")
    assert refused.code == 11
    assert "locked by `reset fresh`" in refused.stderr
