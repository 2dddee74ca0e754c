"""Watching: a check is kept and judged, with the patience of checks, and what is opened is closed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tattoo_data.environment import Environment
from tattoo_data.monitoring.alert import Change
from tattoo_data.monitoring.check import PATIENCE
from tattoo_data.monitoring.watching import watching
from tattoo_data.stores.retrying import Patience
from tests.backups.stand import State, numbered, stand
from tests.backups.vault import BEGUN


def test_a_check_is_kept_and_judged_and_names_every_artist(tmp_path: Path) -> None:
    opened: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        target = stand(tmp_path, pool)
        target.hold(State(items=numbered(150).items))
        settings = replace(target.env.settings, home=tmp_path)

        @contextmanager
        def opening(*, trace: Any, patience: Patience) -> Iterator[Environment]:
            assert patience is PATIENCE
            opened.append("opened")
            yield target.env
            opened.append("closed")

        said: list[str] = []
        with watching(settings, target.env.clock, opening, said.append, aloud=True) as place:
            checked = place.check()
            assert len(checked.sample.consistency.differences) == 150
            (event,) = checked.events
            assert (event.change, event.alert.cause) == (Change.OPENED, "consistency.differing")
            assert place.ledger.alerts() == [event.alert]
            assert any(event.alert.message in each for each in said)
            assert place.check(light=True).sample.light
            assert [(each.checks, each.light) for each in place.ledger.history(BEGUN)] == [(1, 0), (1, 1)]
        assert opened == ["opened", "closed"]
