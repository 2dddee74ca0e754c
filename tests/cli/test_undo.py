"""`undo`, `redo` and `history`: what they say, and how they end."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.faults.messages import Service
from tests.faults.proxy import fault_proxy
from tests.faults.rates import FaultRates
from tests.system.test_states import WRITES, application
from tests.system.test_undo import edit, fingerprint, history, kill_at, status
from tests.tool import AS_OF, Tool

RUN_ID = r"\d{8}T\d{9}Z-[0-9a-f]{6}"
FIELDS = {
    "command",
    "elapsedSeconds",
    "target",
    "dryRun",
    "changes",
    "removed",
    "failures",
    "changedMeanwhile",
    "fingerprintBefore",
    "fingerprint",
    "run",
    "proof",
    "undone",
}


def reset(tool: Tool, state: str, *more: str) -> Any:
    return tool.ok("reset", state, "--as-of", AS_OF, "--json", *more).json()


def commands(tool: Tool) -> list[str]:
    return [run["command"] for run in history(tool)]


def test_where_nothing_was_written_there_is_nothing_to_take_back(tool: Tool) -> None:
    assert tool.ok("history").stdout == "Nothing was written to this target yet.\n"
    assert history(tool) == []
    for verb in ("undo", "redo"):
        for arguments in ((), ("--dry-run",)):
            refused = tool.run(verb, "--json", *arguments)
            assert (refused.code, refused.stdout) == (10, "")
            assert refused.error()["id"] == "NothingToUndo"
            assert refused.error()["message"] == f"there is nothing to {verb} on this target"
    assert "hint: `tattoo-data history` lists what was done." in tool.run("undo").stderr


def test_the_documents_of_undo_and_redo(tool: Tool) -> None:
    reset(tool, "minimal")
    done = reset(tool, "fresh")
    undone = tool.ok("undo", "--json").json()
    assert set(undone) == FIELDS
    assert (undone["command"], undone["dryRun"], undone["undone"]) == ("undo", False, done["run"])
    assert undone["fingerprint"] == done["fingerprintBefore"]
    assert undone["changes"]["table"]["deleted"] == done["changes"]["table"]["created"]
    assert undone["changes"]["index"]["deleted"] == done["changes"]["index"]["created"]
    redone = tool.ok("redo", "--json").json()
    assert set(redone) == FIELDS
    assert (redone["command"], redone["undone"], redone["fingerprint"]) == ("redo", done["run"], done["fingerprint"])
    assert redone["changes"]["images"]["created"] == done["changes"]["images"]["created"]
    assert len({done["run"], undone["run"], redone["run"]}) == 3


def test_undo_and_redo_in_words(tool: Tool) -> None:
    reset(tool, "minimal")
    run = reset(tool, "clean")["run"]
    undone = tool.ok("undo").stdout
    assert undone.splitlines()[0] == f"undo of reset clean ({run}): done."
    assert re.search(r"^table +11 +0 +0 +0 +0 +0$", undone, re.MULTILINE)
    redone = tool.ok("redo").stdout
    assert redone.splitlines()[0] == f"redo of reset clean ({run}): done."
    assert "Removed: 3 artists, 1 studio, 7 styles, 3 documents" in redone
    again = tool.ok("undo", run)
    assert "done" in again.stdout
    again = tool.ok("undo", run)
    assert again.stdout.startswith(f"undo of reset clean ({run}): nothing to do, the stores hold it already.")


def test_a_dry_run_tells_the_plan_and_sends_no_write(tool: Tool) -> None:
    reset(tool, "minimal")
    before = fingerprint(tool)
    planned = tool.run("undo", "--dry-run", "--json", "--debug")
    assert planned.code == 0
    document = planned.json()
    assert (document["dryRun"], document["run"], document["fingerprint"]) == (True, None, None)
    assert document["changes"]["table"]["deleted"] == 11
    assert {(step["store"], step["action"]) for step in document["plan"]} == {
        ("table", "delete"),
        ("index", "delete"),
        ("images", "delete"),
    }
    requests = [line for line in planned.stderr.splitlines() if " attempt " in line]
    assert len(requests) > 5
    assert [line for line in requests if WRITES.search(line)] == []
    assert fingerprint(tool) == before
    assert commands(tool) == ["reset minimal"]
    shown = tool.ok("undo", "--dry-run").stdout
    assert "the plan. Nothing was changed." in shown
    assert "Would be removed: 3 artists, 1 studio, 7 styles, 3 documents" in shown
    tool.ok("undo")
    assert len(tool.ok("redo", "--dry-run", "--json").json()["plan"]) == len(document["plan"])


def test_an_older_run_is_taken_back_by_its_id_or_the_beginning_of_it(tool: Tool) -> None:
    reset(tool, "minimal")
    cleared = tool.ok("clear", "s3", "--json").json()["run"]
    emptied = tool.ok("clear", "opensearch", "--json").json()["run"]
    tool.ok("clear", "dynamodb")
    assert tool.ok("undo", cleared, "--json").json()["undone"] == cleared
    stores = status(tool)["stores"]
    assert stores["images"]["count"] > 0
    assert (stores["table"]["count"], stores["index"]["count"]) == (0, 0)
    assert tool.ok("undo", emptied[:-1], "--json").json()["undone"] == emptied
    assert [run["status"] for run in history(tool)] == ["done", "done", "done", "undone", "undone", "done"]
    tool.ok("undo")
    assert status(tool)["state"] == "minimal"


def test_a_run_that_is_not_known_is_refused_with_the_nearest(tool: Tool) -> None:
    run = reset(tool, "minimal")["run"]
    mistyped = run[:-1] + ("0" if run[-1] != "0" else "1")
    refused = tool.run("undo", mistyped, "--json")
    assert refused.code == 10
    assert refused.error()["id"] == "UnknownName"
    assert refused.error()["hint"] == f"Did you mean {run!r}?"
    reset(tool, "clean")
    refused = tool.run("undo", "2")
    assert refused.code == 10
    assert "no run is called '2'; there is " in refused.stderr
    assert run in refused.stderr


def test_an_empty_name_is_no_run(tool: Tool) -> None:
    reset(tool, "minimal")
    assert tool.run("undo", "").code == 10
    assert status(tool)["state"] == "minimal"


def test_undo_takes_back_no_undo_and_no_redo(tool: Tool) -> None:
    reset(tool, "minimal")
    undone = tool.ok("undo", "--json").json()["run"]
    refused = tool.run("undo", undone)
    assert refused.code == 2
    assert f"{undone} is an undo, which undo does not take back" in refused.stderr
    assert "`tattoo-data redo`" in refused.stderr
    redone = tool.ok("redo", "--json").json()["run"]
    assert f"{redone} is a redo" in tool.run("undo", redone).stderr


def test_after_something_new_there_is_nothing_to_redo(tool: Tool) -> None:
    reset(tool, "minimal")
    reset(tool, "clean")
    tool.ok("undo")
    tool.ok("clear", "s3")
    assert tool.run("redo").code == 10
    tool.ok("undo")
    tool.ok("redo")
    assert status(tool)["stores"]["images"]["count"] == 0


def test_without_before_images_an_undo_needs_a_decision(tool: Tool) -> None:
    first = reset(tool, "minimal")["run"]
    run = tool.ok("clear", "s3", "--no-undo", "--json").json()["run"]
    assert [each["undoable"] for each in history(tool)] == [False, True]
    assert re.search(rf"^{run} +clear s3 +done +\d+ +no ", tool.ok("history").stdout, re.MULTILINE)
    refused = tool.run("undo", "--json")
    assert refused.code == 13
    assert refused.error()["message"] == (f"clear s3 (run {run}) cannot be taken back: no before-images of it are kept")
    assert "`tattoo-data undo RUN`" in refused.error()["hint"]
    tool.ok("undo", first)
    assert status(tool)["stores"]["table"]["count"] == 0


def test_what_is_left_is_named_with_what_can_be_done(tool: Tool) -> None:
    reset(tool, "minimal")
    reset(tool, "fresh")
    with application(tool) as live:
        edit(live, "edited by the application")
    left = tool.run("undo")
    assert left.code == 13
    assert left.stdout.splitlines()[0].endswith(": finished, but some entries were left.")
    assert "left: table ARTIST#artist-001 METADATA: ChangedSince: it was changed since the run wrote it" in left.stdout
    assert "hint: Look at what is there now; --force puts back these too" in left.stderr
    planned = tool.ok("undo", "--dry-run")
    assert "left: table ARTIST#artist-001 METADATA: ChangedSince" in planned.stdout
    again = tool.run("undo", "--json")
    assert (again.code, again.json()["run"]) == (13, None)
    assert [each["key"] for each in again.json()["failures"]] == [
        '{"PK":{"S":"ARTIST#artist-001"},"SK":{"S":"METADATA"}}'
    ]
    tool.ok("undo", "--force")
    assert status(tool)["state"] == "minimal"


def test_what_a_store_refuses_fails_by_name_and_the_next_undo_takes_the_rest(tool: Tool) -> None:
    reset(tool, "minimal")
    tool.ok("clear", "opensearch")
    with fault_proxy(tool.environment["OPENSEARCH_ENDPOINT"], Service.OPENSEARCH, FaultRates(refused=1.0)) as proxy:
        failed = tool.run("undo", "--json", OPENSEARCH_ENDPOINT=proxy.url)
    assert failed.code == 3
    assert {each["store"] for each in failed.json()["failures"]} == {"index"}
    assert failed.json()["changes"]["index"]["failed"] == 3
    assert [run["status"] for run in history(tool)] == ["partial", "undone in part", "done"]
    tool.ok("undo")
    assert status(tool)["state"] == "minimal"


@pytest.mark.parametrize("verify", ["keys", "full", "none"])
def test_verify_in_every_degree_gives_the_same_fingerprint(tool: Tool, verify: str) -> None:
    first = reset(tool, "minimal")
    second = reset(tool, "clean")
    assert tool.ok("undo", "--verify", verify, "--json").json()["fingerprint"] == first["fingerprint"]
    assert tool.ok("redo", "--verify", verify, "--json").json()["fingerprint"] == second["fingerprint"]


def test_the_history_in_words_and_as_a_document(tool: Tool) -> None:
    reset(tool, "minimal")
    done = tool.ok("seed", "high-rating", "--only", "--as-of", "2026-11-20", "--json").json()
    undone = tool.ok("undo", "--json").json()
    shown = tool.ok("history").stdout.splitlines()
    assert re.fullmatch("run +command +status +changed +undo +started", shown[0])
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(rf"{RUN_ID} +undo +done +[\d,]+ +- +{moment}", shown[1])
    assert re.fullmatch(rf"{RUN_ID} +seed high-rating --only +undone +[\d,]+ +yes +{moment}", shown[2])
    assert re.fullmatch(rf"{RUN_ID} +reset minimal +done +[\d,]+ +yes +{moment}", shown[3])
    assert len(shown) == 4
    newest, seeded, _ = history(tool)
    assert (newest["id"], newest["kind"], newest["of"], newest["asOf"]) == (undone["run"], "undo", done["run"], None)
    assert (seeded["id"], seeded["kind"], seeded["of"], seeded["asOf"]) == (done["run"], "write", None, "2026-11-20")
    assert seeded["changes"] == done["changes"]
    assert (seeded["fingerprintBefore"], seeded["fingerprint"]) == (done["fingerprintBefore"], done["fingerprint"])
    assert newest["fingerprint"] == done["fingerprintBefore"]
    assert seeded["startedAt"] < seeded["endedAt"] < newest["startedAt"]
    assert status(tool)["asOf"] == AS_OF


def test_the_ids_of_runs_grow(tool: Tool) -> None:
    done = [reset(tool, state)["run"] for state in ("minimal", "clean", "minimal")]
    done += [tool.ok(verb, "--json").json()["run"] for verb in ("undo", "undo", "redo")]
    assert done == sorted(set(done))
    assert all(re.fullmatch(RUN_ID, each) for each in done)


def test_status_names_the_command_that_mends_what_was_killed(tool: Tool) -> None:
    reset(tool, "minimal")
    kill_at(tool, "_bulk", "seed", "location-london", "--only", "--as-of", AS_OF)
    shown = tool.ok("status").stdout
    mend = "seed location-london --only"
    assert f"Interrupted The last command was killed before it ended; `tattoo-data {mend}` mends it." in shown
    assert "Lock  " not in shown
    assert tool.ok(*mend.split(), "--as-of", AS_OF, "--json").json()["failures"] == []
    assert "Interrupted" not in tool.ok("status").stdout
    assert status(tool)["state"] == "location-test"  # the reset state of the same content


def test_a_repository_of_its_own_has_runs_of_its_own(tool: Tool) -> None:
    reset(tool, "minimal")
    tool.ok("clear", BACKUP_BUCKET=f"{tool.environment['BACKUP_BUCKET']}-2")
    assert commands(tool) == ["reset minimal"]
    undone = tool.ok("undo", "--json")
    assert undone.json()["changes"]["table"]["unchanged"] == 11
