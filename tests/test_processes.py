"""Processes: one that was noted is known again, whatever happens to the clock and to its id."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from tattoo_data.processes import boot_id, is_running, start_of


def test_a_process_that_runs_is_known_again() -> None:
    assert is_running(os.getpid(), start_of(os.getpid()))
    assert boot_id() == boot_id()


def test_another_that_got_its_id_is_not_it() -> None:
    assert is_running(os.getpid(), start_of(os.getpid()) - 60) is False


@pytest.mark.parametrize("reaped", [True, False])
def test_one_that_has_ended_is_gone(reaped: bool) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1)
    started = start_of(process.pid)
    process.kill()
    if reaped:
        process.wait()
    # A killed process is a zombie only a moment later.
    assert any(is_running(process.pid, started) is False for _ in range(10_000))
    process.communicate()


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere the system keeps the time of the start")
def test_a_corrected_clock_moves_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    started = start_of(os.getpid())
    correct_clock(monkeypatch, 100.0)
    assert start_of(os.getpid()) == started
    assert is_running(os.getpid(), started)


def correct_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """As psutil tells it on Linux: the boot moves with the clock, and with it when every process was created."""
    boot, created = psutil.boot_time, psutil.Process.create_time
    monkeypatch.setattr(psutil, "boot_time", lambda: boot() + seconds)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: created(self) + seconds)
