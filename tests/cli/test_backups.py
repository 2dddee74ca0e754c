"""`backup`, `snapshot`, `restore`, `snapshots` and `backups ...`: what they say, and how they end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.cli.test_results import COUNTS, TARGET
from tests.cli.test_terminal import on_a_terminal
from tests.formats.builders import node_document, node_export, node_item, tar_gz
from tests.repository.test_manifests import BAD_NAMES
from tests.system.test_states import WRITES
from tests.system.test_undo import fingerprint
from tests.tool import AS_OF, Tool

GENERATED = r"backup-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z"
VERSION = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z-[0-9a-f]{16}"
SUMMARY = {
    "name",
    "reference",
    "kind",
    "createdAt",
    "ageSeconds",
    "thisTarget",
    "records",
    "stores",
    "dataBytes",
    "storedBytes",
    "sharedBytes",
    "fingerprint",
    "equals",
    "asOf",
    "drift",
    "by",
    "problem",
}
REMOVED = {"dryRun", "snapshots", "kept", "packs", "bodies", "objects", "freedBytes"}
FRAME = {"command", "elapsedSeconds", "target"}


def reset(tool: Tool, state: str) -> Any:
    return tool.ok("reset", state, "--as-of", AS_OF, "--json").json()


def bucket(tool: Tool) -> Any:
    """The backup bucket, past the tool."""
    s3 = boto3.resource(
        "s3",
        endpoint_url=tool.environment["AWS_ENDPOINT_URL_S3"],
        region_name="eu-west-2",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    return s3.Bucket(tool.environment["BACKUP_BUCKET"])


def keys(tool: Tool, prefix: str = "") -> list[str]:
    return [each.key for each in bucket(tool).objects.filter(Prefix=prefix)]


def damage(tool: Tool, prefix: str) -> str:
    """Cut the last byte of the first object under a prefix."""
    (first, *_) = bucket(tool).objects.filter(Prefix=prefix)
    body = first.get()["Body"].read()
    first.put(Body=body[:-1])
    return str(first.key)


def archive(tool: Tool, name: str) -> None:
    """A backup of the Node tool."""
    folder = tool.cwd / "node" / name
    export = node_export(folder, [node_item(number) for number in range(3)], [node_document(n) for n in range(3)])
    bucket(tool).put_object(Key=f"{name}.tar.gz", Body=tar_gz(export))


# Taking.


def test_the_document_of_a_backup(tool: Tool) -> None:
    fresh = reset(tool, "fresh")
    taken = tool.ok("backup", "--json").json()
    stored = {"storedPacks", "storedBytes"}
    assert set(taken) == FRAME | stored | {
        "name",
        "reference",
        "kind",
        "createdAt",
        "asOf",
        "fingerprint",
        "stores",
        "drift",
    }
    assert set(taken["target"]) == TARGET
    assert (taken["command"], taken["kind"], taken["asOf"]) == ("backup", "backup", AS_OF)
    assert re.fullmatch(GENERATED, taken["name"])
    assert re.fullmatch(f"{GENERATED}@{VERSION}", taken["reference"])
    assert taken["fingerprint"] == fresh["fingerprint"] == fingerprint(tool)
    assert {name: each["count"] for name, each in taken["stores"].items()} == {"table": 93, "index": 60, "images": 57}
    assert set(taken["stores"]["table"]) == {"count", "fingerprint", "packs", "bytes"}
    assert taken["drift"] == {"table": 0, "index": 0, "images": 0}
    assert taken["storedPacks"] == 3
    assert taken["storedBytes"] > 10_000
    again = tool.ok("snapshot", "suite", "--json").json()
    assert (again["command"], again["kind"], again["name"]) == ("snapshot", "snapshot", "suite")
    assert (again["storedPacks"], again["storedBytes"]) == (0, 0)


def test_what_a_backup_says(tool: Tool) -> None:
    reset(tool, "minimal")
    unnamed = tool.ok("backup")
    assert unnamed.stderr == ""
    lines = unnamed.stdout.splitlines()
    assert re.fullmatch(rf"backup {GENERATED}: done \(table 11, index 3, images \d+\)\.", lines[0])
    assert re.fullmatch(r"Stored [\d.]+ KiB; 3 of 3 packs were new\.", lines[1])
    assert re.fullmatch(r"Fingerprint [0-9a-f]{16}, [\d.]+ s\.", lines[2])
    assert re.fullmatch(f"Restore it with: tattoo-data restore {GENERATED}", lines[3])
    assert len(lines) == 4
    named = tool.ok("snapshot", "suite").stdout.splitlines()
    assert named[1] == "Stored 0 B; everything was there already."
    assert re.fullmatch(f"This very version: suite@{VERSION}", named[-1])


@pytest.mark.parametrize("command", ["backup", "snapshot"])
@pytest.mark.parametrize("name", [name for name in BAD_NAMES if "\0" not in name and not name.startswith("-")])
def test_a_bad_name_is_told_before_anything_is_started(bare: Tool, command: str, name: str) -> None:
    refused = bare.run(command, name, "--json")
    assert (refused.code, refused.stdout) == (2, "")
    assert refused.error()["id"] == "BadSetting"
    assert "a name begins with a letter or digit" in refused.error()["message"]
    assert not (bare.cwd / "y").exists()
    assert not (bare.cwd / "state").exists()


def test_a_snapshot_needs_a_name(bare: Tool) -> None:
    refused = bare.run("snapshot")
    assert (refused.code, refused.stdout) == (2, "")
    assert "NAME" in refused.stderr


def test_without_stores_there_is_nothing_to_keep(tool: Tool) -> None:
    missing = tool.run("backup", "--json")
    assert (missing.code, missing.error()["id"]) == (10, "StoreMissing")
    assert "reset fresh" in missing.error()["hint"]


def test_where_nothing_answers_all_of_them_end_with_14(tool: Tool) -> None:
    dead = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    for arguments in (("backup",), ("restore", "x"), ("backups", "list"), ("backups", "verify"), ("snapshots",)):
        assert tool.run(*arguments, **dead).code == 14, arguments


# Restoring.


def test_the_document_of_a_restore(tool: Tool) -> None:
    minimal = reset(tool, "minimal")
    taken = tool.ok("snapshot", "suite", "--json").json()
    reset(tool, "fresh")
    restored = tool.ok("restore", "suite", "--json").json()
    assert FRAME | {"changes", "failures", "fingerprint", "run", "dryRun", "source", "proven"} <= set(restored)
    assert set(restored["changes"]["table"]) == COUNTS
    assert (restored["source"], restored["proven"], restored["failures"]) == (taken["reference"], True, [])
    assert restored["fingerprint"] == minimal["fingerprint"] == fingerprint(tool)
    status = tool.ok("status", "--json").json()
    assert (status["state"], status["asOf"], status["lastRun"]["command"]) == ("minimal", AS_OF, "restore suite")
    again = tool.ok("restore", taken["reference"], "--json").json()
    assert (again["run"], again["proven"], again["changes"]["table"]["unchanged"]) == (None, True, 11)


def test_what_a_restore_says(tool: Tool) -> None:
    reset(tool, "minimal")
    tool.ok("snapshot", "suite")
    reset(tool, "clean")
    planned = tool.ok("restore", "suite", "--dry-run")
    assert re.match(rf"restore suite, from suite@{VERSION}: the plan\. Nothing was changed\.\n", planned.stdout)
    assert "Proven" not in planned.stdout
    done = tool.ok("restore", "suite")
    assert re.match(rf"restore suite, from suite@{VERSION}: done\.\n", done.stdout)
    assert done.stdout.endswith("Proven: the stores have the very fingerprint of the snapshot.\n")
    assert "nothing to do, the stores hold it already" in tool.ok("restore", "latest").stdout
    tool.ok("clear", "dynamodb")
    assert "Proven" not in tool.ok("restore", "suite", "--verify", "none").stdout


def test_a_restore_of_what_is_there_sends_no_write_and_reads_no_pack(tool: Tool) -> None:
    reset(tool, "fresh")
    tool.ok("snapshot", "suite")
    traced = tool.ok("restore", "suite", "--debug").stderr.splitlines()
    requests = [line for line in traced if " attempt " in line]
    assert [line for line in requests if WRITES.search(line) and "repository" not in line] == []
    # The manifest, the lock and the runs; but no pack and no body
    reads = [line for line in requests if "repository" in line and "GetObject" in line]
    assert 0 < len(reads) <= 4


def test_parts_of_a_snapshot(tool: Tool) -> None:
    fresh = reset(tool, "fresh")
    tool.ok("snapshot", "suite")
    tool.ok("clear")
    part = tool.ok("restore", "suite", "--only", "dynamodb", "--keys", "ARTIST#artist-00*", "--json").json()
    assert (part["changes"]["table"]["created"], part["proven"]) == (9, None)
    assert sum(part["changes"]["index"].values()) == 0
    assert tool.ok("history", "--json").json()["runs"][0]["command"] == (
        "restore suite --only dynamodb --keys 'ARTIST#artist-00*'"
    )
    rest = tool.ok("restore", "suite", "--only", "opensearch", "--only", "s3", "--json").json()
    assert (rest["changes"]["index"]["created"], rest["changes"]["images"]["created"]) == (60, 57)
    assert sum(rest["changes"]["table"].values()) == 0
    assert tool.ok("restore", "suite", "--json").json()["fingerprint"] == fresh["fingerprint"]
    assert tool.run("restore", "suite", "--only", "dynamo").code == 2


def test_a_name_that_nothing_has_is_told_with_the_nearest(tool: Tool) -> None:
    reset(tool, "minimal")
    tool.ok("snapshot", "suite")
    for arguments in (("restore", "siute"), ("backups", "show", "siute"), ("backups", "verify", "siute")):
        refused = tool.run(*arguments, "--json")
        assert (refused.code, refused.stdout) == (10, "")
        error = refused.error()
        assert (error["id"], error["hint"]) == ("UnknownName", "Did you mean 'suite'?")
        assert error["message"].startswith("no snapshot is called 'siute'; there is suite")
    for name in ("suite@2020", "suite@", "x$(touch y)", "../suite", ""):
        assert tool.run("restore", name).code == 10
    assert not (tool.cwd / "y").exists()


def test_reset_backup_restore(tool: Tool) -> None:
    reset(tool, "minimal")
    tool.ok("snapshot", "suite")
    before = fingerprint(tool)
    none = tool.run("reset", "backup-restore", "--json")
    assert (none.code, none.error()["id"]) == (10, "NoBackup")
    assert "`tattoo-data restore suite`" in none.error()["hint"]
    assert fingerprint(tool) == before
    taken = tool.ok("backup", "daily", "--json").json()
    reset(tool, "fresh")
    tool.ok("snapshot", "later")
    planned = tool.ok("reset", "backup-restore", "--dry-run", "--json").json()
    assert (planned["source"], planned["run"]) == (taken["reference"], None)
    done = tool.ok("reset", "backup-restore", "--json").json()
    assert (done["command"], done["state"], done["source"]) == ("reset", "backup-restore", taken["reference"])
    assert (done["proven"], done["fingerprint"]) == (True, before)
    tool.ok("undo")
    assert tool.ok("status", "--json").json()["state"] == "fresh"
    said = tool.ok("reset", "backup-restore").stdout
    assert said.startswith(f"reset backup-restore, from {taken['reference']}: done.")
    assert tool.run("reset", "backup-restore", "--scale", "2").code == 2


def test_the_node_tools_archive(tool: Tool) -> None:
    reset(tool, "minimal")
    archive(tool, "backup-2024-01-15T10-30-00-000Z")
    listed = tool.ok("backups", "list", "--kind", "node", "--json").json()["snapshots"]
    assert [(each["name"], each["kind"], each["thisTarget"]) for each in listed] == [
        ("backup-2024-01-15T10-30-00-000Z", "node", None)
    ]
    assert tool.run("reset", "backup-restore", "--dry-run", "--json").json()["source"] == listed[0]["reference"]
    shown = tool.ok("backups", "show", "backup-20240115T103000000Z").stdout
    assert "(node)" in shown
    assert "by the Node tool" in shown
    assert "whole" in tool.ok("backups", "verify").stdout
    restored = tool.ok("restore", "backup-2024-01-15T10-30-00-000Z.tar.gz", "--json").json()
    counts = restored["changes"]["table"]
    assert (counts["created"] + counts["replaced"], restored["proven"]) == (3, None)
    assert tool.ok("status", "--json").json()["records"]["artists"] == 3
    tool.ok("undo")
    assert tool.ok("status", "--json").json()["state"] == "minimal"
    bucket(tool).put_object(Key="broken.tar.gz", Body=b"x" * 99)
    damaged = tool.run("restore", "broken", "--json")
    assert (damaged.code, damaged.error()["id"]) == (12, "IntegrityFailed")
    assert "broken.tar.gz" in damaged.error()["message"]
    assert "/tmp" not in damaged.error()["message"]
    verified = tool.run("backups", "verify")
    assert verified.code == 12
    assert "broken: damaged\n  broken.tar.gz" in verified.stdout


# Looking.


def test_the_documents_of_lists(tool: Tool) -> None:
    assert tool.ok("backups", "list", "--json").json()["snapshots"] == []
    assert tool.ok("backups", "list").stdout == "There is none. `tattoo-data backup` makes one.\n"
    reset(tool, "minimal")
    tool.ok("backup", "daily")
    tool.ok("snapshot", "suite")
    tool.ok("snapshot", "suite", DYNAMODB_TABLE_NAME=_another_table(tool))
    listed = tool.ok("backups", "list", "--json").json()
    assert set(listed) == FRAME | {"snapshots", "more"}
    assert [(each["name"], each["kind"], each["thisTarget"]) for each in listed["snapshots"]] == [
        ("suite", "snapshot", False),
        ("suite", "snapshot", True),
        ("daily", "backup", True),
    ]
    for each in listed["snapshots"]:
        assert set(each) == SUMMARY
        assert re.fullmatch(f"{each['name']}@{VERSION}", each["reference"])
    ours = listed["snapshots"][1]
    assert (ours["equals"], ours["asOf"], ours["stores"]["table"]) == ("minimal", AS_OF, 11)
    assert (ours["drift"], ours["problem"], ours["sharedBytes"]) == (0, None, ours["storedBytes"])
    assert ours["records"]["studios"] == 1
    some = tool.ok("backups", "list", "--json", "--limit", "1").json()
    assert [each["reference"] for each in some["snapshots"]] == [listed["snapshots"][0]["reference"]]
    assert some["more"] == 2
    assert len(tool.ok("backups", "list", "--json", "--limit", "0").json()["snapshots"]) == 3
    kinds = tool.ok("backups", "list", "--json", "--kind", "backup", "--kind", "sync").json()["snapshots"]
    assert [each["name"] for each in kinds] == ["daily"]
    assert [each["name"] for each in tool.ok("snapshots", "--json").json()["snapshots"]] == ["suite", "suite"]
    assert tool.run("list-backups", "--json", program="data-manager").json()["snapshots"][0]["name"] == "suite"
    assert tool.run("backups", "list", "--kind", "backups").code == 2
    assert tool.run("backups", "list", "--limit", "-1").code == 2


def _another_table(tool: Tool) -> str:
    """A table of its own beside, which is another target."""
    name = tool.environment["DYNAMODB_TABLE_NAME"] + "-2"
    tool.ok("reset", "clean", DYNAMODB_TABLE_NAME=name)
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    return name


def test_lists_in_words(tool: Tool) -> None:
    reset(tool, "minimal")
    tool.ok("backup", "daily")
    tool.ok("snapshot", "suite")
    damaged = damage(tool, "snapshots/daily/")
    lines = tool.ok("backups", "list").stdout.splitlines()
    assert lines[0].split() == ["name", "kind", "age", "entries", "data", "stored", "shared", "fingerprint", "equals"]
    assert re.match(r"suite +snapshot +\d+ s +\d+ +[\d.]+ KiB +[\d.]+ KiB +0 B +[0-9a-f]{16} +minimal$", lines[1])
    assert lines[2].split()[:2] == ["daily", "damaged"]
    assert damaged in lines[3]
    assert "... and 1 older ones (--limit 0 shows all)" in tool.ok("backups", "list", "--limit", "1").stdout


def test_what_show_says(tool: Tool) -> None:
    reset(tool, "fresh")
    taken = tool.ok("backup", "daily", "--json").json()
    shown = tool.ok("backups", "show", "daily", "--json").json()
    assert set(shown) == FRAME | SUMMARY | {"source", "packs", "structure"}
    assert (shown["reference"], shown["fingerprint"], shown["equals"]) == (
        taken["reference"],
        taken["fingerprint"],
        "fresh",
    )
    assert shown["packs"] == {"table": 1, "index": 1, "images": 1}
    assert shown["source"]["table"] == tool.environment["DYNAMODB_TABLE_NAME"]
    table, index = shown["structure"]["table"], shown["structure"]["index"]
    assert {each["AttributeName"] for each in table["KeySchema"]} == {"PK", "SK"}
    assert len(table["GlobalSecondaryIndexes"]) == 3
    assert index["mappings"]["properties"]["artistId"]["type"] == "keyword"
    assert {"mappings", "settings", "aliases"} <= set(index)
    said = tool.ok("backups", "show", "daily").stdout
    for words in ("Name        daily (backup)", f"Version     {taken['reference']}", "Equals      fresh", "60 artists"):
        assert words in said
    damage(tool, "snapshots/daily/")
    refused = tool.run("backups", "show", "daily", "--json")
    assert (refused.code, refused.stdout, refused.error()["id"]) == (12, "", "IntegrityFailed")


@pytest.mark.parametrize("folder", ["packs/", "objects/", "snapshots/"])
def test_damage_is_named_and_not_restored(tool: Tool, folder: str) -> None:
    reset(tool, "fresh")
    taken = tool.ok("snapshot", "suite", "--json").json()
    whole = tool.ok("backups", "verify", "--json").json()
    assert set(whole) == FRAME | {"snapshots", "damaged"}
    assert whole["snapshots"] == [{"reference": taken["reference"], "packs": 3, "bodies": 57, "damage": []}]
    reset(tool, "clean")
    before = fingerprint(tool)
    key = damage(tool, folder)
    verified = tool.run("backups", "verify", "--json")
    assert verified.code == 12
    (found,) = verified.json()["snapshots"]
    assert found["reference"] == taken["reference"]
    assert any(key in each for each in found["damage"])
    assert verified.json()["damaged"] == 1
    assert tool.run("backups", "verify", "suite").code == 12
    refused = tool.run("restore", "suite", "--json")
    assert (refused.code, refused.stdout) == (12, "")
    assert key in refused.error()["message"]
    assert fingerprint(tool) == before
    assert tool.run("restore", "suite", "--dry-run").code == 12


def test_what_verify_says(tool: Tool) -> None:
    assert tool.ok("backups", "verify").stdout == "There is none.\n"
    reset(tool, "minimal")
    tool.ok("snapshot", "a")
    tool.ok("snapshot", "b")
    assert re.fullmatch(
        rf"(?:[ab]@{VERSION}: whole \(3 packs, \d+ images\)\n){{2}}", tool.ok("backups", "verify").stdout
    )
    assert tool.ok("backups", "verify", "a").stdout.startswith("a@")


# Removing.


def test_a_deletion_asks_and_names_all_that_goes(tool: Tool) -> None:
    reset(tool, "minimal")
    references = [tool.ok("snapshot", "suite", "--json").json()["reference"] for _ in range(2)]
    tool.ok("snapshot", "other")
    unasked = tool.run("backups", "delete", "suite", "--json")
    assert (unasked.code, unasked.error()["id"]) == (2, "ConfirmationNeeded")
    assert "backups delete suite removes 2 versions, and there is no undo" in unasked.error()["message"]
    assert on_a_terminal(tool, "backups", "delete", "suite", answer="n\n")[0] == 2
    planned = tool.ok("backups", "delete", "suite", "--dry-run")
    assert planned.stdout.startswith(f"would be removed: {references[1]}\nwould be removed: {references[0]}\n")
    assert len(keys(tool, "snapshots/suite/")) == 2
    for begun in ("sui", "latest", "suite@", f"{references[0][:-1]}"):
        refused = tool.run("backups", "delete", begun, "--yes", "--json")
        assert (refused.code, refused.error()["id"]) == (10, "UnknownName")
    gone = tool.ok("backups", "delete", references[0], "--yes", "--json").json()
    assert set(gone) == FRAME | REMOVED
    assert (gone["snapshots"], gone["dryRun"]) == ([references[0]], False)
    assert tool.ok("backups", "delete", "suite", TATTOO_DATA_YES="1").stdout.startswith(f"removed: {references[1]}\n")
    assert [each["name"] for each in tool.ok("snapshots", "--json").json()["snapshots"]] == ["other"]
    assert len(keys(tool, "packs/")) == 3


def test_a_prune_asks_and_says_what_it_took(tool: Tool) -> None:
    reset(tool, "minimal")
    references = [tool.ok("backup", "daily", "--json").json()["reference"] for _ in range(3)]
    assert tool.run("backups", "prune", "nope", "--json").error()["id"] == "UnknownName", "before it is asked"
    asked = tool.run("backups", "prune", "--keep", "1")
    assert asked.code == 2
    assert re.search(
        r"error: this needs a confirmation, and there is no terminal to ask at: "
        r"backups prune removes backups that are not kept, and their data, and there is no undo \(http://\S+\)\n",
        asked.stderr,
    )
    planned = tool.ok("backups", "prune", "--keep", "1", "--dry-run", "--json").json()
    assert set(planned) == FRAME | REMOVED
    assert planned["kept"] == references[2:]
    assert planned["snapshots"] == references[1::-1]
    assert (planned["dryRun"], planned["packs"], planned["bodies"]) == (True, 0, 0)
    done = tool.ok("backups", "prune", "--keep", "1", "--yes", "--json").json()
    assert {**done, "elapsedSeconds": 0, "dryRun": True} == {**planned, "elapsedSeconds": 0}
    assert "0 B freed" in tool.ok("backups", "prune", "--yes").stdout
    assert tool.run("backups", "prune", "dail", "--yes").code == 10
    for bad in (("--keep", "0"), ("--keep", "-1"), ("--daily", "x"), ("--wait", "-1")):
        assert tool.run("backups", "prune", "--yes", *bad).code == 2
    damage(tool, "snapshots/daily/")
    assert tool.run("backups", "prune", "--yes").code == 12


def test_clearing_the_backups_leaves_the_way_back(tool: Tool) -> None:
    reset(tool, "fresh")
    tool.ok("snapshot", "suite")
    reset(tool, "minimal")
    assert tool.run("clear", "backups").code == 2
    tool.ok("clear", "backups", "--yes")
    assert keys(tool, "snapshots/") == keys(tool, "packs/") == []
    assert tool.ok("backups", "list", "--json").json()["snapshots"] == []
    tool.ok("undo")
    assert tool.ok("status", "--json").json()["state"] == "fresh"


# Names at the prompt.


def test_the_shell_offers_names(tool: Tool) -> None:
    reset(tool, "minimal")
    tool.ok("snapshot", "suite")
    tool.ok("backup", "daily")
    words = {"COMP_WORDS": "tattoo-data restore ", "COMP_CWORD": "2", "_TATTOO_DATA_COMPLETE": "bash_complete"}
    offered = tool.run(**words).stdout
    assert [line.partition(",")[2] for line in offered.split()] == ["daily", "suite"]


def test_nothing_is_left_of_a_name_that_is_shell(tool: Tool) -> None:
    reset(tool, "minimal")
    before = sorted(Path(tool.cwd).rglob("*"))
    for arguments in (
        ("backup", "x$(touch y)"),
        ("restore", "$(touch y)"),
        ("backups", "delete", "`touch y`", "--yes"),
        ("backups", "verify", ";touch y"),
    ):
        assert tool.run(*arguments).code in (2, 10)
    assert sorted(Path(tool.cwd).rglob("*")) == before
