"""`integration-test` on whole targets: everything passes, nothing is left, and the user's own is not touched."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.selftest.marks import Marks
from tests.system.test_states import application
from tests.system.test_undo import fingerprint
from tests.tool import AS_OF, PROGRAMS, Tool

#: What needs a target, without the checks that only run programs.
WITH_A_TARGET = ("--category", "modules", "--category", "round-trip", "--category", "errors")


@contextmanager
def marks(tool: Tool) -> Iterator[Marks]:
    """What bears a mark beside a target."""
    with application(tool) as live:
        yield Marks(live, tool.environment["BACKUP_BUCKET"])


def own(tool: Tool) -> set[str]:
    """The stores of a target itself that are there."""
    stores = tool.ok("status", "--json").json()["stores"]
    return {name for name, about in stores.items() if about["engine"]}


def backups(tool: Tool) -> dict[str, str]:
    """What the user's backup bucket holds."""
    with application(tool) as live:
        pages = live.s3.get_paginator("list_objects_v2").paginate(Bucket=tool.environment["BACKUP_BUCKET"])
        return {each["Key"]: each["ETag"] for page in pages for each in page.get("Contents", ())}


def failed(document: Any) -> list[tuple[str, str]]:
    return [(each["name"], each["reason"]) for each in document["checks"] if each["result"] != "passed"]


def test_everything_passes_and_the_users_own_is_as_before(any_tool: Tool) -> None:
    any_tool.ok("reset", "location-test", "--as-of", AS_OF)
    any_tool.ok("snapshot", "mine")
    with application(any_tool) as live:
        live.put({"PK": {"S": "AUDIT#1"}, "SK": {"S": "1"}, "s": {"BS": [b"\x00"]}})
    before = (fingerprint(any_tool), backups(any_tool))
    done = any_tool.run("--faults", "--json", program="integration-test")
    assert failed(done.json()) == []
    assert done.code == 0, done.stderr
    document = done.json()
    assert document["summary"]["checks"] > 40
    names = document["scratch"]
    assert set(names) == {"table", "index", "imageBucket", "backupBucket"}
    assert all("-selftest-" in name for name in names.values())
    assert len(set(document["target"].values()) & set(names.values())) == 0
    assert (fingerprint(any_tool), backups(any_tool)) == before
    with marks(any_tool) as there:
        there.seen.add(names["table"][-8:])
        assert there.now() == set()
    assert any_tool.ok("history", "--json").json()["runs"][0]["command"] == "reset location-test"


def test_a_target_that_holds_nothing_has_nothing_afterwards(any_tool: Tool) -> None:
    done = any_tool.run(*WITH_A_TARGET, "--json", program="integration-test")
    assert (failed(done.json()), done.code) == ([], 0)
    assert own(any_tool) == set()
    with marks(any_tool) as there:
        assert there.now() == set()


def test_a_service_that_does_not_answer_fails_what_needs_it_and_nothing_is_left(any_tool: Tool) -> None:
    arguments = ("--category", "help", "--category", "modules", "--category", "errors", "--json")
    done = any_tool.run(*arguments, program="integration-test", OPENSEARCH_ENDPOINT="http://127.0.0.1:9")
    assert done.code == 4, done.stderr
    reasons = dict(failed(done.json()))
    assert "StoreUnreachable: opensearch does not answer" in reasons["seed-status"]
    passed = {each["name"] for each in done.json()["checks"] if each["result"] == "passed"}
    assert {"tattoo-data", "imports", "commands", "unreachable"} <= passed
    (skipped,) = [each for each in done.json()["checks"] if each["result"] == "skipped"]
    assert skipped["name"] == "untouched"
    assert skipped["reason"].endswith("index (not read: StoreUnreachable)")
    assert own(any_tool) == set()
    with marks(any_tool) as there:
        there.seen.add(done.json()["scratch"]["table"][-8:])
        assert there.now() == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_leaves_nothing(any_tool: Tool, number: signal.Signals) -> None:
    with marks(any_tool) as there:
        process = _started(any_tool)
        _wait_for_scratch(there, process)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == 128 + number, stdout + stderr
        assert stderr.strip().endswith("Stopped.")
        assert stdout == ""
        assert there.now() == set()


def test_a_killed_run_is_left_for_an_hour_and_another_works_beside_it(any_tool: Tool) -> None:
    with marks(any_tool) as there:
        process = _started(any_tool)
        _wait_for_scratch(there, process)
        process.kill()
        process.communicate()
        assert f"table {any_tool.environment['DYNAMODB_TABLE_NAME']}-selftest-{min(there.seen)}" in there.now()
        done = any_tool.run(*WITH_A_TARGET, "--json", program="integration-test")
        assert (failed(done.json()), done.code) == ([], 0)
        assert {each.rpartition("-")[2] for each in there.now() if each.startswith("table")} == there.seen


def _started(tool: Tool) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PROGRAMS / "integration-test", *WITH_A_TARGET],
        env=tool.variables(),
        cwd=tool.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_as_usual,
    )


def _as_usual() -> None:
    # A test run in the background of a shell ignores these, and so would its children.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _wait_for_scratch(there: Marks, process: subprocess.Popen[str]) -> None:
    """Return when the scratch target is being filled."""
    while process.poll() is None:
        if any(each.startswith("index") for each in there.now()):
            return
        os.sched_yield()
    raise AssertionError("it ended before it had made anything")
