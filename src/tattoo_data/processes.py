"""Processes: whether one that was noted still runs. The system gives an id again, so its start is noted beside it."""

from __future__ import annotations

import os
from pathlib import Path

#: A start is known as seconds after the boot, whose own time two processes may round differently by one.
_SAME_START = 3.0


def boot_id() -> str | None:
    """What tells this run of the system from the one before, where it has a name: on Linux. Read-only."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return None


def start_of(pid: int) -> float:
    """When a process started, by what a corrected clock does not move: on Linux that is the time since the boot.
    Read-only; raises psutil.Error where it cannot be known."""
    import psutil

    boot = psutil.boot_time() if psutil.LINUX else 0.0
    return round(psutil.Process(pid).create_time() - boot, 3)


def is_running(pid: int, started: float) -> bool | None:
    """Whether the process that `start_of` said this of still runs, since the same boot; None where it is hidden from
    this user. Read-only."""
    import psutil

    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    try:
        zombie = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        return not zombie and abs(start_of(pid) - started) <= _SAME_START
    except psutil.ZombieProcess:
        return False
    except psutil.Error:
        return None
