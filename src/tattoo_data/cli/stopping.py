"""Stopping: an endless command that Ctrl-C or a container's stop ends in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM set `stop`; a second one interrupts even what is being done."""

    def set_or_interrupt(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        # The thread that is interrupted may be within `stop`, whose lock it would wait for itself.
        threading.Thread(target=stop.set).start()

    before = {number: signal.signal(number, set_or_interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
