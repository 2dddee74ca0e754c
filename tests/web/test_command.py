"""`monitor serve` as it is typed: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import json
import socket
import sys

import pytest

from tattoo_data import web
from tattoo_data.errors import ExtraMissing
from tests.tool import AS_OF, Tool


def test_it_says_where_it_is_and_ends_after_its_checks(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    done = tool.ok("monitor", "serve", "--port", "0", "--interval", "100ms", "--count", "2", "--json")
    serving, *checks, summary = map(json.loads, done.stdout.splitlines())
    assert serving["type"] == "serving" and serving["url"].startswith("http://127.0.0.1:")
    assert [(each["type"], each["health"], each["checks"]) for each in checks] == [
        ("check", "healthy", 1),
        ("check", "healthy", 2),
    ]
    assert (summary["type"], summary["checks"], summary["healthy"]) == ("summary", 2, 2)
    assert summary["target"]["table"] == tool.environment["DYNAMODB_TABLE_NAME"]
    assert done.stderr == ""


def test_in_words_it_tells_the_address_and_the_sum(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    done = tool.ok("monitor", "serve", "--port", "0", "--count", "1")
    first, last = done.stdout.splitlines()
    assert first.startswith("The dashboard is at http://127.0.0.1:")
    assert last == "1 check (1 healthy); 0 alerts opened, 0 closed, 0 open."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--interval", "0"], "has to be more than nothing"),
        (["--interval=-5s"], "has to be more than nothing"),
        (["--interval", "abc"], "it is no time"),
        (["--interval", "30000"], "were milliseconds meant?"),
        (["--for", "soon"], "it is no time"),
        (["--count", "0"], "0 is not in the range"),
        (["--port", "65536"], "65536 is not in the range"),
        (["--port", "http"], "not a valid integer"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(bare: Tool, arguments: list[str], words: str) -> None:
    done = bare.run("monitor", "serve", *arguments)
    assert done.code == 2 and words in done.stderr
    assert done.stdout == "" and list(bare.cwd.glob("state/*")) == []


def test_a_taken_port_is_named_with_its_holder(bare: Tool) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = bare.run("monitor", "serve", "--port", str(port), "--json")
    assert done.code == 2 and done.stdout == ""
    assert done.error()["id"] == "PortTaken"
    assert (done.error()["details"]["port"], "pid" in done.error()["details"]["holder"]) == (port, True)


@pytest.mark.parametrize("name", ["starlette", "uvicorn", "prometheus_client", "pygal"])
def test_without_the_extra_the_error_says_how_to_get_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ExtraMissing) as caught:
        web.require()
    assert name in caught.value.message and "tattoo-data[web]" in caught.value.hint
