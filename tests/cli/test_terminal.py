"""A terminal: tables are drawn, progress is shown and leaves nothing behind, a question is asked."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time

import pytest

from tests.tool import AS_OF, PROGRAMS, Tool

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SPINNER = re.compile("[\u2800-\u28ff]")


def on_a_terminal(tool: Tool, *arguments: str, answer: str = "", **variables: str) -> tuple[int, str]:
    """Exit code, and what came to a terminal of 100 columns; `answer` is typed at the start."""
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [PROGRAMS / "tattoo-data", *arguments],
        env=tool.variables(TERM="xterm-256color", COLUMNS="100", **variables),
        cwd=tool.cwd,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    if answer:
        os.write(leader, answer.encode())
    said = b""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([leader], [], [], 0.1)[0]:
            try:
                part = os.read(leader, 65536)
            except OSError:  # the terminal is gone with the last who had it open
                break
            said += part
        elif child.poll() is not None:
            break
    os.close(leader)
    return child.wait(timeout=10), said.decode()


def lines(text: str) -> list[str]:
    """What stays on the screen, as far as this program moves on it: line ends, erased lines, a line up."""
    screen, row = [""], 0
    for part in re.split(r"(\r?\n|\x1b\[2K|\x1b\[1A)", _COLOUR.sub("", text)):
        if part in ("\n", "\r\n"):
            row += 1
            screen += [""] * (row - len(screen) + 1)
        elif part == "\x1b[1A":
            row = max(0, row - 1)
        elif part == "\x1b[2K":
            screen[row] = ""
        else:
            screen[row] += part
    return screen


def test_tables_are_drawn_and_progress_leaves_nothing_behind(tool: Tool) -> None:
    code, text = on_a_terminal(tool, "reset", "minimal", "--as-of", AS_OF)
    assert code == 0, text
    assert "─" in text
    assert _SPINNER.search(text), "progress was shown"
    assert [line for line in lines(text) if _SPINNER.search(line)] == []


@pytest.mark.parametrize("arguments", [("--quiet",), ("--json",)])
def test_no_progress_where_it_is_not_wanted(tool: Tool, arguments: tuple[str, ...]) -> None:
    code, text = on_a_terminal(tool, "reset", "minimal", *arguments)
    assert code == 0
    assert not _SPINNER.search(text)


def test_no_color_takes_the_colours_away(tool: Tool) -> None:
    tool.ok("reset", "minimal")
    _, coloured = on_a_terminal(tool, "status")
    _, plain = on_a_terminal(tool, "status", NO_COLOR="1")
    assert _COLOUR.search(coloured)
    assert not re.search(r"\x1b\[[0-9;]*3[1-7]m", plain)


def test_a_dumb_terminal_gets_plain_text(tool: Tool) -> None:
    done = subprocess.run(
        [PROGRAMS / "tattoo-data", "states"], env=tool.variables(TERM="dumb"), capture_output=True, check=True
    )
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize(("answer", "code", "cleared"), [("y\n", 0, True), ("n\n", 2, False)])
def test_a_question_is_asked_at_a_terminal(tool: Tool, answer: str, code: int, cleared: bool) -> None:
    tool.ok("reset", "minimal")
    ended, text = on_a_terminal(tool, "clear", "backups", answer=answer)
    assert "Go on?" in text
    assert ended == code
    assert ("0 B freed" in text) is cleared
    assert ("the answer was no" in text and "Nothing was changed." in text) is not cleared
