"""Export and import on whole targets: there and back, between targets, large, with odd content, and killed."""

from __future__ import annotations

import base64
import json
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.clock import Clock, seeded
from tattoo_data.engine.flow import batches, in_flight
from tattoo_data.environment import Environment, open_environment
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.model.keys import item_key
from tattoo_data.settings import resolve
from tattoo_data.stores.base import scan
from tests.faults.messages import Service
from tests.system.test_states import application
from tests.system.test_undo import fingerprint, held_at, history, kill_at, pictures, raw_items, status
from tests.tool import AS_OF, PROGRAMS, Tool, names
from tests.transfer.plain_reader import read_aws, read_dump, read_manifest

#: Keys that some file system cannot have as a name, or in one folder. S3 takes them all.
ODD_KEYS = (
    "plain/one.png",
    "plain",
    "UPPER/One.PNG",
    "upper/one.png",
    "é ü/ß?&=+%25#.png",
    "two//slashes.png",
    "trailing/",
    "dots/.../x.png",
    'quote\'s "double" $(touch y).png',
    "long/" + "/".join(["y" * 100] * 8) + ".png",
)

#: The two real targets have the same table.
TABLES = pytest.mark.parametrize("any_tool", ["embedded", "real"], indirect=True)


def exported(tool: Tool, *arguments: str) -> Path:
    """An export's directory."""
    return tool.cwd / Path(tool.ok("export", "./x", "--json", *arguments).json()["path"])


@contextmanager
def opened(tool: Tool) -> Iterator[Environment]:
    with open_environment(resolve({}, tool.variables(), tool.cwd), Clock()) as env:
        yield env


def put(tool: Tool, store: StoreName, entries: list[Entry]) -> None:
    """Write entries as fast as the engine takes them."""
    with opened(tool) as env:
        door = env.stores[store]
        for outcomes in in_flight(env.pool, door.put, batches(entries, door.limits, lambda each: len(each.body))):
            assert [each for each in outcomes if each.error] == []
        door.settle()


def digests(tool: Tool, store: StoreName) -> dict[str, bytes]:
    """A digest of each entry's canonical bytes."""
    with opened(tool) as env:
        return {entry.key: digest(store, entry) for entry in scan(env.stores[store])}


def other(tool: Tool) -> Tool:
    """Another target on the same engines."""
    return replace(tool, environment={**tool.environment, **names()})


def test_all_of_it_comes_back_as_it_was(any_tool: Tool) -> None:
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    with application(any_tool) as live:
        live.put(
            {
                "PK": {"S": 'AUDIT#é "1"\u2028'},
                "SK": {"S": "2026-11-24"},
                "digits": {"N": "12345678901234567890123456789012345678"},
                "small": {"N": "-1E-130"},
                "binary": {"B": b"\x00\xff"},
                "nested": {"M": {"list": {"L": [{"B": b"\x01"}, {"M": {"b": {"B": b"\xfe"}}}, {"NULL": True}]}}},
                "sets": {"L": [{"SS": ["b", "a"]}, {"NS": ["2.5", "-1"]}, {"BS": [b"\x02", b"\x01"]}]},
                "empty": {"S": ""},
                "nothing": {"L": []},
                "yes": {"BOOL": True},
            }
        )
        live.put({"PK": {"S": "ARTIST#artist-900"}, "SK": {"S": "PROFILE"}, "artistName": {"S": "Node"}})
        odd = {"PK": "ARTIST#artist-009", "n": 4.5, "deep": {"list": [1, {"a": None}, "é\u2029"]}, "big": 2**62 + 1}
        live.opensearch.index(index=live.index, id="ARTIST#odd id/é", body=odd, refresh=True)
        live.opensearch.index(index=live.index, id="routed", body={"n": 1}, routing="somewhere", refresh=True)
        live.s3.put_object(Bucket=live.bucket, Key="odd/é 1.txt", Body=b"\x00\x01", ContentType="text/x-odd; q=1")
        items, documents, objects = raw_items(live), live.documents(), pictures(live)
        before = fingerprint(any_tool)
        path = exported(any_tool, "--images")
        manifest = read_manifest(path)
        assert len(read_aws(path, manifest["exportId"])) == len(items)
        assert {key: each["_source"] for key, each in read_dump(path, live.index).items()} == documents
        assert read_dump(path, live.index)["routed"]["_routing"] == "somewhere"
        any_tool.ok("clear")
        done = any_tool.ok("import", str(path), "--json").json()
        assert done["fingerprint"] == before == fingerprint(any_tool)
        assert (raw_items(live), live.documents(), pictures(live)) == (items, documents, objects)
        assert live.opensearch.get(index=live.index, id="routed", routing="somewhere")["_routing"] == "somewhere"
        any_tool.ok("seed", "location-london", "--as-of", "2026-11-20")
        live.put({"PK": {"S": "ALERT#new"}, "SK": {"S": "1"}})
        any_tool.ok("import", str(path))
        assert len(raw_items(live)) == len(items) + 1, "import takes nothing away"
        any_tool.ok("import", str(path), "--replace")
        assert raw_items(live) == items
        assert fingerprint(any_tool) == before


