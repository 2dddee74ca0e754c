"""Results: text for a person, one document for a machine, and nothing else on stdout."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.tool import AS_OF, Tool

TARGET = {
    "awsEndpoint",
    "s3Endpoint",
    "opensearchEndpoint",
    "region",
    "table",
    "index",
    "imageBucket",
    "backupBucket",
    "embedded",
}
COUNTS = {"created", "replaced", "deleted", "moved", "unchanged", "failed"}


@pytest.mark.parametrize(
    "arguments",
    [("reset", "minimal"), ("seed", "minimal"), ("clear",), ("clear", "opensearch"), ("reset", "clean", "--dry-run")],
)
def test_the_document_of_every_writing_command(tool: Tool, arguments: tuple[str, ...]) -> None:
    document = tool.ok(*arguments, "--json").json()
    assert document["command"] == arguments[0]
    assert isinstance(document["elapsedSeconds"], float)
    assert set(document["target"]) == TARGET
    assert document["dryRun"] is ("--dry-run" in arguments)
    assert set(document["changes"]) == {"table", "index", "images"}
    assert all(set(counts) == COUNTS for counts in document["changes"].values())
    assert document["failures"] == []
    if not document["dryRun"]:
        assert re.fullmatch("[0-9a-f]{64}", document["fingerprint"])
        assert document["run"]


def test_the_document_of_status(tool: Tool) -> None:
    before = tool.ok("status", "--json").json()
    assert before["state"] is None
    assert [store["healthy"] for store in before["stores"].values()] == [False, False, False]
    done = tool.ok("reset", "minimal", "--as-of", AS_OF, "--json").json()
    status = tool.ok("status", "--json").json()
    assert status["command"] == "status"
    assert set(status["target"]) == TARGET
    assert (status["state"], status["asOf"], status["consistent"]) == ("minimal", AS_OF, True)
    assert status["fingerprint"] == done["fingerprint"]
    assert status["records"] == {"artists": 3, "studios": 1, "styles": 7, "other": 0}
    for name, count in (("table", 11), ("index", 3)):
        store = status["stores"][name]
        assert (store["count"], store["healthy"]) == (count, True)
        assert re.fullmatch("[0-9a-f]{64}", store["fingerprint"])
        assert store["engine"]
    assert status["lastRun"]["command"] == "reset minimal"
    assert status["interrupted"] is None


def test_a_dry_run_prints_the_very_plan_and_changes_nothing(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    there = tool.ok("status", "--json").json()["fingerprint"]
    planned = tool.ok("reset", "fresh", "--as-of", AS_OF, "--dry-run", "--json").json()
    assert planned["run"] is None
    assert tool.ok("status", "--json").json()["fingerprint"] == there
    done = tool.ok("reset", "fresh", "--as-of", AS_OF, "--json").json()
    assert planned["changes"] == done["changes"]
    assert len(planned["plan"]) == sum(
        counts["created"] + counts["replaced"] + counts["deleted"] for counts in done["changes"].values()
    )


def test_a_dry_run_creates_nothing_at_all(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--dry-run")
    stores = tool.ok("status", "--json").json()["stores"]
    assert [store["healthy"] for store in stores.values()] == [False, False, False]


def test_text_names_what_goes_and_how_much(tool: Tool) -> None:
    tool.ok("reset", "minimal")
    shown = tool.ok("clear", "--dry-run").stdout
    assert "Would be removed: 3 artists, 1 studio, 7 styles, 3 documents" in shown
    assert "ARTIST#artist-002 METADATA" in shown
    cleared = tool.ok("clear").stdout
    assert "Removed: 3 artists, 1 studio, 7 styles, 3 documents" in cleared
    assert "nothing to do" in tool.ok("clear").stdout


def test_a_table_in_a_pipe_is_plain_text(tool: Tool) -> None:
    shown = tool.ok("reset", "minimal").stdout
    assert shown.isascii()
    assert "\x1b" not in shown
    assert re.search(r"^store +created +replaced +deleted +moved +unchanged +failed$", shown, re.MULTILINE)


@pytest.mark.parametrize("kind", ["dynamodb", "opensearch", "s3"])
def test_clear_of_one_store_leaves_the_others(tool: Tool, kind: str) -> None:
    tool.ok("reset", "minimal")
    tool.ok("clear", kind)
    stores = tool.ok("status", "--json").json()["stores"]
    emptied = {"dynamodb": "table", "opensearch": "index", "s3": "images"}[kind]
    assert {name for name, store in stores.items() if store["count"] == 0} == {emptied}
    assert all(store["healthy"] for store in stores.values())


def test_clear_backups_asks_and_leaves_runs(tool: Tool) -> None:
    tool.ok("reset", "minimal")
    refused = tool.run("clear", "backups")
    assert refused.code == 2
    assert "--yes" in refused.stderr
    assert tool.ok("clear", "backups", "--yes", "--json").json()["objects"] == 0
    assert tool.ok("status", "--json").json()["lastRun"] is not None
    assert tool.ok("clear", "backups", TATTOO_DATA_YES="1").code == 0


def test_scale_changes_the_number_of_copies(tool: Tool) -> None:
    tool.ok("reset", "performance-test", "--scale", "2", "--as-of", AS_OF)
    status = tool.ok("status", "--json").json()
    assert status["records"]["artists"] == 180
    assert status["state"] == "performance-test"


def test_as_of_is_kept_in_the_run_and_from_the_environment(tool: Tool) -> None:
    tool.ok("seed", "new-artists", "--only", TATTOO_DATA_AS_OF="2025-03-01")
    status = tool.ok("status", "--json").json()
    assert (status["asOf"], status["state"]) == ("2025-03-01", "new-artists")
    other = tool.ok("seed", "new-artists", "--as-of", "2025-03-02", "--json").json()
    assert other["changes"]["table"]["replaced"] > 0


@pytest.mark.parametrize("verify", ["keys", "full", "none"])
def test_verify_in_every_degree_gives_the_same_fingerprint(tool: Tool, verify: str) -> None:
    done = tool.ok("reset", "minimal", "--as-of", AS_OF, "--verify", verify, "--json").json()
    assert done["fingerprint"] == tool.ok("status", "--json").json()["fingerprint"]
    assert (done["proof"] is None) is (verify == "none")


def test_scenarios_and_states_are_listed_with_ones_own(tool: Tool) -> None:
    (tool.cwd / "tattoo-data.toml").write_text(
        '[scenarios.leith]\ndescription = "Artists of Leith"\nwhere = "contains(locationDisplay, \'Leith\')"\n'
    )
    listed = tool.ok("scenarios", "--json").json()["scenarios"]
    assert len(listed) == 11
    assert listed[-1]["name"] == "leith"
    assert "Artists of Leith" in tool.ok("scenarios").stdout
    assert tool.ok("seed", "leith+minimal", "--json").json()["changes"]["table"]["created"] > 11
    assert len(tool.ok("states", "--json").json()["states"]) == 8


def test_broken_scenarios_of_ones_own_are_named_and_the_others_listed(bare: Tool) -> None:
    good = "[scenarios.leith]\nwhere = \"contains(locationDisplay, 'Leith')\"\n"
    half = '[scenarios.half]\nwhere = "rating >"\n'
    config = bare.cwd / "tattoo-data.toml"
    config.write_text(good + half)
    listed = bare.run("scenarios")
    assert (listed.code, "leith" in listed.stdout, "minimal" in listed.stdout) == (2, True, True)
    assert listed.stderr.startswith("error: the scenario half is broken: where is 'rating >'")
    config.write_text(good + half + '[scenarios.gone]\nrecords = "nowhere.json"\n')
    listed = bare.run("scenarios", "--json")
    assert listed.code == 2
    assert [each["name"] for each in listed.json()["scenarios"]][-1] == "leith"
    assert [each["name"] for each in listed.json()["broken"]] == ["half", "gone"]
    assert listed.error()["message"].startswith("2 scenarios are broken:")
    config.write_text("scenarios = 5")
    for words in (("scenarios",), ("seed", "minimal"), ("list",)):
        told = bare.run(*words, program="selective-seeder" if words == ("list",) else "tattoo-data")
        assert told.code == 2
        assert told.stderr.startswith("error: scenarios is 5")


def test_a_scenario_is_saved_from_live_data_and_seeded_again(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    saved = tool.ok("scenarios", "save", "celts", "--where", "contains(styles, 'celtic')", "--json").json()
    path = tool.cwd / "scenarios" / "celts.json"
    assert saved["file"] == str(Path("scenarios") / "celts.json")
    held = json.loads(path.read_text())
    assert {artist["artistId"] for artist in held["artists"]}
    assert all("celtic" in artist["styles"] for artist in held["artists"])
    again = tool.run("scenarios", "save", "celts", "--where", "contains(styles, 'celtic')")
    assert again.code == 2
    assert "--force" in again.stderr
    before = tool.ok("status", "--json").json()["fingerprint"]
    tool.ok("seed", "scenarios/celts.json")
    assert tool.ok("status", "--json").json()["fingerprint"] == before


@pytest.mark.parametrize(
    "words",
    [
        ("scenarios",),
        ("states",),
        ("config",),
        ("stack", "status"),
        ("stack", "logs"),
        ("completion", "bash"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("named", [{}, {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}], ids=["nothing", "in part"])
def test_a_document_without_a_store_has_the_target_of_the_settings(
    bare: Tool, words: tuple[str, ...], named: dict[str, str]
) -> None:
    document = bare.ok(*words, "--json", **named).json()
    assert list(document)[:3] == ["command", "elapsedSeconds", "target"]
    target = document["target"]
    assert set(target) == TARGET
    s3 = named.get("AWS_ENDPOINT_URL_S3")
    assert (target["table"], target["s3Endpoint"], target["embedded"]) == ("tattoo-directory-local", s3, not named)
    assert not list(bare.cwd.glob("state/*/*.pid"))


def test_env_prints_what_the_application_needs(tool: Tool) -> None:
    shown = tool.ok("env").stdout
    variables = dict(line.removeprefix("export ").split("=", 1) for line in shown.splitlines())
    assert variables["DYNAMODB_TABLE_NAME"] == tool.environment["DYNAMODB_TABLE_NAME"]
    assert variables["OPENSEARCH_ENDPOINT"] == tool.environment["OPENSEARCH_ENDPOINT"]
    document = tool.ok("env", "--json").json()
    assert document["variables"]["AWS_DEFAULT_REGION"] == "eu-west-2"
    assert set(document["target"]) == TARGET
    secret = tool.ok("env", AWS_SECRET_ACCESS_KEY="s3cr3t").stdout
    assert "s3cr3t" not in secret


def test_config_prints_every_value_with_its_source_and_no_secret(bare: Tool) -> None:
    variables = {"AWS_SECRET_ACCESS_KEY": "s3cr3t", "OPENSEARCH_ENDPOINT": "http://user:s3cr3t@localhost:9200"}
    shown = bare.ok("config", "--table", "other-table", **variables)
    assert "s3cr3t" not in shown.stdout + shown.stderr
    assert re.search(r"^table +other-table +flag --table", shown.stdout, re.MULTILINE)
    settings = bare.ok("config", "--json", **variables).json()["settings"]
    assert settings["secret_key"] == {"value": "****", "source": "environment AWS_SECRET_ACCESS_KEY"}
    assert settings["table"]["source"] == "default"


@pytest.mark.parametrize(("value", "traced"), [("1", True), ("yes", True), ("0", False), ("false", False), ("", False)])
def test_debug_tells_every_request_on_stderr_and_changes_stdout_in_nothing(
    tool: Tool, value: str, traced: bool
) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    plain = tool.ok("status", "--json").json()
    debug = tool.run("status", "--json", DEBUG=value, AWS_SECRET_ACCESS_KEY="s3cr3t", AWS_ACCESS_KEY_ID="key")
    assert {**debug.json(), "elapsedSeconds": 0} == {**plain, "elapsedSeconds": 0}
    assert bool(re.search(r"debug: table Scan attempt 1: 200, \d+ bytes sent, \d+ received", debug.stderr)) is traced
    assert ("debug: table = " in debug.stderr) is traced
    assert "s3cr3t" not in debug.stderr


def test_quiet_says_nothing_beside_the_result(bare: Tool) -> None:
    loud = bare.run("stack", "status")
    assert loud.code == 0
    assert bare.run("stack", "status", "--quiet").stderr == ""


def test_a_reader_that_leaves_is_no_error(tool: Tool) -> None:
    import subprocess

    from tests.tool import PROGRAMS

    done = subprocess.run(
        f"{PROGRAMS / 'tattoo-data'} config | head -1",
        shell=True,
        env=tool.variables(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
