"""Standard streams that are closed or full: one clear line, a true exit code, and what was to be done is done."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.tool import AS_OF, PROGRAMS, Result, Tool

CLOSED = "error: stdout cannot be written: it is closed"
FULL = "error: stdout cannot be written: No space left on device"


def shell(tool: Tool, words: str, **variables: str) -> Result:
    """What a shell runs, where `TOOL` is the program."""
    done = subprocess.run(
        ["sh", "-c", words.replace("TOOL", str(PROGRAMS / "tattoo-data"))],
        env=tool.variables(**variables),
        cwd=tool.cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def filled(tool: Tool) -> Tool:
    tool.ok("reset", "search-ready", "--as-of", AS_OF)
    return tool


def lost(result: Result, line: str) -> bool:
    """Whether the output is said to be lost, once, and nothing else."""
    if result.stderr.startswith("{"):
        return (result.code, f"error: {result.error()['message']}") == (1, line)
    found = [each for each in result.stderr.splitlines() if each]
    return result.code == 1 and found[0] == line and len(found) == 2 and found[1].startswith("hint: What the command")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("TOOL status >&-", CLOSED),
        ("TOOL status --json >/dev/full", FULL),
        ("TOOL status >/dev/full", FULL),
        ("TOOL diff minimal >/dev/full", FULL),
        ("TOOL diff minimal --json >/dev/full", FULL),
    ],
)
def test_a_stdout_that_takes_nothing_is_told(filled: Tool, words: str, line: str) -> None:
    assert lost(result := shell(filled, words), line), result


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("TOOL --help >/dev/full", FULL),
        ("TOOL --help >&-", CLOSED),
        ("TOOL config --json >/dev/full", FULL),  # longer than a buffer
        ("TOOL completion bash >&-", CLOSED),
    ],
)
def test_whatever_prints_and_however_much(bare: Tool, words: str, line: str, unbuffered: str) -> None:
    assert lost(result := shell(bare, words, PYTHONUNBUFFERED=unbuffered), line), result


@pytest.mark.parametrize("end", [">&-", ">/dev/full"])
def test_what_was_to_be_written_is_written(filled: Tool, end: str) -> None:
    result = shell(filled, f"TOOL reset minimal --as-of {AS_OF} {end}")
    assert lost(result, CLOSED if end == ">&-" else FULL), result
    assert filled.ok("status", "--json").json()["state"] == "minimal"
    assert filled.ok("history", "--json").json()["runs"][0]["status"] == "done"


def test_as_json_it_is_one_document_on_stderr(filled: Tool) -> None:
    told = shell(filled, "TOOL status --json >/dev/full")
    assert told.code == 1
    told = shell(filled, "TOOL reset minimal --json >&-")
    assert (told.code, told.error()["id"], told.error()["exitCode"]) == (1, "FileFailed", 1)


def test_an_archive_with_nowhere_to_go(filled: Tool) -> None:
    result = shell(filled, "TOOL export - >&-")
    assert (result.code, result.stderr.splitlines()[0]) == (1, CLOSED)


@pytest.mark.parametrize("words", ["TOOL import - <&-", "TOOL validate files - <&-"])
def test_a_stdin_that_is_closed_is_told(bare: Tool, words: str) -> None:
    result = shell(bare, words)
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: stdin cannot be read: it is closed\n")


def test_a_stdin_that_nobody_reads_may_be_closed(bare: Tool) -> None:
    assert shell(bare, "TOOL validate files <&-").code == 0


@pytest.mark.parametrize("end", ["2>&-", "2>/dev/full"])
def test_what_is_said_beside_the_result_may_be_lost(filled: Tool, end: str) -> None:
    assert shell(filled, f"TOOL reset minimal --as-of {AS_OF} --debug {end}").code == 0
    assert "minimal" in shell(filled, f"TOOL status {end}").stdout
    assert shell(filled, f"TOOL reset nosuch {end}").code == 10
    assert shell(filled, f"TOOL status >&- {end}").code == 1
    assert shell(filled, "TOOL status <&- >&- 2>&-").code == 1


def test_nothing_that_is_printed_reaches_a_file_that_was_opened_since(bare: Tool) -> None:
    (bare.cwd / "own.json").write_text("[]")
    shell(bare, "TOOL validate files own.json --html page.html >&- 2>&-")
    assert Path(bare.cwd / "page.html").read_text().lower().startswith("<!doctype html>")


def test_a_reader_that_leaves_early_is_no_error(filled: Tool) -> None:
    result = shell(filled, "TOOL status --json | head -1; TOOL diff minimal --json | true; TOOL config | head -1")
    assert (result.code, result.stderr, result.stdout.splitlines()[0]) == (0, "", "{")