def test_from_target_to_target_through_a_pipe(any_tool: Tool) -> None:
    target = other(any_tool)
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    target.ok("reset", "minimal", "--as-of", "2026-11-20")
    giver = subprocess.Popen(
        [PROGRAMS / "tattoo-data", "export", "-", "--images"],
        env=any_tool.variables(),
        cwd=any_tool.cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert giver.stdout is not None
    taker = subprocess.run(
        [PROGRAMS / "data-manager", "import", "-", "--replace", "--json"],
        env=target.variables(),
        cwd=target.cwd,
        stdin=giver.stdout,
        capture_output=True,
        timeout=300,
        check=False,
    )
    giver.stdout.close()
    _, said = giver.communicate(timeout=60)
    assert (giver.returncode, taker.returncode) == (0, 0), said + taker.stderr
    assert json.loads(taker.stdout)["source"]["kind"] == "tattoo-data export"
    assert fingerprint(target) == fingerprint(any_tool)


@TABLES
@pytest.mark.timeout(1800)
def test_ten_thousand_arbitrary_items_of_all_types_come_back_the_same(any_tool: Tool) -> None:
    any_tool.ok("reset", "clean")
    drawn = seeded(20_261_124)
    entries = [_item(drawn, number) for number in range(10_000)]
    put(any_tool, StoreName.TABLE, entries)
    before = digests(any_tool, StoreName.TABLE)
    assert before == {entry.key: digest(StoreName.TABLE, entry) for entry in entries}, "the engine keeps them"
    path = exported(any_tool)
    assert len(read_aws(path, read_manifest(path)["exportId"])) == 10_000
    any_tool.ok("clear")
    done = any_tool.ok("import", str(path), "--no-undo", "--json").json()
    assert done["changes"]["table"]["created"] == 10_000
    assert digests(any_tool, StoreName.TABLE) == before


def test_more_documents_than_one_search_gives_are_exported_exactly(any_tool: Tool) -> None:
    any_tool.ok("reset", "clean")
    count = 10_500
    entries = [
        Entry(f"artist-{number:05}", json.dumps({"artistId": f"artist-{number:05}", "rating": number / 4}).encode())
        for number in range(count)
    ]
    put(any_tool, StoreName.INDEX, entries)
    path = exported(any_tool, "--only", "opensearch")
    hits = read_dump(path, any_tool.environment["OPENSEARCH_INDEX"])
    assert {key: each["_source"] for key, each in hits.items()} == {
        entry.key: json.loads(entry.body) for entry in entries
    }
    assert read_manifest(path)["stores"]["index"]["count"] == count
    before = fingerprint(any_tool)
    any_tool.ok("clear", "opensearch")
    assert any_tool.ok("import", str(path), "--json").json()["changes"]["index"]["created"] == count
    assert fingerprint(any_tool) == before


def test_images_keep_their_keys_bodies_and_types(any_tool: Tool) -> None:
    any_tool.ok("reset", "clean")
    with application(any_tool) as live:
        for key in ODD_KEYS:
            live.s3.put_object(Bucket=live.bucket, Key=key, Body=key.encode(), ContentType=f"image/x-{len(key)}")
        objects = pictures(live)
        path = exported(any_tool, "--images")
        any_tool.ok("clear", "s3")
        any_tool.ok("import", str(path), "--only", "s3")
        assert pictures(live) == objects
    manifest = read_manifest(path)
    assert {each["key"] for each in manifest["files"] if "key" in each} == set(objects)


@pytest.mark.parametrize(
    ("service", "operations", "number"),
    [(Service.DYNAMODB, "Scan", 1), (Service.DYNAMODB, "Scan", 3), (Service.OPENSEARCH, "_search", 1)],
)
def test_an_export_that_was_killed_is_no_export(tool: Tool, service: Service, operations: str, number: int) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    before = fingerprint(tool)
    kill_at(tool, operations, "export", "./x", service=service, number=number)
    (half,) = (tool.cwd / "x").iterdir()
    assert not (half / "manifest.json").exists()
    refused = tool.run("import", f"./x/{half.name}", "--replace")
    assert (refused.code, refused.stdout) == (12, "")
    assert "half-written" in refused.stderr
    assert fingerprint(tool) == before
    whole = exported(tool)
    assert whole != half
    tool.ok("import", str(whole))


def test_an_export_that_was_interrupted_leaves_nothing(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    with held_at(tool, "Scan", "export", "./x", service=Service.DYNAMODB) as (process, goes_on):
        process.send_signal(signal.SIGINT)
        goes_on.set()
        assert process.wait(60) == 130
    assert list((tool.cwd / "x").iterdir()) == []


@TABLES
@pytest.mark.parametrize(
    ("service", "operations"), [(Service.DYNAMODB, "BatchWriteItem"), (Service.OPENSEARCH, "_bulk")]
)
def test_an_import_that_was_killed_goes_on_and_is_undone_as_one(
    any_tool: Tool, service: Service, operations: str
) -> None:
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    path = exported(any_tool)
    wanted = fingerprint(any_tool)
    any_tool.ok("clear", "dynamodb")
    any_tool.ok("clear", "opensearch")
    before = fingerprint(any_tool)
    kill_at(any_tool, operations, "import", str(path), service=service)
    there = status(any_tool)
    assert there["interrupted"]["mend"] == f"tattoo-data import {path}"
    again = any_tool.ok("import", str(path), "--json").json()
    assert again["run"] == there["interrupted"]["id"]
    assert fingerprint(any_tool) == wanted
    assert history(any_tool)[0]["status"] == "done"
    any_tool.ok("undo")
    assert fingerprint(any_tool) == before


def test_what_an_engine_refuses_is_named_by_file_and_line(any_tool: Tool) -> None:
    """An item whose key of an index is a number is valid, but for a table that has an index of the application's own by
    it: what is not known of the table cannot be foreseen from the files."""
    any_tool.ok("reset", "minimal", "--as-of", AS_OF)
    with application(any_tool) as live:
        live.add_index("city")
    source = {"PK": {"S": "X#1"}, "SK": {"S": "1"}}
    path = _aws_export(any_tool, [source, {**source, "PK": {"S": "X#2"}, "city": {"N": "5"}}])
    done = any_tool.run("import", str(path), "--json", "--rejects", "r.jsonl")
    assert done.code == 3, done.stderr
    (rejected,) = done.json()["rejected"]
    assert (rejected["number"], rejected["key"]) == (2, item_key("X#2", "1"))
    assert done.json()["changes"]["table"]["created"] == 1
    (line,) = map(json.loads, (any_tool.cwd / "r.jsonl").read_text().splitlines())
    assert line["itemS3Pointer"]["key"] == rejected["file"]
    assert line["itemS3Pointer"]["itemIndex"] == 2


def _aws_export(tool: Tool, items: list[Any]) -> Path:
    from tests.formats.test_aws_writer import write

    write(tool.cwd / "aws", [[[json.dumps(item).encode() for item in items]]])
    return tool.cwd / "aws"


def _item(drawn: random.Random, number: int) -> Entry:
    """An item with a few attributes of every type, nested too."""
    key = item_key(f"KIND{number % 7}#{number:05} {_text(drawn)}", f"{number % 3} é")
    fields = {f"a{each}{_text(drawn)}": _value(drawn, 2) for each in range(drawn.randrange(1, 7))}
    return Entry(key, json.dumps({**json.loads(key), **fields}, ensure_ascii=drawn.random() < 0.5).encode())


def _value(drawn: random.Random, depth: int) -> dict[str, Any]:
    match drawn.choice(["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", *(["L", "M"] if depth else [])]):
        case "S":
            return {"S": _text(drawn)}
        case "N":
            return {"N": _number(drawn)}
        case "B":
            return {"B": _binary(drawn)}
        case "BOOL":
            return {"BOOL": drawn.random() < 0.5}
        case "NULL":
            return {"NULL": True}
        case "SS":
            return {"SS": sorted({f"{_text(drawn)}{each}" for each in range(drawn.randrange(1, 4))})}
        case "NS":
            return {"NS": [f"{each}.{drawn.randrange(1, 10)}" for each in range(drawn.randrange(1, 4))]}
        case "BS":
            return {"BS": sorted({_binary(drawn) for _ in range(drawn.randrange(1, 4))})}
        case "L":
            return {"L": [_value(drawn, depth - 1) for _ in range(drawn.randrange(0, 4))]}
    return {"M": {f"m{each}": _value(drawn, depth - 1) for each in range(drawn.randrange(0, 4))}}


def _text(drawn: random.Random) -> str:
    return "".join(drawn.choices('ab \n\t"\\/é€\u2028\U0001f600\x7f', k=drawn.randrange(0, 6)))


def _number(drawn: random.Random) -> str:
    digits = drawn.randrange(10 ** drawn.randrange(1, 38))
    return f"{drawn.choice(['', '-'])}{digits}E{drawn.randrange(-90, 80)}"


def _binary(drawn: random.Random) -> str:
    return base64.b64encode(drawn.randbytes(drawn.randrange(1, 6))).decode()
