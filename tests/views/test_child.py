"""A command of the user's: its exit code, its environment, and the signals that reach it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tattoo_data.errors import CommandMissing, CommandNotRun
from tattoo_data.views.child import Signals, Stopped, run_command

VARIABLES = {"PATH": os.environ["PATH"], "TABLE": "tattoos"}


def run(*command: str, signals: Signals | None = None) -> int:
    return run_command(command, VARIABLES, signals or Signals())


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 0", 0),
        ("exit 7", 7),
        ("kill -KILL $$", 137),
        ("kill -TERM $$", 143),
        ("test $TABLE = tattoos", 0),
        ('test -z "$HOME"', 0),
    ],
)
def test_its_exit_code_and_environment(script: str, code: int) -> None:
    assert run("sh", "-c", script) == code


def test_a_command_that_does_not_exist_is_127_and_named() -> None:
    with pytest.raises(CommandMissing) as caught:
        run("no-such-command-at-all")
    assert caught.value.exit_code == 127
    assert str(caught.value) == "'no-such-command-at-all' could not be run: there is no such command"


def test_one_that_cannot_be_run_is_126(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    for path in (script, tmp_path):
        with pytest.raises(CommandNotRun) as caught:
            run(str(path))
        assert caught.value.exit_code == 126
        assert "Permission denied" in str(caught.value)


def test_stdin_and_stdout_are_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("sh", "-c", "echo hello") == 0
    assert capfd.readouterr().out == "hello\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_passed_on_and_the_command_ends_first(number: int) -> None:
    with Signals() as signals:
        signals.hold()
        code = run_command(tells_when_it_runs(number), VARIABLES, signals)
    assert code == 128 + number
    assert signals.came == [number]


def test_a_command_that_handles_the_signal_gives_its_own_code(tmp_path: Path) -> None:
    done = tmp_path / "done"
    script = f"trap 'echo x > {done}; exit 9' TERM; kill -TERM $PPID; while :; do :; done"
    with Signals() as signals:
        signals.hold()
        assert run_command(("sh", "-c", script), VARIABLES, signals) == 9
    assert done.exists()


def test_a_signal_that_came_before_keeps_it_from_being_started(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    with Signals() as signals:
        signals.hold()
        signal.raise_signal(signal.SIGTERM)
        assert run("touch", str(begun), signals=signals) == 143
    assert not begun.exists()


def test_one_that_comes_while_it_is_being_started_reaches_it() -> None:
    import subprocess

    with Signals() as signals:
        signals.hold()
        child = subprocess.Popen(["sleep", "60"])
        signal.raise_signal(signal.SIGTERM)
        signals.pass_on(child)
        assert child.wait() == -signal.SIGTERM


def test_a_signal_after_its_end_does_nothing() -> None:
    with Signals() as signals:
        signals.hold()
        assert run("true", signals=signals) == 0
        signal.raise_signal(signal.SIGTERM)
        assert signals.came == [signal.SIGTERM]


def test_only_the_first_signal_stops_and_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Signals() as signals:
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert signals.came == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            signal.raise_signal(signal.SIGHUP)
            assert signals.came == []
    finally:
        signal.signal(signal.SIGHUP, before)


def tells_when_it_runs(number: int) -> tuple[str, ...]:
    """A command that signals its parent, and then waits to be ended."""
    return (sys.executable, "-c", f"import os, signal; os.kill(os.getppid(), {number}); signal.pause()")


def test_a_second_signal_does_not_cut_what_the_first_one_ends() -> None:
    unwound: list[str] = []

    def cleans_up() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGTERM)
            unwound.append("all of it")

    with Signals() as signals, pytest.raises(Stopped) as stopped:
        cleans_up()
    assert (stopped.value.number, unwound, signals.came) == (signal.SIGINT, ["all of it"], [signal.SIGTERM])
