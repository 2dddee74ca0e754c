"""Child: a command of the user's, run to its end, and the signals that are meant for it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from types import FrameType, TracebackType
from typing import Any

from tattoo_data.errors import CommandMissing, CommandNotRun

#: What ends a command from outside; a terminal sends the first and the last to every process in its foreground.
_TAKEN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: What a shell adds to the number of the signal that killed a command.
KILLED = 128


class Stopped(KeyboardInterrupt):
    """A signal came before the command ran."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    @property
    def exit_code(self) -> int:
        """As a shell has it."""
        return KILLED + self.number


class Signals:
    """Ctrl-C, SIGTERM and a hang-up, while a block lasts. The first stops what is done before the command runs; while
    it runs they are for the command; and nothing stops the putting back."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self._stops = True
        self._child: subprocess.Popen[bytes] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        # What is ignored, as by nohup, stays so.
        taken = [number for number in _TAKEN if signal.getsignal(number) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._take) for number in taken}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def hold(self) -> None:
        """From now on nothing stops what is done."""
        self._stops = False

    def pass_on(self, child: subprocess.Popen[bytes]) -> None:
        """Give signals to a command, those too that came while it was being started."""
        self._child = child
        for number in self.came:
            child.send_signal(number)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._stops:
            self._stops = False  # what is undone now is not to be stopped by a second one
            raise Stopped(number)
        self.came.append(number)
        if self._child is not None and not (number == signal.SIGINT and _in_foreground()):
            self._child.send_signal(number)


def run_command(command: Sequence[str], variables: Mapping[str, str], signals: Signals) -> int:
    """Run a command to its end with these environment variables. Returns its exit code: 128 and the number for the one
    that a signal killed. Raises `CommandMissing` and `CommandNotRun`."""
    if signals.came:
        return KILLED + signals.came[0]
    try:
        child = subprocess.Popen(command, env=variables)
    except FileNotFoundError as error:
        raise CommandMissing(command=command[0]) from error
    except OSError as error:
        raise CommandNotRun(command=command[0], reason=error.strerror or str(error)) from error
    signals.pass_on(child)
    code = child.wait()
    return code if code >= 0 else KILLED - code


def _in_foreground() -> bool:
    """Whether this process is in the foreground of a terminal: Ctrl-C there reaches the command by itself, too."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
