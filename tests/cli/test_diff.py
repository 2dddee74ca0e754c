"""`diff`: what it prints, as text and as JSON, and how it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.test_terminal import on_a_terminal
from tests.live import Application
from tests.tool import AS_OF, Tool

STORES = ("table", "index", "images")
ARTIST = {"PK": {"S": "ARTIST#artist-002"}, "SK": {"S": "METADATA"}}
KEY = '{"PK":{"S":"ARTIST#artist-002"},"SK":{"S":"METADATA"}}'


@pytest.fixture
def minimal(tool: Tool) -> Tool:
    """A target that holds the state `minimal`."""
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    return tool


@pytest.fixture
def edited(minimal: Tool) -> Iterator[Tool]:
    """The same, with one artist changed by hand in every way, and an item more."""
    live = Application(minimal.environment)
    item: dict[str, Any] = live.dynamodb.get_item(TableName=live.table, Key=ARTIST)["Item"]
    item |= {"rating": {"S": "4.5"}, "tags": {"SS": ["a", "b"]}, "blob": {"B": b"\x00\x01"}}
    item["portfolioImages"]["L"][1]["M"]["url"] = {"S": "http://localhost/other.png"}
    item["contactInfo"]["M"]["e.mail"] = {"S": "someone"}
    del item["avatar"]
    live.put(item)
    live.put({"PK": {"S": "AUDIT#1\x1b[31m\n"}, "SK": {"S": "2026"}})
    yield minimal
    live.close()


def diff(tool: Tool, *arguments: str, code: int) -> Any:
    done = tool.run("diff", *arguments, "--json")
    assert done.code == code, done.stdout + done.stderr
    return done.json()


def test_the_document_of_two_equal_sides(minimal: Tool) -> None:
    document = diff(minimal, "minimal", code=0)
    status = minimal.ok("status", "--json").json()
    assert document["command"] == "diff"
    assert document["target"] == status["target"]
    assert (document["equal"], document["differences"], document["notCompared"]) == (True, [], [])
    counts = {store: status["stores"][store]["count"] for store in STORES}
    assert document["summary"] == {
        store: {"created": 0, "deleted": 0, "changed": 0, "same": counts[store]} for store in STORES
    }
    a, b = document["a"], document["b"]
    assert (a["side"], a["kind"], a["name"], a["asOf"]) == ("state:minimal", "state", "minimal", AS_OF)
    assert (b["side"], b["kind"], b["description"], b["asOf"]) == ("live", "live", "the live stores", None)
    assert a["fingerprint"] == b["fingerprint"] == status["fingerprint"]
    assert a["stores"] == b["stores"]
    assert b["stores"] == {
        store: {"count": counts[store], "fingerprint": status["stores"][store]["fingerprint"]} for store in STORES
    }
    assert list(document)[-1] == "differences", "millions may follow"


def test_the_document_of_what_differs(edited: Tool) -> None:
    document = diff(edited, "minimal", "--only", "table", code=4)
    assert document["equal"] is False
    assert document["summary"] == {"table": {"created": 1, "deleted": 0, "changed": 1, "same": 10}}
    assert (document["a"]["fingerprint"], document["b"]["fingerprint"]) == (None, None)
    created, changed = document["differences"]
    assert (created["store"], created["change"], created["fields"]) == ("table", "created", [])
    assert (changed["key"], changed["change"]) == (KEY, "changed")
    fields = {field.pop("path"): field for field in changed["fields"]}
    assert fields.pop("avatar")["change"] == "removed"
    assert fields.pop("portfolioImages[1].url")["after"] == {"S": "http://localhost/other.png"}
    assert fields == {
        "blob": {"change": "added", "before": None, "after": {"B": "AAE="}},
        'contactInfo["e.mail"]': {"change": "added", "before": None, "after": {"S": "someone"}},
        "rating": {"change": "changed", "before": {"N": "4.3"}, "after": {"S": "4.5"}},
        "tags": {"change": "added", "before": None, "after": {"SS": ["a", "b"]}},
    }


def test_the_other_way_round(edited: Tool) -> None:
    document = diff(edited, "live", "minimal", "--only", "table", code=4)
    deleted, changed = document["differences"]
    assert (deleted["change"], changed["change"]) == ("deleted", "changed")
    fields = {field["path"]: field for field in changed["fields"]}
    assert (fields["rating"]["before"], fields["rating"]["after"]) == ({"S": "4.5"}, {"N": "4.3"})
    assert fields["tags"]["change"] == "removed"


def test_sets_tell_their_members(edited: Tool) -> None:
    edited.ok("snapshot", "before")
    live = Application(edited.environment)
    live.dynamodb.update_item(
        TableName=live.table,
        Key=ARTIST,
        UpdateExpression="SET tags = :tags",
        ExpressionAttributeValues={":tags": {"SS": ["b", "c"]}},
    )
    live.close()
    ((difference),) = diff(edited, "before", code=4)["differences"]
    assert difference["fields"] == [
        {
            "path": "tags",
            "change": "changed",
            "before": {"SS": ["a", "b"]},
            "after": {"SS": ["b", "c"]},
            "added": ["c"],
            "removed": ["a"],
        }
    ]
    assert '      tags (SS): +"c" -"a"\n' in edited.run("diff", "before").stdout


def test_text_is_grouped_by_store_and_tells_each_field(edited: Tool) -> None:
    done = edited.run("diff", "minimal")
    assert done.code == 4
    lines = done.stdout.splitlines()
    assert lines[0] == f"From state minimal (as of {AS_OF}) to the live stores: 2 differences."
    assert re.fullmatch(r"store +created +deleted +changed +same", lines[1])
    assert re.fullmatch(r"table +1 +0 +1 +10", lines[2])
    start = lines.index("table")
    assert lines[start + 1] == r"  + AUDIT#1\x1b[31m\n 2026", "what would move the cursor is spelled"
    assert lines[start + 2] == "  ~ ARTIST#artist-002 METADATA"
    assert '      blob: added binary of 2 bytes "AAE="' in lines
    assert '      rating: 4.3 (N) -> "4.5" (S)' in lines
    assert any(line.startswith('      avatar: removed "http://localhost:4566/') for line in lines)
    assert "index" not in lines[start:]
    assert done.stdout.isascii()


def test_equal_sides_are_said_to_be(minimal: Tool) -> None:
    shown = minimal.ok("diff", "minimal", "live").stdout
    assert shown.startswith(f"From state minimal (as of {AS_OF}) to the live stores: no difference.\n")


def test_a_long_list_is_cut_and_told_in_whole_with_v(minimal: Tool) -> None:
    few, all_of_it = minimal.run("diff", "fresh"), minimal.run("diff", "fresh", "-v")
    counted = diff(minimal, "fresh", code=4)
    assert few.code == all_of_it.code == 4
    assert len(re.findall(r"^  - ARTIST", few.stdout, re.MULTILINE)) == 20
    assert f"  ... and {counted['summary']['table']['deleted'] - 20} more of table (-v shows all)" in few.stdout
    shown = re.findall(r"^  - (\S+ METADATA)", all_of_it.stdout, re.MULTILINE)
    assert shown == sorted(shown)
    assert len(shown) == counted["summary"]["table"]["deleted"]
    assert "more of" not in all_of_it.stdout
    assert len(counted["differences"]) == sum(each["deleted"] for each in counted["summary"].values())


def test_a_long_value_is_cut_where_it_differs_and_whole_with_v(minimal: Tool) -> None:
    live = Application(minimal.environment)
    live.put({"PK": {"S": "NOTE#1"}, "SK": {"S": "1"}, "text": {"S": "a" * 200 + "x" + "b" * 200}})
    minimal.ok("snapshot", "before")
    live.put({"PK": {"S": "NOTE#1"}, "SK": {"S": "1"}, "text": {"S": "a" * 200 + "y" + "b" * 200}})
    live.close()
    shown = minimal.run("diff", "before").stdout
    (line,) = (line for line in shown.splitlines() if line.startswith("      text: "))
    assert re.fullmatch(r" +text: \.\.\.a{15}xb+\.\.\. -> \.\.\.a{15}yb+\.\.\.", line)
    assert "a" * 200 + "y" + "b" * 200 in minimal.run("diff", "before", "-v").stdout


@pytest.mark.parametrize(
    ("arguments", "stores"),
    [
        (("--only", "index"), ["index"]),
        (("--only", "opensearch"), ["index"]),
        (("--only", "s3", "--only", "dynamodb"), ["table", "images"]),
    ],
)
def test_only_some_stores(minimal: Tool, arguments: tuple[str, ...], stores: list[str]) -> None:
    assert list(diff(minimal, "fresh", *arguments, code=4)["summary"]) == stores


def test_only_some_keys(edited: Tool) -> None:
    document = diff(edited, "minimal", "--keys", "ARTIST#artist-00*", code=4)
    assert document["keys"] == "ARTIST#artist-00*"
    assert document["summary"]["table"] == {"created": 0, "deleted": 0, "changed": 1, "same": 1}
    assert document["summary"]["index"]["same"] == 2
    assert diff(edited, "minimal", "--keys", "STUDIO#*", code=0)["summary"]["table"]["same"] == 1
    nothing = edited.run("diff", "minimal", "--keys", "ARTST*")
    assert nothing.code == 0
    assert "note: no key on either side is like 'ARTST*'." in nothing.stderr


def test_a_day_of_ones_own(minimal: Tool) -> None:
    changed = diff(minimal, "minimal", "--as-of", "2026-11-25", code=4)
    assert changed["a"]["asOf"] == "2026-11-25"
    assert {field["path"] for each in changed["differences"] for field in each["fields"]} <= {
        "createdAt",
        "updatedAt",
        "availability.nextAvailable",
    }
    assert diff(minimal, "minimal", code=0)["a"]["asOf"] == AS_OF


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, ["A"]),
        (("fresh", "live", "minimal"), 2, ["unexpected extra argument"]),
        (("fresh", "--only", "tables"), 2, ["--only", "table"]),
        (("frsh",), 10, ["no file, state, scenario or snapshot is called 'frsh'", "Did you mean 'fresh'?"]),
        (("./nowhere",), 10, ["there is no file or folder ./nowhere"]),
        (("fresh", "latest"), 10, ["no snapshot is called 'latest'"]),
        (("state:nope",), 10, ["no reset state is called 'nope'"]),
        (("backup-restore",), 10, ["there is no backup of this target"]),
    ],
)
def test_what_cannot_be_compared_is_told(
    minimal: Tool, arguments: tuple[str, ...], code: int, words: list[str]
) -> None:
    result = minimal.run("diff", *arguments)
    assert (result.code, result.stdout) == (code, "")
    for each in words:
        assert each in result.stderr
    assert minimal.run("diff", *arguments, "--json").error()["exitCode"] == code


def test_a_name_that_is_two_things(minimal: Tool) -> None:
    minimal.ok("snapshot", "fresh")
    refused = minimal.run("diff", "fresh", "--json")
    assert refused.code == 2
    assert refused.error()["message"] == "'fresh' is a state and a snapshot"
    assert refused.error()["hint"] == "Say which: state:fresh or snapshot:fresh."
    assert diff(minimal, "snapshot:fresh", code=0)["a"]["kind"] == "snapshot"
    assert diff(minimal, "state:fresh", code=4)["a"]["kind"] == "state"


def test_nothing_to_compare_with_names_what_makes_it(tool: Tool) -> None:
    missing = tool.run("diff", "fresh", "--json")
    assert (missing.code, missing.stdout) == (10, "")
    assert missing.error()["id"] == "StoreMissing"
    assert "reset fresh" in missing.error()["hint"]
    assert diff(tool, "fresh", "state:fresh", code=0)["equal"] is True, "no live store is needed"


def test_colours_on_a_terminal_and_none_where_they_are_not_wanted(edited: Tool) -> None:
    code, coloured = on_a_terminal(edited, "diff", "minimal")
    assert code == 4
    assert re.search(r"\x1b\[32m  \+ AUDIT#1\\x1b\[31m\\n 2026\x1b\[0m", coloured)
    assert re.search(r"\x1b\[33m  ~ ARTIST#artist-002 METADATA\x1b\[0m", coloured)
    _, plain = on_a_terminal(edited, "diff", "minimal", NO_COLOR="1")
    assert "  ~ ARTIST#artist-002 METADATA" in plain
    assert not re.search(r"\x1b\[3[1-7]m", plain)


def test_names_are_completed(tool: Tool) -> None:
    tool.ok("reset", "minimal")
    tool.ok("snapshot", "before-suite")
    for words, offered in (
        ("tattoo-data diff bef", ["before-suite"]),
        ("tattoo-data diff l", ["live", "latest", "location-test", "location-london"]),
        ("tattoo-data diff fresh mini", ["minimal"]),
        ("tattoo-data with before", ["before-suite"]),
        ("tattoo-data with search-", ["search-ready", "search-basic"]),
    ):
        count = str(len(words.split()) - 1)
        shown = tool.run(_TATTOO_DATA_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=count).stdout
        assert [line.partition(",")[2] for line in shown.splitlines()] == offered, words
    shown = tool.run(_TATTOO_DATA_COMPLETE="bash_complete", COMP_WORDS="tattoo-data diff ./ex", COMP_CWORD="2").stdout
    assert shown == "file,./ex\n"


def test_completion_starts_nothing_and_offers_what_is_known(bare: Tool) -> None:
    shown = bare.run(_TATTOO_DATA_COMPLETE="bash_complete", COMP_WORDS="tattoo-data diff fre", COMP_CWORD="2").stdout
    assert shown == "plain,fresh\n"
    assert not (bare.cwd / "state").exists()


def test_differences_are_one_a_line(minimal: Tool) -> None:
    shown = minimal.run("diff", "fresh", "--json", "--only", "images").stdout
    rows = [line for line in shown.splitlines() if line.startswith('    {"store":"images"')]
    assert len(rows) == len(json.loads(shown)["differences"]) > 20
