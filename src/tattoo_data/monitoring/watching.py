"""Watching: a target that can be checked, with what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from tattoo_data.clock import Clock
from tattoo_data.environment import Environment
from tattoo_data.monitoring.alert import Event
from tattoo_data.monitoring.check import PATIENCE
from tattoo_data.monitoring.ledger import Ledger
from tattoo_data.monitoring.remember import remembering
from tattoo_data.monitoring.sample import Sample
from tattoo_data.monitoring.watched import Watched
from tattoo_data.settings import Settings
from tattoo_data.stores.retrying import Patience
from tattoo_data.stores.wire import Trace


class Opening(Protocol):
    """Opens the environment of the settings, with a trace and a patience."""

    def __call__(self, *, trace: Trace, patience: Patience) -> AbstractContextManager[Environment]:
        """The environment; closed afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One check, and what it made of the alerts."""

    sample: Sample
    events: Sequence[Event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """A target, to be checked, and its ledger."""

    watched: Watched
    ledger: Ledger

    def check(self, *, light: bool = False) -> Checked:
        """One check, which names every artist that differs and is kept and judged."""
        sample = self.watched.check(light, name_all=True)
        return Checked(sample=sample, events=self.ledger.record(sample))


@contextmanager
def watching(
    settings: Settings, clock: Clock, opening: Opening, say: Callable[[str], None], *, aloud: bool = False
) -> Iterator[Watching]:
    """The target that the settings name. What happens goes to the sinks of the settings, and with `aloud` to `say` too,
    which also gets what went wrong with them.

    Raises what `remembering` and `Watched` raise.
    """
    with (
        remembering(settings, clock, say, aloud=aloud) as kept,
        Watched(settings, lambda recorder: opening(trace=recorder, patience=PATIENCE), clock) as watched,
    ):
        yield Watching(watched=watched, ledger=kept.ledger)
