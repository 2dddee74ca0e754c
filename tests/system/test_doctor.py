"""`doctor` as users run it: on a healthy target, on one that is not in order, and on one that is broken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.clock import Clock
from tattoo_data.environment import open_environment
from tattoo_data.model.entry import Blob
from tattoo_data.repository.runs import run_key
from tattoo_data.settings import resolve
from tattoo_data.views.doctor import doctor
from tests.live import Application
from tests.system.test_states import application
from tests.system.test_undo import held_at, kill_at
from tests.tool import AS_OF, Tool

STORES = ("table", "index", "images")


@pytest.fixture
def live(tool: Tool) -> Iterator[Application]:
    with application(tool) as clients:
        yield clients


def not_ok(tool: Tool, *, code: int) -> dict[str, Any]:
    """The checks that are not ok, by their ids, each with what to type."""
    done = tool.run("doctor", "--json")
    assert (done.code, done.stderr) == (code, "")
    document = done.json()
    found = {each["id"]: each for each in document["checks"] if each["status"] != "ok"}
    assert all(each["hint"] for each in found.values())
    assert sum(document["summary"].values()) == len(document["checks"])
    assert (document["summary"]["broken"] > 0) == (code == 4)
    return found


def test_a_new_target_and_a_filled_one(any_tool: Tool) -> None:
    found = not_ok(any_tool, code=0)
    assert {name: each["status"] for name, each in found.items()} == dict.fromkeys(STORES, "warning")
    assert {each["hint"] for each in found.values()} == {"tattoo-data reset fresh"}
    any_tool.ok("reset", "fresh", "--as-of", AS_OF)
    assert not_ok(any_tool, code=0) == {}
    said = any_tool.ok("doctor").stdout
    for words in ("93 entries", "60 entries", "as that of S3", "nobody writes", "0 broken, 0 to look at"):
        assert words in said
    assert any_tool.ok("doctor", "--quiet").stdout.count("\n") == 1


def test_what_the_data_have(tool: Tool, live: Application) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    live.opensearch.delete(index=live.index, id="artist-002", params={"refresh": "true"})
    found = not_ok(tool, code=0)
    assert found.keys() == {"consistency"}
    assert "sync dynamo-to-os" in found["consistency"]["hint"]
    live.opensearch.indices.delete(index=live.index)
    live.opensearch.index(index=live.index, id="1", body={"artistId": "1"}, params={"refresh": "true"})
    found = not_ok(tool, code=4)
    assert {name: each["status"] for name, each in found.items()} == {"index": "broken", "consistency": "warning"}
    assert "artistId" in found["index"]["message"]
    tool.ok("sync", "dynamo-to-os")
    assert not_ok(tool, code=0) == {}


def test_who_writes_and_what_was_killed(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    with held_at(tool, "_bulk", "reset", "fresh", "--as-of", AS_OF):
        assert "reset fresh" in not_ok(tool, code=0)["lock"]["message"]
    kill_at(tool, "_bulk", "reset", "search-ready", "--as-of", AS_OF)
    found = not_ok(tool, code=0)
    assert found["runs"]["hint"] == "tattoo-data reset search-ready"
    assert "takes it over" in found["lock"]["message"]


def test_a_closed_index(tool: Tool, live: Application) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    live.opensearch.indices.close(index=live.index)
    try:
        found = not_ok(tool, code=4)
        assert found.keys() == {"index"}
        assert "_open` opens it" in found["index"]["message"]
        refused = tool.run("reset", "fresh", "--yes", "--as-of", AS_OF)
        assert (refused.code, "_open` opens it" in refused.stderr) == (15, True)
        there = tool.ok("status", "--json").json()
        assert (there["stores"]["index"]["healthy"], there["consistent"], there["state"]) == (False, None, None)
    finally:
        live.opensearch.indices.open(index=live.index)
    assert not_ok(tool, code=0) == {}


def test_what_a_killed_with_has_kept_and_a_damaged_run(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    kept = tool.ok("snapshot", "before-with", "--json").json()["reference"]
    run = tool.ok("clear", "--yes", "--json").json()["run"]
    notes = tool.ok("status", "--json").json()["notes"]
    assert any(f"`tattoo-data restore {kept}` puts back what was there" in note for note in notes)
    assert not_ok(tool, code=0)["notes"]["hint"] == f"tattoo-data restore {kept}"
    tool.ok("backups", "delete", "before-with", "--yes")
    settings = resolve({}, tool.variables(), tool.cwd)
    with open_environment(settings, Clock(), write=False, say=print) as env:
        env.repository.put(run_key(run), Blob(b"{", "application/json"))
    assert f"the run {run} is damaged" in not_ok(tool, code=0)["notes"]["message"]
    assert [each["status"] for each in tool.ok("history", "--json").json()["runs"]] == ["damaged", "done"]
    assert tool.run("undo").code == 12
    tool.ok("reset", "minimal", "--as-of", AS_OF)


def test_a_clock_that_is_off(tool: Tool) -> None:
    settings = resolve({}, tool.variables(), tool.cwd)
    said = {}
    for minutes in (-60, 5):
        clock = Clock(now=lambda off=timedelta(minutes=minutes): datetime.now(UTC) + off)  # type: ignore[misc]
        (said[minutes],) = [each for each in doctor(lambda: settings, clock).checks if each.id == "clock"]
    assert (said[-60].status, said[5].status) == ("broken", "warning")
    assert " behind that of S3" in said[-60].message
    assert " ahead of that of S3" in said[5].message


def test_it_never_crashes_and_starts_nothing(bare: Tool, tmp_path: Path) -> None:
    (tmp_path / "tattoo-data.toml").write_text("[target\n")
    broken = bare.run("doctor")
    assert (broken.code, broken.stderr) == (4, "")
    assert "tattoo-data.toml" in broken.stdout
    (tmp_path / "tattoo-data.toml").write_text('[target]\ntabel = "x"\n')
    assert "did you mean target.table?" in bare.run("doctor").stdout
    (tmp_path / "tattoo-data.toml").unlink()
    assert bare.run("doctor", "--index", "UPPER").code == 4
    nowhere = bare.run("doctor", "--local", TATTOO_DATA_HOME="/proc/nowhere")
    assert (nowhere.code, nowhere.stderr) == (4, "")
    assert "TATTOO_DATA_HOME" in nowhere.stdout
    assert bare.run("doctor", "--local", HOME="/proc/nowhere").code == 0
    assert not (tmp_path / "state").exists()


def test_a_secret_is_not_shown(bare: Tool) -> None:
    done = bare.run(
        "doctor",
        "--json",
        "--debug",
        AWS_SECRET_ACCESS_KEY="s3cr3t-key",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        OPENSEARCH_ENDPOINT="http://me:s3cr3t-password@127.0.0.1:9",
    )
    assert done.code == 4
    assert "s3cr3t" not in done.stdout + done.stderr
