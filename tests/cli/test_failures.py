"""Failures: a clear message, the next step, a true exit code, and nothing done that was not asked for."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from tests.conftest import GetEngine
from tests.live import Application
from tests.stub import Answer, Asked, stub
from tests.tool import AS_OF, Tool, names


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("seed", "serch-basic"), 10, ["search-basic", "Did you mean 'search-basic'?"]),
        (("seed", "minimal+nope"), 10, ["no scenario is called 'nope'"]),
        (("reset", "frsh"), 10, ["Did you mean 'fresh'?", "backup-restore"]),
        (("clear", "dynamo"), 2, ["Did you mean 'dynamodb'?"]),
        (("sttus",), 2, ["Did you mean 'status'?"]),
        (("reset", "performance-test", "--scale", "0"), 2, ["--scale is 0"]),
        (("reset", "performance-test", "--scale", "many"), 2, ["--scale"]),
        (("reset", "fresh", "--scale", "2"), 2, ["fresh has no copies"]),
        (("reset", "fresh", "--as-of", "yesterday"), 2, ["yesterday", "2026-11-22"]),
        (("reset",), 2, ["STATE"]),
        (("seed", "./nowhere.json"), 2, ["no such file"]),
        (("status", "--nope"), 2, ["--nope"]),
        (("status", "--config", "nowhere.toml"), 2, ["nowhere.toml"]),
        (("scenarios", "save", "x"), 2, ["--where"]),
        (("scenarios", "save", "../x", "--where", "rating"), 2, ["the name is '../x'", "letter or digit"]),
        (("scenarios", "save", "", "--where", "rating"), 2, ["the name is ''"]),
        (("scenarios", "save", "a b", "--where", "rating", "--file", "x.json"), 2, ["the name is 'a b'"]),
        (("snapshot", "latest"), 2, ["the name is 'latest'", "the newest of all"]),
        (("backup", "latest"), 2, ["the name is 'latest'"]),
        (("export", ""), 2, ["the path is empty"]),
        (("import", ""), 2, ["the path is empty"]),
        (("undo", "--wait", "nan"), 2, ["'nan' is no number of seconds"]),
        (("monitor", "clear-alerts", "foo"), 2, ["there is critical, warning, info", "Give one of them."]),
        (("sync", "resolve-conflicts", "manual", "--plan", "p.jsonl", "--dry-run"), 2, ["--dry-run changes nothing"]),
    ],
)
def test_wrong_usage_is_told_before_anything_is_started(
    bare: Tool, arguments: tuple[str, ...], code: int, words: list[str]
) -> None:
    result = bare.run(*arguments)
    assert (result.code, result.stdout) == (code, "")
    for each in words:
        assert each in result.stderr
    assert not (bare.cwd / "state").exists()
    as_json = bare.run(*arguments, "--json")
    assert as_json.stdout == ""
    error = as_json.error()
    assert error["exitCode"] == as_json.code == code
    assert set(error) == {"id", "message", "hint", "exitCode", "details"}


@pytest.mark.parametrize("words", [("--json", "status"), ("monitor", "--json", "check"), ("--json", "with", "x", "y")])
def test_an_option_before_the_command_is_told_where_it_goes(bare: Tool, words: tuple[str, ...]) -> None:
    result = bare.run(*words)
    assert (result.code, result.stdout) == (2, "")
    path = "tattoo-data monitor" if words[0] == "monitor" else "tattoo-data"
    assert result.error()["message"] == "the option --json comes before the command"
    assert result.error()["hint"] == f"Options come after it: {path} COMMAND --json"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("minimal", "--yes", "--", "true"), 2, "the option --yes comes after STATE, where the command begins"),
        (("minimal", "--", "nosuch"), 127, "'nosuch' could not be run: there is no such command"),
        (("minimal", "--", ""), 127, "'' could not be run: there is no such command"),
        (("minimal", "--", "/etc/passwd"), 126, "'/etc/passwd' could not be run: it is not executable"),
        (("--wait", "1", "minimal", "nosuch", "--json"), 127, "'nosuch' could not be run: there is no such command"),
    ],
)
def test_with_refuses_what_it_cannot_run_before_anything_is_started(
    bare: Tool, words: tuple[str, ...], code: int, message: str
) -> None:
    told = bare.run("with", *words)
    assert (told.code, told.stdout) == (code, "")
    assert told.stderr.startswith(f"error: {message}\n\nhint: ")
    as_json = bare.run("with", "--json", *words)
    assert (as_json.code, as_json.error()["message"]) == (code, message)
    assert not (bare.cwd / "state").exists()


def test_options_after_the_state_of_with_are_this_tools(bare: Tool) -> None:
    result = bare.run("with", "--wait", "1", "minimal", "--json", "--", "true")
    assert (result.code, result.error()["id"]) == (2, "UsageError")


@pytest.mark.parametrize("words", [("status",), ("config",)])
def test_the_hint_of_a_bad_setting_leads_somewhere(bare: Tool, words: tuple[str, ...]) -> None:
    (bare.cwd / "tattoo-data.toml").write_text("[index]\nshards = 0\n")
    result = bare.run(*words)
    assert result.code == 2
    assert result.stderr.endswith("hint: Mend it there, or take it out: then the default holds.\n")


def test_a_file_whose_name_is_no_utf_8_is_named_in_every_form(bare: Tool) -> None:
    name = os.fsdecode(b"\xff.json")
    (bare.cwd / name).write_text("{")
    for path in (name, os.fsdecode(b"nothing-\xff.json")):
        told = bare.run("validate", "files", path, "--json")
        assert (told.code, told.stderr) == (4, "")
        assert {each["file"] for each in told.json()["findings"]} == {path.replace("\udcff", "\\udcff")}
        assert "\\udcff.json" in bare.run("validate", "files", path).stdout
        assert bare.run("validate", "files", path, "--write-baseline", "baseline").code == 0
    refused = bare.run("validate", "files", "--baseline", name, "--json")
    assert refused.code == 2
    assert "\\udcff.json" in refused.error()["message"]


def test_nothing_listening_says_which_and_what_to_do(bare: Tool) -> None:
    nobody = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "OPENSEARCH_ENDPOINT": "http://127.0.0.1:9"}
    reset = bare.run("reset", "fresh", **nobody)
    assert (reset.code, reset.stdout) == (14, "")
    assert "s3 does not answer at http://127.0.0.1:9" in reset.stderr
    assert "AWS_ENDPOINT_URL" in reset.stderr
    status = bare.run("status", "--json", **nobody)
    assert status.code == 14
    assert [store["healthy"] for store in status.json()["stores"].values()] == [False, False, False]
    assert status.json()["records"] is None
    assert status.error()["id"] == "StoreUnreachable"


def test_status_prints_what_it_could_reach(tool: Tool) -> None:
    tool.ok("reset", "minimal")
    status = tool.run("status", "--json", OPENSEARCH_ENDPOINT="http://127.0.0.1:9")
    assert status.code == 14
    found = status.json()
    assert (found["stores"]["table"]["count"], found["stores"]["index"]["count"]) == (11, None)
    assert (found["state"], found["consistent"], found["records"]["artists"]) == (None, None, 3)


def test_half_credentials_are_refused(tool: Tool) -> None:
    environment = {name: value for name, value in tool.environment.items() if name != "AWS_SECRET_ACCESS_KEY"}
    result = Tool(environment, tool.cwd).run("status")
    assert result.code == 2
    assert "AWS_SECRET_ACCESS_KEY is not set" in result.stderr


def test_refused_credentials_are_told_by_variable(tool: Tool) -> None:
    body = b'{"__type":"UnrecognizedClientException","message":"The security token is invalid."}'
    with stub(lambda asked: Answer(status=400, body=body)) as server:
        result = tool.run("reset", "fresh", AWS_ENDPOINT_URL_DYNAMODB=server.url, AWS_SECRET_ACCESS_KEY="s3cr3t")
    assert result.code == 15
    assert "AWS_ACCESS_KEY_ID" in result.stderr
    assert "s3cr3t" not in result.stderr


def test_a_table_with_another_key_schema_is_refused_with_the_difference(any_tool: Tool) -> None:
    tool = any_tool
    live = Application(tool.environment)
    client = live.dynamodb
    client.create_table(
        TableName=tool.environment["DYNAMODB_TABLE_NAME"],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.put_item(TableName=tool.environment["DYNAMODB_TABLE_NAME"], Item={"id": {"N": "1"}})
    result = tool.run("reset", "fresh")
    assert result.code == 15
    assert "id (N, hash), not PK (S, hash), SK (S, range)" in result.stderr
    status = tool.run("status", "--json")
    assert status.code == 0
    assert status.json()["stores"]["table"]["healthy"] is False
    assert status.json()["stores"]["images"]["count"] == 0, "nothing was written"
    assert client.scan(TableName=tool.environment["DYNAMODB_TABLE_NAME"])["Count"] == 1
    live.close()


def test_an_index_with_a_guessed_mapping_is_built_anew_and_keeps_what_is_not_ours(any_tool: Tool) -> None:
    tool = any_tool
    index = tool.environment["OPENSEARCH_INDEX"]
    client = OpenSearch([tool.environment["OPENSEARCH_ENDPOINT"]])
    client.index(index=index, id="ARTIST#x", body={"artistId": "artist-001", "PK": "ARTIST#x"}, refresh=True)
    tool.ok("seed", "minimal", "--as-of", AS_OF)
    found = client.search(index=index, body={"query": {"term": {"artistId": "artist-002"}}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["artist-002"]
    client.indices.refresh(index=index)
    assert client.count(index=index)["count"] == 4
    status = tool.ok("status", "--json").json()
    assert status["stores"]["index"]["healthy"] is True
    again = tool.ok("seed", "minimal", "--as-of", AS_OF, "--json").json()
    assert again["run"] is None
    client.close()


def test_a_user_scenario_with_a_broken_record_is_named_by_file_record_and_field(tool: Tool) -> None:
    good = {
        "artistId": "own-1",
        "artistName": "Own",
        "instagramHandle": "own",
        "styles": ["celtic"],
        "locationDisplay": "Leith",
        "geohash": "gcvwr3z",
    }
    (tool.cwd / "own.json").write_text(json.dumps({"artists": [good, {**good, "artistId": "own-2", "rating": 7}]}))
    result = tool.run("seed", "own.json", "--json")
    assert result.code == 2
    assert result.error()["details"]["source"] == "own.json"
    assert (result.error()["details"]["record"], result.error()["details"]["field"]) == ("own-2", "rating")
    assert tool.ok("status", "--json").json()["stores"]["table"]["count"] == 0


def test_backup_restore_is_listed_and_says_that_there_is_none(tool: Tool) -> None:
    assert "backup-restore" in tool.ok("states").stdout
    tool.ok("reset", "minimal")
    before = tool.ok("status", "--json").json()["fingerprint"]
    result = tool.run("reset", "backup-restore")
    assert result.code == 10
    assert "no backup" in result.stderr
    assert tool.ok("status", "--json").json()["fingerprint"] == before


def test_an_endpoint_that_is_a_web_server_gets_nothing_but_one_question(tool: Tool) -> None:
    with stub(lambda asked: Answer(body=b"<html>hello</html>", headers={"Content-Type": "text/html"})) as server:
        result = tool.run("reset", "fresh", OPENSEARCH_ENDPOINT=server.url)
    assert result.code == 14
    assert "not as OpenSearch" in result.stderr
    assert {(asked.method, asked.path) for asked in server.asked} == {("GET", "/")}


def test_a_target_that_is_not_local_is_refused_before_anything_is_sent(bare: Tool) -> None:
    for url in ("https://dynamodb.eu-west-2.amazonaws.com", "http://8.8.8.8", "http://127.1", "http://0x7f000001:1"):
        result = bare.run("status", AWS_ENDPOINT_URL=url, OPENSEARCH_ENDPOINT="http://127.0.0.1:9")
        assert result.code == 15, result.stderr
        assert "nothing was sent" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("reset", "fresh"),
        ("seed", "minimal", "--only"),
        ("clear", "all"),
        ("undo",),
        ("redo",),
        ("restore", "latest"),
        ("sync", "dynamo-to-os"),
        ("sync", "os-to-dynamo", "--delete"),
        ("sync", "resolve-conflicts"),
        ("sync", "follow", "--once"),
        ("backups", "prune"),
    ],
    ids=" ".join,
)
def test_on_a_target_that_is_not_local_it_is_asked_before_something_goes(bare: Tool, words: tuple[str, ...]) -> None:
    elsewhere = "http://192.0.2.1:9"  # RFC 5737: an address of documentation, that nobody has
    (bare.cwd / "tattoo-data.toml").write_text('[target]\nallow = ["192.0.2.1"]\n')
    bare.extra |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    result = bare.run(*words, "--json", AWS_ENDPOINT_URL=elsewhere, OPENSEARCH_ENDPOINT=elsewhere)
    assert (result.code, result.error()["id"]) == (2, "ConfirmationNeeded")
    assert elsewhere in result.stderr


def test_a_half_named_target_names_the_missing_variable(bare: Tool) -> None:
    result = bare.run("reset", "fresh", OPENSEARCH_ENDPOINT="http://127.0.0.1:9200")
    assert result.code == 2
    assert "AWS_ENDPOINT_URL" in result.stderr


def test_opensearch_is_found_through_a_gateway_that_routes_by_host(tool: Tool, get_engine: GetEngine) -> None:
    """LocalStack's way: the seed's variables alone, and everything through one port."""
    import urllib.error
    import urllib.request

    domain = "tattoo-directory-local.eu-west-2.opensearch.localhost.localstack.cloud:4566"
    made: list[str] = []

    def forward(asked: Asked, base: str) -> Answer:
        headers = {name: value for name, value in asked.headers.items() if name not in ("host", "content-length")}
        request = urllib.request.Request(
            base + asked.path, data=asked.body or None, headers=headers, method=asked.method
        )
        try:
            with urllib.request.urlopen(request) as response:
                return Answer(status=response.status, body=response.read(), headers=_content(response.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(status=error.code, body=error.read(), headers=_content(error.headers))

    def gateway(asked: Asked) -> Answer:
        if asked.headers.get("host") == domain:
            return forward(asked, get_engine("osmem").url)
        if "/opensearch/domain" in asked.path:
            if asked.method == "POST":
                made.append(json.loads(asked.body)["DomainName"])
            if not made:
                return Answer(status=409, body=b'{"__type":"ResourceNotFoundException","message":"no domain"}')
            return Answer(body=json.dumps({"DomainStatus": {"Endpoint": domain, "Processing": False}}).encode())
        return forward(asked, get_engine("ministack").url)

    with stub(gateway) as server:
        seeds = {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_DEFAULT_REGION": "eu-west-2",
            **names(),
            "TATTOO_DATA_HOME": tool.environment["TATTOO_DATA_HOME"],
        }
        through = Tool(seeds, tool.cwd)
        nothing = through.run("status")
        assert nothing.code == 2
        assert "tattoo-directory-local" in nothing.stderr
        through.ok("reset", "minimal", "--as-of", AS_OF)
        assert made == ["tattoo-directory-local"]
        status = through.ok("status", "--json").json()
        assert (status["state"], status["consistent"]) == ("minimal", True)
        assert status["target"]["opensearchEndpoint"] == f"http://{domain}"
        asked = [each for each in server.asked if each.headers.get("host") == domain]
        assert any("_bulk" in each.path for each in asked)
    direct = OpenSearch([get_engine("osmem").url])
    assert direct.count(index=seeds["OPENSEARCH_INDEX"])["count"] == 3
    direct.close()


def _content(headers: object) -> dict[str, str]:
    kept = ("content-type", "etag", "last-modified")
    return {name: value for name, value in headers.items() if name.lower() in kept}  # type: ignore[attr-defined]


def test_ctrl_c_in_the_middle_ends_with_130_and_the_next_run_mends_it(tool: Tool) -> None:
    running = tool.start("reset", "performance-test", "--scale", "60", "--as-of", AS_OF)
    deadline = time.monotonic() + 60
    while not _has_begun(tool) and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 130, stdout + stderr
    assert "interrupted" in stderr
    assert "Traceback" not in stderr
    status = tool.ok("status", "--json").json()
    assert status["interrupted"]["command"].startswith("reset performance-test")
    assert "mends it" in tool.ok("status").stdout
    tool.ok("reset", "performance-test", "--scale", "60", "--as-of", AS_OF)
    after = tool.ok("status", "--json").json()
    assert (after["interrupted"], after["consistent"], after["state"]) == (None, True, "performance-test")


def _has_begun(tool: Tool) -> bool:
    live = Application(tool.environment)
    try:
        return len(live.items()) >= 30
    except live.dynamodb.exceptions.ResourceNotFoundException:
        return False
    finally:
        live.close()


@pytest.mark.parametrize("form", ["a file in the way", "read-only"])
def test_a_home_that_cannot_be_written_says_so(bare: Tool, form: str) -> None:
    blocked = bare.cwd / "blocked"
    if form == "read-only":
        if os.geteuid() == 0:
            blocked = Path("/proc/tattoo-data")
        else:
            blocked.mkdir(mode=0o500)
    else:
        blocked.write_text("")
    result = bare.run("reset", "fresh", TATTOO_DATA_HOME=str(blocked), TATTOO_DATA_LOCAL="1")
    assert result.code == 14
    assert "TATTOO_DATA_HOME" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_named_target_works_with_a_home_that_cannot_be_written(tool: Tool) -> None:
    assert tool.ok("reset", "minimal", TATTOO_DATA_HOME="/proc/tattoo-data", HOME="/proc/nothing").code == 0


def test_a_partial_failure_is_counted_named_and_ends_with_3(tool: Tool) -> None:
    """A record that the index refuses: the rest is done, and the exit code says so."""
    own = {
        "artistId": "own-1",
        "artistName": "Own",
        "instagramHandle": "own",
        "styles": ["celtic"],
        "locationDisplay": "Leith",
        "geohash": "gcvwr3z",
        "bio": "x" * 390_000,
        "notes": "y" * 30_000,
    }
    (tool.cwd / "own.json").write_text(json.dumps({"artists": [own, {**own, "artistId": "own-2", "bio": "b"}]}))
    result = tool.run("seed", "own.json", "--json")
    assert result.code == 3
    done = result.json()
    assert [failure["key"] for failure in done["failures"] if failure["store"] == "table"] == [
        '{"PK":{"S":"ARTIST#own-1"},"SK":{"S":"METADATA"}}'
    ]
    assert done["changes"]["table"]["failed"] == 1
    assert done["changes"]["table"]["created"] == 2
    text = tool.run("seed", "own.json")
    assert text.code == 3
    assert "failed: table ARTIST#own-1 METADATA" in text.stdout


def test_a_group_without_a_verb_shows_its_help(bare: Tool) -> None:
    shown = bare.run("migrate")
    assert (shown.code, shown.stdout) == (2, "")
    assert shown.stderr.startswith("Usage: tattoo-data migrate")
    assert "run-all" in shown.stderr
