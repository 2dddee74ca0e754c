"""Watched: a target that cannot be opened is tried again, and what is kept of it and what it is called is looked up."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from tattoo_data.environment import Environment
from tattoo_data.errors import StackFailed, StoreUnreachable, TargetNotAllowed, TattooDataError
from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.requests import Recorder
from tattoo_data.monitoring.sample import Health
from tattoo_data.monitoring.watched import Watched
from tattoo_data.settings import Settings, resolve
from tattoo_data.stores.live import LiveStores
from tests.backups.stand import Stand, numbered, stand
from tests.monitoring.stand import Traced

DOWN = StoreUnreachable(service="opensearch", endpoint="http://x", reason="refused", variable="AWS_ENDPOINT_URL")


@dataclass
class Gateway:
    """Opens an environment, unless there is an error.."""

    env: Environment
    error: TattooDataError | None = None
    opened: int = 0
    closed: int = 0

    @contextmanager
    def open(self, recorder: Recorder) -> Iterator[Environment]:
        if self.error:
            raise self.error
        self.opened += 1
        traced = {name: Traced(self.env.stores[name], recorder) for name in StoreName}
        table, index, images = (traced[name] for name in StoreName)
        yield replace(self.env, stores=LiveStores(table=table, index=index, images=images), index=cast(Any, index))
        self.closed += 1

    def watched(self, settings: Settings) -> Watched:
        return Watched(settings, self.open, self.env.clock)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Stand]:
    """A target in memory that holds three artists."""
    with ThreadPoolExecutor(4) as pool:
        made = stand(tmp_path, pool)
        made.hold(numbered(3))
        yield made


def test_it_is_opened_once_and_closed(target: Stand) -> None:
    gateway = Gateway(target.env)
    with gateway.watched(target.env.settings) as watched:
        assert gateway.opened == 1
        assert watched.target == target.env.target.document()
        assert watched.check(False).stores[StoreName.TABLE].count == 3
        assert watched.check(True).light
    assert (gateway.opened, gateway.closed) == (1, 1)


def test_a_gateway_that_does_not_answer_is_tried_again_with_each_check(target: Stand, tmp_path: Path) -> None:
    gateway = Gateway(target.env, DOWN)
    settings = resolve({}, {"AWS_ENDPOINT_URL": "http://localhost:4566"}, tmp_path)
    with gateway.watched(settings) as watched:
        assert watched.target["awsEndpoint"] == "http://localhost:4566"
        assert watched.target["opensearchEndpoint"] is None
        for light in (False, True):
            found = watched.check(light)
            assert (found.health, found.light) == (Health.UNHEALTHY, light)
            assert {each.problems for each in found.stores.values()} == {(DOWN.message,)}
        with pytest.raises(StoreUnreachable):
            watched.kept()
        gateway.error = None
        assert watched.check(False).stores[StoreName.TABLE].count == 3
        assert watched.target == target.env.target.document()
    assert (gateway.opened, gateway.closed) == (1, 1)


@pytest.mark.parametrize("error", [StackFailed(reason="no"), TargetNotAllowed(host="x", reason="no")])
def test_what_no_waiting_mends_is_raised_at_once(target: Stand, error: TattooDataError) -> None:
    with pytest.raises(type(error)), Gateway(target.env, error).watched(target.env.settings):
        pass


def test_what_is_kept_is_of_this_target_the_newest_first_and_read_once(target: Stand, tmp_path: Path) -> None:
    target.take("one")
    target.snapshot("two")
    with ThreadPoolExecutor(2) as pool:
        other = stand(tmp_path, pool, vault=target.vault, table="another")
        other.hold(numbered(1))
        other.time.passes(60)
        other.take("theirs")
    with Gateway(target.env).watched(target.env.settings) as watched:
        kept = watched.kept()
        assert [(each.reference.partition("@")[0], each.kind) for each in kept] == [
            ("two", "snapshot"),
            ("one", "backup"),
        ]
        assert watched.kept() is kept, "nothing was read again"
        for number in range(6):
            target.take(f"more-{number}")
        assert [each.reference.partition("@")[0] for each in watched.kept()] == [f"more-{5 - n}" for n in range(5)]


def test_a_content_is_called_what_the_snapshot_is_that_it_equals(target: Stand) -> None:
    target.snapshot("mine")
    with Gateway(target.env).watched(target.env.settings) as watched:
        assert watched.check(False).state == "mine"
        assert watched.check(True).state is None
        target.hold(numbered(2))
        assert watched.check(False).state is None
