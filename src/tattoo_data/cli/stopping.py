"""Stopping: an endless command that Ctrl-C or a container's stop ends in good order."""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


def ended_by_interrupt(function: Callable[..., int]) -> Callable[..., int]:
    """For an endless command that leaves nothing half done: Ctrl-C ends it well, also one that comes before it has
    begun, or the second within what is being done."""

    @functools.wraps(function)
    def wrapper(*arguments: Any, **options: Any) -> int:
        try:
            return function(*arguments, **options)
        except KeyboardInterrupt:
            return 0

    return wrapper


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
