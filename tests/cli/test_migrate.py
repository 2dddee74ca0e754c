"""`migrate`: what its commands say, as text and as JSON, and how they end."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_undo import FIELDS, RUN_ID
from tests.system.test_states import application
from tests.system.test_undo import fingerprint
from tests.tool import AS_OF, Tool

NAMES = ["add-missing-fields", "normalize-locations", "update-portfolio-structure", "add-social-media"]
RESULT = {name for name in FIELDS if name != "undone"} | {"migration", "version"}
STEP = '''"""Paint it."""

VERSION = "{version}"
WRITES = ("example",)


def up(record, context):
    {act}
    return {{**record, "example": "painted"}}
'''


def fresh(tool: Tool, state: str = "minimal") -> None:
    tool.ok("reset", state, "--as-of", AS_OF)


def own(tool: Tool, act: str = "pass", version: str = "1.5.0", name: str = "paint", text: str = STEP) -> Path:
    """A migration of the project."""
    folder = tool.cwd / "migrations"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(text.format(act=act, version=version) if text is STEP else text)
    return path


def edit(tool: Tool, number: int, field: str, value: str) -> None:
    """Somebody else sets a field of an artist."""
    with application(tool) as live:
        live.dynamodb.update_item(
            TableName=live.table,
            Key={"PK": {"S": f"ARTIST#artist-{number:03}"}, "SK": {"S": "METADATA"}},
            UpdateExpression="SET #f = :v",
            ExpressionAttributeNames={"#f": field},
            ExpressionAttributeValues={":v": {"S": value}},
        )


def artists(tool: Tool) -> list[int]:
    """The numbers of the artists that are there."""
    with application(tool) as live:
        return sorted(int(each["artistId"][-3:]) for each in live.items() if "artistId" in each)


# list


def test_the_document_of_list(tool: Tool) -> None:
    fresh(tool, "fresh")
    document = tool.ok("migrate", "list", "--json").json()
    assert (document["command"], document["schemaVersion"]) == ("migrate list", "1.0.0")
    assert [each["id"] for each in document["migrations"]] == document["pendingMigrations"] == NAMES
    first = document["migrations"][0]
    assert set(first) == {"id", "version", "description", "writes", "pending", "failing", "done", "lastRun"}
    assert (first["version"], first["pending"] + first["done"], first["failing"]) == ("1.1.0", 60, 0)
    assert first["pending"] >= 5 and "reviewCount" in first["writes"] and first["lastRun"] is None
    run = tool.ok("migrate", "run", "add-missing-fields", "--json").json()["run"]
    document = tool.ok("migrate", "list", "--json").json()
    last = document["migrations"][0]["lastRun"]
    assert (set(last), last["id"], last["status"]) == ({"id", "status", "startedAt", "by"}, run, "done")
    assert re.fullmatch(r".+@.+", last["by"])
    assert document["schemaVersion"] == "1.1.0"


def test_list_in_words(tool: Tool) -> None:
    fresh(tool)
    tool.ok("migrate", "run", "add-social-media")
    lines = tool.ok("migrate", "list").stdout.splitlines()
    assert re.match(r"migration +version +pending +done +last run +by +what it does$", lines[0])
    assert re.search(
        r"^add-social-media +1\.4\.0 +0 +3 +\d{4}-\d\d-\d\dT\d\d:\d\d done +\S+@\S+ +Give artists", lines[4]
    )
    assert lines[5] == "The data are of schema version 1.0.0."


def test_failing_records_are_counted_apart(tool: Tool) -> None:
    fresh(tool)
    own(tool, "assert record['artistId'] != 'artist-002'")
    assert re.search(r"^paint +1\.5\.0 +3 \(1 failing\) +0 ", tool.ok("migrate", "list").stdout, re.MULTILINE)


# run


def test_the_document_of_run(tool: Tool) -> None:
    fresh(tool)
    document = tool.ok("migrate", "run", "add-social-media", "--json").json()
    assert set(document) == RESULT | {"leftAsTheyAre", "earlierPending"}
    assert (document["command"], document["migration"], document["version"]) == (
        "migrate run",
        "add-social-media",
        "1.4.0",
    )
    assert document["changes"]["table"]["replaced"] == document["changes"]["index"]["replaced"] == 3
    assert re.fullmatch(RUN_ID, document["run"])
    assert document["fingerprint"] == fingerprint(tool)
    assert document["leftAsTheyAre"] == []
    assert "update-portfolio-structure" in document["earlierPending"]
    assert "add-social-media" not in document["earlierPending"]
    again = tool.ok("migrate", "run", "add-social-media", "--json").json()
    assert (again["run"], again["fingerprint"]) == (None, document["fingerprint"])


def test_run_in_words(tool: Tool) -> None:
    fresh(tool)
    edit(tool, artists(tool)[0], "locationDisplay", "Nowhere-on-Sea")
    done = tool.ok("migrate", "run", "normalize-locations")
    first = f"artist-{artists(tool)[0]:03}"
    assert done.stdout.splitlines()[0].startswith("migrate run normalize-locations 1.2.0: ")
    assert f"left as it is: 1 record, {first} for one: 'Nowhere-on-Sea' is no place of the table" in done.stdout
    assert "left as it is" not in done.stderr
    later = tool.ok("migrate", "run", "add-social-media")
    assert "note: earlier migrations have something to do too: " in later.stderr
    assert "update-portfolio-structure" in later.stderr
    assert "nothing to do" in tool.ok("migrate", "run", "add-social-media").stdout


def test_a_dry_run_shows_every_field_that_would_change(tool: Tool) -> None:
    fresh(tool)
    chosen, before = artists(tool)[0], fingerprint(tool)
    planned = tool.ok("migrate", "run", "add-social-media", "--dry-run", "--json").json()
    assert (planned["dryRun"], planned["run"], fingerprint(tool)) == (True, None, before)
    assert [each["key"] for each in planned["plan"] if each["store"] == "index"] == [
        f"artist-{number:03}" for number in artists(tool)
    ]
    for each in planned["plan"]:
        assert [(one["path"], one["change"], one["before"]) for one in each["fields"]] == [
            ("socialMedia", "added", None)
        ]
    done = tool.ok("migrate", "run", "add-social-media", "--json").json()
    assert planned["changes"] == done["changes"]
    edit(tool, chosen, "locationDisplay", "leith - EDINBURGH")
    shown = tool.ok("migrate", "run", "normalize-locations", "--dry-run", "--keys", f"*-{chosen:03}").stdout
    assert (
        f'ARTIST#artist-{chosen:03} METADATA\n    locationDisplay: "leith - EDINBURGH" -> "Leith, Edinburgh"' in shown
    )


def test_a_trial_on_a_few(tool: Tool) -> None:
    fresh(tool, "fresh")
    assert _replaced(tool, "--limit", "5") == 5
    assert _replaced(tool, "--keys", "ARTIST#artist-00*") in range(4, 10)
    assert tool.run("migrate", "run", "add-social-media", "--limit", "0").code == 2


def _replaced(tool: Tool, *narrowed: str) -> Any:
    document = tool.ok("migrate", "run", "add-social-media", *narrowed, "--json").json()
    return document["changes"]["table"]["replaced"]


def test_a_record_at_which_it_fails_is_named_and_the_rest_is_done(tool: Tool) -> None:
    fresh(tool)
    first = artists(tool)[0]
    own(tool, f"assert record['artistId'] != 'artist-{first:03}', 'no colour'")
    done = tool.run("migrate", "run", "paint")
    assert done.code == 3
    assert (
        f"failed: table ARTIST#artist-{first:03} METADATA: StepFailed: it raises AssertionError: no colour"
        in done.stdout
    )
    document = tool.run("migrate", "run", "paint", "--json")
    assert (document.code, len(document.json()["failures"])) == (3, 1)
    assert re.search(r"^paint +1\.5\.0 +1 \(1 failing\) +2 ", tool.ok("migrate", "list").stdout, re.MULTILINE)
    assert tool.run("migrate", "validate").code == 4


# run-all


def test_the_document_of_run_all(tool: Tool) -> None:
    fresh(tool, "fresh")
    document = tool.ok("migrate", "run-all", "--json").json()
    assert (document["command"], document["dryRun"], document["failures"]) == ("migrate run-all", False, [])
    each = document["migrations"]
    assert [one["migration"] for one in each] == NAMES
    assert all(one["changes"]["table"]["replaced"] >= 5 for one in each)
    total = sum(one["changes"]["table"]["replaced"] for one in each)
    assert document["changes"]["table"]["replaced"] == total
    assert (document["run"], document["fingerprint"]) == (each[-1]["run"], fingerprint(tool))
    assert len({one["run"] for one in each}) == 4
    again = tool.ok("migrate", "run-all", "--json").json()
    assert (again["run"], again["changes"]["table"]["replaced"]) == (None, 0)


def test_run_all_stops_at_the_first_that_fails(tool: Tool) -> None:
    fresh(tool)
    own(tool, "assert record['artistId'] != 'artist-%03d'" % artists(tool)[0], "1.2.5")  # noqa: UP031
    done = tool.run("migrate", "run-all")
    assert done.code == 3
    assert "note: not run: update-portfolio-structure, add-social-media" in done.stderr
    assert "paint 1.2.5: finished, but some entries failed." in done.stdout
    document = tool.run("migrate", "run-all", "--json")
    assert (document.code, [one["migration"] for one in document.json()["migrations"]]) == (3, [*NAMES[:2], "paint"])
    assert [each["key"].count("ARTIST#") for each in document.json()["failures"]] == [1]
    assert set(NAMES[2:]) <= set(tool.ok("status", "--json").json()["pendingMigrations"])


def test_a_dry_run_of_all(tool: Tool) -> None:
    fresh(tool)
    before = fingerprint(tool)
    document = tool.ok("migrate", "run-all", "--dry-run", "--json").json()
    assert (document["dryRun"], document["run"], document["fingerprint"]) == (True, None, None)
    assert {each["migration"] for each in document["plan"]} >= set(NAMES[2:])
    shown = tool.ok("migrate", "run-all", "--dry-run").stdout
    assert "add-social-media 1.4.0: the plan. Nothing was changed." in shown
    assert "    socialMedia: added {" in shown
    assert fingerprint(tool) == before


# validate


def test_the_document_of_validate(tool: Tool) -> None:
    fresh(tool)
    pending = tool.run("migrate", "validate", "--json")
    document = pending.json()
    assert (pending.code, document["command"]) == (4, "migrate validate")
    assert document["summary"] == {
        "checked": 12,
        "errors": len(document["findings"]),
        "warnings": 0,
        "infos": 0,
    }
    first = document["findings"][0]
    assert set(first) >= {"severity", "rule", "store", "key", "field", "message"}
    assert (first["severity"], first["rule"], first["store"]) == ("error", "migration-pending", "table")
    tool.ok("migrate", "run-all")
    document = tool.ok("migrate", "validate", "--json").json()
    assert (document["findings"], document["summary"]["errors"]) == ([], 0)
    assert [(each["pending"], each["done"]) for each in document["migrations"]] == [(0, 3)] * 4


def test_validate_in_words(tool: Tool) -> None:
    fresh(tool, "fresh")
    shown = tool.run("migrate", "validate")
    assert shown.code == 4
    assert re.search(r"^update-portfolio-structure +1\.3\.0 +60 +0 +0$", shown.stdout, re.MULTILINE)
    assert "has something to do: `tattoo-data migrate run" in shown.stdout
    assert re.search(r"^\.\.\. and \d+ more \(-v shows all\)$", shown.stdout, re.MULTILINE)
    assert len(tool.run("migrate", "validate", "-v").stdout.splitlines()) > 160
    tool.ok("migrate", "run-all")
    assert "Table and index are as every migration promises." in tool.ok("migrate", "validate").stdout
    with application(tool) as live:
        live.opensearch.update(index=live.index, id="artist-001", body={"doc": {"socialMedia": {"website": "x"}}})
        live.opensearch.indices.refresh(index=live.index)
    shown = tool.run("migrate", "validate")
    assert (
        shown.code,
        "index artist-001 socialMedia: add-social-media: the document's socialMedia is not" in shown.stdout,
    ) == (
        4,
        True,
    )


# rollback


def test_the_document_of_rollback(tool: Tool) -> None:
    fresh(tool)
    before = fingerprint(tool)
    run = tool.ok("migrate", "run", "add-social-media", "--json").json()["run"]
    planned = tool.ok("migrate", "rollback", "add-social-media", "--dry-run", "--json").json()
    assert {field["change"] for each in planned["plan"] for field in each["fields"]} == {"removed"}
    document = tool.ok("migrate", "rollback", "add-social-media", "--json").json()
    assert set(document) == RESULT | {"rolledBack"}
    assert (document["migration"], document["rolledBack"]) == ("add-social-media", [run])
    assert document["fingerprint"] == fingerprint(tool) == before
    history = tool.ok("history", "--json").json()["runs"]
    assert [each["command"] for each in history[:2]] == [
        "migrate rollback add-social-media",
        "migrate run add-social-media",
    ]


def test_what_was_changed_since_is_left_and_named(tool: Tool) -> None:
    fresh(tool)
    first = artists(tool)[0]
    own(tool)
    tool.ok("migrate", "run", "paint")
    edit(tool, first, "example", "by hand")
    done = tool.run("migrate", "rollback", "paint")
    assert done.code == 13
    assert "migrate rollback paint 1.5.0: finished, but some entries were left." in done.stdout
    assert f"left: table ARTIST#artist-{first:03} METADATA: ChangedSince: example was changed since" in done.stdout
    document = tool.run("migrate", "rollback", "paint", "--json")
    assert (document.code, [each["error"] for each in document.json()["failures"]]) == (13, ["ChangedSince"])


def test_a_field_that_a_later_migration_wrote(tool: Tool) -> None:
    fresh(tool)
    own(tool)
    own(
        tool,
        "record['example'] = 1",
        "1.6.0",
        "again",
        STEP.replace('"painted"', '"again"').format(act="pass", version="1.6.0"),
    )
    tool.ok("migrate", "run", "paint")
    tool.ok("migrate", "run", "again")
    refused = tool.run("migrate", "rollback", "paint", "--json")
    assert (refused.code, refused.error()["id"]) == (13, "CannotRollBack")
    assert "again wrote example later; roll that back first" in refused.error()["message"]


def test_where_nothing_was_migrated_there_is_nothing_to_roll_back(tool: Tool) -> None:
    fresh(tool)
    refused = tool.run("migrate", "rollback", "add-social-media", "--json")
    assert (refused.code, refused.error()["id"]) == (10, "NothingToUndo")
    assert refused.error()["message"] == "there is nothing to roll back of add-social-media on this target"


# new and test


def test_a_new_migration_passes_its_test_and_works(tool: Tool) -> None:
    fresh(tool)
    document = tool.ok("migrate", "new", "add-languages", "--json").json()
    assert (document["command"], document["version"]) == ("migrate new", "1.5.0")
    step, test = Path(document["step"]), Path(document["test"])
    assert (step, test) == (tool.cwd / "migrations" / "add_languages.py", step.parent / "test_add_languages.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
    done = subprocess.run(command, cwd=tool.cwd, capture_output=True, text=True)
    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout + done.stderr
    tried = tool.ok("migrate", "test", "add-languages", "--json").json()
    assert (tried["migration"], tried["records"], tried["changed"], tried["broken"]) == ("add-languages", 11, 3, [])
    assert tool.ok("migrate", "run", "add-languages", "--json").json()["changes"]["table"]["replaced"] == 3
    again = tool.run("migrate", "new", "add-languages", "--json")
    assert (again.code, again.error()["message"]) == (2, "there is a migration add-languages already")
    assert "fill in `up`" in tool.ok("migrate", "new", "another-one").stdout


def test_the_folder_of_migrations_is_a_setting(tool: Tool) -> None:
    assert Path(tool.ok("migrate", "new", "one", "--json", TATTOO_DATA_MIGRATIONS="there").json()["step"]).parent == (
        tool.cwd / "there"
    )
    (tool.cwd / "tattoo-data.toml").write_text('[migrations]\nfolder = "own/steps"\n')
    below = tool.cwd / "below"
    below.mkdir()
    document = Tool(tool.environment, below).ok("migrate", "new", "two", "--json").json()
    assert Path(document["step"]) == tool.cwd / "own" / "steps" / "two.py"


def test_test_says_what_is_wrong(tool: Tool) -> None:
    fresh(tool)
    first = artists(tool)[0]
    own(tool, f"assert record['artistId'] != 'artist-{first:03}', 'no colour'")
    done = tool.run("migrate", "test", "paint")
    assert done.code == 4
    assert done.stdout.startswith("not so: table ") and "no colour" in done.stdout
    assert "paint 1.5.0: 2 of 11 records changed." in done.stdout
    own(tool)
    shown = tool.ok("migrate", "test", "paint", "--limit", "4").stdout
    assert re.search(r"^paint 1\.5\.0: \d of 4 records changed\. Done twice it is as done once, and rolled back", shown)


# Bad input.


@pytest.mark.parametrize("verb", ["list", "run", "run-all", "validate", "rollback", "new", "test"])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def up(record, context)\n", "line 1: expected ':'"),
        ('WRITES = ("a",)\ndef up(record, context): ...\n', "it has no VERSION"),
        ('VERSION = "1.2.0"\nWRITES = ("a",)\ndef up(record, context): ...\n', "its version 1.2.0 is that of"),
    ],
)
def test_a_file_that_is_no_migration(bare: Tool, verb: str, text: str, why: str) -> None:
    path = own(bare, text=text)
    name = ("paint",) if verb in ("run", "rollback", "new", "test") else ()
    refused = bare.run("migrate", verb, *name, "--json")
    assert (refused.code, refused.stdout, refused.error()["id"]) == (2, "", "StepBroken")
    assert refused.error()["message"].startswith(f"the migration {path} is broken: {why}")
    assert "hint: Mend the file; nothing was written." in bare.run("migrate", verb, *name).stderr


@pytest.mark.parametrize(
    ("act", "why"),
    [
        ("return {**record, 'example': record.get('example', 0) + 1}", "it is not idempotent"),
        ("return {**record, 'bio': 'x'}", "it changes bio of"),
    ],
)
def test_a_migration_at_fault_writes_nothing(tool: Tool, act: str, why: str) -> None:
    fresh(tool)
    own(tool, act)
    before = fingerprint(tool)
    for words in (("run", "paint"), ("test", "paint")):
        refused = tool.run("migrate", *words, "--json")
        assert (refused.code, refused.error()["id"]) == (2, "StepBroken")
        assert why in refused.error()["message"]
        assert fingerprint(tool) == before
    assert [each["command"] for each in tool.ok("history", "--json").json()["runs"]][-1] == "reset minimal"


@pytest.mark.parametrize("verb", ["run", "rollback", "test"])
def test_a_name_that_is_not_known_is_answered_with_the_nearest(bare: Tool, verb: str) -> None:
    refused = bare.run("migrate", verb, "add-social-medai", "--json")
    assert (refused.code, refused.stdout, refused.error()["id"]) == (10, "", "UnknownName")
    assert all(name in refused.error()["message"] for name in NAMES)
    assert "add-social-media" in refused.error()["hint"]


def test_a_verb_that_is_not_known(bare: Tool) -> None:
    for program, words in (("tattoo-data", ("migrate", "roll-back")), ("data-migration-utility", ("roll-back",))):
        assert bare.run(*words, program=program).code == 2


@pytest.mark.parametrize("words", [("list",), ("validate",), ("run", NAMES[0]), ("run-all",), ("run-all", "--dry-run")])
def test_without_a_table(tool: Tool, words: tuple[str, ...]) -> None:
    refused = tool.run("migrate", *words, "--json")
    assert (refused.code, refused.error()["id"]) == (10, "StoreMissing")
    assert "reset fresh" in refused.error()["hint"]
    assert not any(store["healthy"] for store in tool.ok("status", "--json").json()["stores"].values())


# status


def test_status_tells_the_schema(tool: Tool) -> None:
    before = tool.ok("status", "--json").json()
    assert (before["schemaVersion"], before["pendingMigrations"], before["notes"]) == (None, None, [])
    assert "Schema" not in tool.ok("status").stdout
    fresh(tool, "fresh")
    there = tool.ok("status", "--json").json()
    assert (there["schemaVersion"], there["pendingMigrations"], there["notes"]) == ("1.0.0", NAMES, [])
    assert f"\nSchema      1.0.0, pending: {', '.join(NAMES)}\n" in tool.ok("status").stdout
    tool.ok("migrate", "run-all")
    there = tool.ok("status", "--json").json()
    assert (there["schemaVersion"], there["pendingMigrations"]) == ("1.4.0", [])
    assert "\nSchema      1.4.0\n" in tool.ok("status").stdout


def test_what_a_step_prints_is_not_on_stdout(tool: Tool) -> None:
    fresh(tool)
    path = own(tool, "print('in up')")
    path.write_text(path.read_text() + "\n\nprint('loaded')\n")
    for words in (("status",), *(("migrate", *each) for each in (("list",), ("test", "paint"), ("run", "paint")))):
        done = tool.ok(*words, "--json")
        assert done.json()["schemaVersion" if words[-1] in ("status", "list") else "version"]
        assert "loaded\n" in done.stderr
        assert "in up\n" in done.stderr


@pytest.mark.parametrize("words", [("status",), ("migrate", "list"), ("migrate", "run", "paint")])
def test_one_ctrl_c_ends_a_step_that_hangs_and_names_it(tool: Tool, words: tuple[str, ...]) -> None:
    fresh(tool)
    begun = tool.cwd / "begun"
    path = own(tool, f"import time; open({str(begun)!r}, 'w').close(); time.sleep(600)")
    running = tool.start(*words)
    deadline = time.monotonic() + 60
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    stderr = running.communicate(timeout=20)[1]
    assert running.returncode == 130
    assert re.search(rf"note: interrupted was {re.escape(str(path))} at artist-\d+\n", stderr)
    assert "Traceback" not in stderr
    path.unlink()
    tool.ok("migrate", "run", "add-missing-fields")


def test_a_broken_file_of_the_project_does_not_break_status(tool: Tool) -> None:
    fresh(tool)
    path = own(tool, text="def up(\n")
    shown = tool.ok("status")
    assert f"note: the migrations that are pending are not known: the migration {path} is broken" in shown.stderr
    assert shown.stdout.startswith("State       minimal") and "Schema" not in shown.stdout
    document = tool.ok("status", "--json").json()
    assert (document["state"], document["schemaVersion"], document["pendingMigrations"]) == ("minimal", None, None)
    assert [str(path) in note for note in document["notes"]] == [True]


def test_status_of_an_empty_table_loads_no_migration(tool: Tool) -> None:
    code = (
        "import sys; sys.argv = ['tattoo-data', 'status', '--json']\n"
        "from tattoo_data.cli import main\n"
        "try: main.main()\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if 'migrations' in name or 'validation' in name], file=sys.stderr)\n"
    )
    for prepare, loaded in (("clean", False), ("minimal", True)):
        fresh(tool, prepare)
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=tool.variables(), cwd=tool.cwd, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["state"] == prepare
        assert ("tattoo_data.migrations.pending" in done.stderr) is loaded
        assert "tattoo_data.validation.records" not in done.stderr, "the rules take longer to load than all the rest"
