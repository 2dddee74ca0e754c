"""The workflows that the utilities were made for, by their own names, each run twice."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.live import Application
from tests.system.test_states import application
from tests.tool import AS_OF, Result, Tool


def run(tool: Tool, program: str, *arguments: str) -> Result:
    result = tool.run(*arguments, program=program)
    assert result.code == 0, result.stdout + result.stderr
    return result


def spoil(live: Application) -> None:
    """What a test suite does to the data."""
    live.put({"PK": {"S": "ARTIST#artist-001"}, "SK": {"S": "METADATA"}, "artistName": {"S": "Spoilt"}})
    live.put({"PK": {"S": "ALERT#1"}, "SK": {"S": "x"}})
    live.opensearch.delete(index=live.index, id="artist-002", params={"refresh": "true"})
    live.s3.put_object(Bucket=live.bucket, Key="left-over.png", Body=b"x")


def test_testing(any_tool: Tool) -> None:
    run(any_tool, "data-reset", "reset", "fresh", "--as-of", AS_OF)
    for _ in range(2):
        run(any_tool, "data-reset", "snapshot", "before-test-suite")
        with application(any_tool) as live:
            spoil(live)
        assert any_tool.ok("status", "--json").json()["state"] is None
        run(any_tool, "data-reset", "restore", "before-test-suite")
        status = any_tool.ok("status", "--json").json()
        assert (status["state"], status["consistent"], status["records"]["other"]) == ("fresh", True, 0)


def test_backup_and_recovery(any_tool: Tool) -> None:
    run(any_tool, "data-reset", "reset", "minimal", "--as-of", AS_OF)
    for _ in range(2):
        daily = f"daily-backup-{datetime.now(UTC):%Y%m%d}"
        run(any_tool, "data-manager", "backup", daily)
        run(any_tool, "data-manager", "backup", "backup-2024-01-15T10-30-00-000Z")
        listed = run(any_tool, "data-manager", "list-backups").stdout
        assert daily in listed
        assert "minimal" in listed
        with application(any_tool) as live:
            spoil(live)
        run(any_tool, "data-manager", "restore", "backup-20240115T103000000Z")
        assert any_tool.ok("status", "--json").json()["state"] == "minimal"
        run(any_tool, "data-reset", "reset", "clean")
        run(any_tool, "data-reset", "reset", "backup-restore")
        assert any_tool.ok("status", "--json").json()["state"] == "minimal"


def test_exports(tool: Tool) -> None:
    run(tool, "data-reset", "reset", "search-ready", "--as-of", AS_OF)
    for _ in range(2):
        run(tool, "data-manager", "export", "./performance-results")
        (made,) = (tool.cwd / "performance-results").iterdir()
        run(tool, "data-reset", "reset", "clean")
        run(tool, "data-manager", "import", f"./performance-results/{made.name}")
        run(tool, "data-reset", "clear", "s3")
        (tool.cwd / "performance-results").rename(tool.cwd / f"done-{made.name}")
        status = tool.ok("status", "--json").json()
        assert (status["records"]["artists"] > 10, status["consistent"]) == (True, True)
