"""Scratch: names of its own, removed whatever happens, and nothing else is ever removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data import guard
from tattoo_data.clock import Clock
from tattoo_data.environment import Environment
from tattoo_data.errors import StoreError, Unreachable, UsageError
from tattoo_data.model.entry import Blob, StoreName
from tattoo_data.selftest.mine import differences, look, require_any
from tattoo_data.selftest.scratch import (
    BUCKET_BYTES,
    INDEX_BYTES,
    TABLE_BYTES,
    Scratch,
    remove_left,
    scratch_settings,
    scratch_target,
)
from tattoo_data.settings import resolve
from tattoo_data.settings.parse import BUCKET, index_name, matching
from tattoo_data.stores.base import scan
from tattoo_data.stores.scratch import Left, Remover, is_scratch, scratch_name
from tattoo_data.testing.contract import make_entry
from tests.conftest import GetEngine
from tests.live import Application
from tests.selftest.conftest import opened
from tests.selftest.marks import Marks
from tests.stores.conftest import ACCESS
from tests.stub import Answer, stub
from tests.tool import TARGETS, database_of, target

TOKEN = "0123abcd"
TABLE = matching(r"[A-Za-z0-9_.-]{3,255}", "table name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A user's target, open, and the application's clients of it."""

    env: Environment
    live: Application
    marks: Marks

    def stores(self) -> set[str]:
        """Every table, index and bucket that bears the mark of a run beside this target."""
        return self.marks.now()


@pytest.fixture(params=["embedded", "real"])
def place(request: pytest.FixtureRequest, get_engine: GetEngine, tmp_path: Path) -> Iterator[Place]:
    """A target on every kind of engines."""
    variables = target(request.param, get_engine, tmp_path / "state")
    assert request.param in TARGETS
    with opened(variables, tmp_path) as env:
        live = Application(variables)
        yield Place(env=env, live=live, marks=Marks(live, variables["BACKUP_BUCKET"]))
        live.close()


def fill(scratch: Scratch, count: int = 40) -> None:
    """Make the scratch stores, with something in each."""
    for name in StoreName:
        store = scratch.env.stores[name]
        store.ensure()
        size = store.limits.entries
        entries = [make_entry(name, number) for number in range(count)]
        for start in range(0, count, size):
            store.put(entries[start : start + size])
        store.settle()


# Names.


@given(st.text(alphabet="abcxyz019-._", min_size=3, max_size=63), st.integers(0, 2**32 - 1))
def test_names_are_valid_marked_and_within_their_limits(name: str, number: int) -> None:
    token = f"{number:08x}"
    for limit, parse in ((TABLE_BYTES, TABLE), (BUCKET_BYTES, BUCKET), (INDEX_BYTES, index_name)):
        try:
            parse(name)
        except ValueError:
            continue
        made = scratch_name(name, token, limit)
        assert parse(made) == made
        assert len(made.encode()) <= limit
        assert is_scratch(made)
        assert not is_scratch(name)


def test_a_name_of_other_letters_is_cut_between_them() -> None:
    made = scratch_name("é" * 200, TOKEN, INDEX_BYTES)
    assert len(made.encode()) <= INDEX_BYTES
    assert made == "é" * 107 + f"-selftest-{TOKEN}"


@pytest.mark.parametrize(
    "name",
    ["artists", "a-selftest-", f"-selftest-{TOKEN}", f"a-selftest-{TOKEN}x", "a-selftest-0123ABCD", "a-selftest-1"],
)
def test_what_bears_no_mark(name: str) -> None:
    assert not is_scratch(name)


def test_two_long_names_that_are_one_when_cut_are_two(tmp_path: Path) -> None:
    buckets = {"IMAGE_BUCKET": f"{'x' * 50}-images", "BACKUP_BUCKET": f"{'x' * 50}-backups"}
    found = scratch_settings(resolve({}, buckets, tmp_path), TOKEN, Clock())
    assert found.image_bucket != found.backup_bucket
    for name in (found.image_bucket, found.backup_bucket, found.table, found.index):
        assert name.endswith(f"-selftest-{TOKEN}")
        assert len(name) <= BUCKET_BYTES
    assert found.as_of is not None


# Removing.


def test_nothing_is_sent_for_a_name_without_the_mark() -> None:
    class Door:
        index = "artists"

        def describe(self) -> None:
            raise AssertionError("something was asked")

    with stub(lambda asked: Answer()) as server:
        remover = Remover(guard.check(server.url), guard.check(server.url), ACCESS, Clock())
        for remove, name in (
            (remover.remove_table, "artists"),
            (remover.remove_bucket, "artists"),
            (remover.remove_index, Door()),
        ):
            with pytest.raises(UsageError, match="artists does not bear the mark"):
                remove(cast(Any, name))
        assert server.asked == []
        remover.close()


def test_an_index_of_somebody_elses_behind_the_name_stays() -> None:
    class Door:
        index = f"a-selftest-{TOKEN}"

        def describe(self) -> None: ...

        def concrete(self) -> list[str]:
            return ["artists"]

        def orphans(self) -> list[str]:
            return []

        def remove(self, name: str) -> None:
            raise AssertionError(f"{name} was removed")

    with stub(lambda asked: Answer()) as server:
        remover = Remover(guard.check(server.url), guard.check(server.url), ACCESS, Clock())
        with pytest.raises(UsageError, match="the index artists behind"):
            remover.remove_index(cast(Any, Door()))
        remover.close()


def test_what_stays_is_told_after_a_while() -> None:
    body = b'{"__type":"ResourceInUseException","message":"it is being made"}'
    times = iter(range(0, 10_000, 50))
    waits: list[float] = []
    clock = Clock(monotonic=lambda: float(next(times)), sleep=waits.append)
    with stub(lambda asked: Answer(status=400, body=body)) as server:
        remover = Remover(guard.check(server.url), guard.check(server.url), ACCESS, clock)
        with pytest.raises(StoreError, match="delete_table: it is still there"):
            remover.remove_table(f"a-selftest-{TOKEN}")
        remover.close()
    assert len(waits) == 2


def test_all_of_it_goes_and_nothing_else(place: Place) -> None:
    env = place.env
    for name in StoreName:
        env.stores[name].ensure()
        env.stores[name].put([make_entry(name, 1)])
        env.stores[name].settle()
    before = look(env)
    with scratch_target(env) as scratch:
        fill(scratch)
        mark = scratch.env.target.table.rpartition("-")[2]
        assert len(place.stores()) == 4
        assert all(name.endswith(mark) for name in place.stores())
        assert differences(before, look(env)) == []
    assert place.stores() == set()
    assert differences(before, look(env)) == []
    assert [entry.key for entry in scan(env.stores.table)] == [make_entry(StoreName.TABLE, 1).key]


def test_an_alias_and_what_was_built_for_it_go_too(place: Place) -> None:
    with scratch_target(place.env) as scratch:
        fill(scratch, 2)
        index = scratch.env.index
        built = index.build()
        index.publish(built.index, index.concrete())
        index.build()
        assert len(place.stores()) == 5
    assert place.stores() == set()


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_it_goes_whatever_happens(place: Place, error: BaseException) -> None:
    held: list[str] = []
    with pytest.raises(type(error)), scratch_target(place.env, hold=lambda: held.append("held")) as scratch:
        fill(scratch, 1)
        raise error
    assert place.stores() == set()
    assert held == ["held"]


def test_removing_is_idempotent_and_known_when_done(place: Place) -> None:
    with scratch_target(place.env) as scratch:
        fill(scratch, 1)
        assert not scratch.is_gone()
        scratch.remove()
        assert scratch.is_gone()
        scratch.remove()
    assert place.stores() == set()


def test_what_cannot_be_removed_is_said_masks_nothing_and_is_found_by_its_table(place: Place) -> None:
    said: list[str] = []
    mine = replace(place.env, say=said.append)
    place.env.stores.index.ensure()
    with pytest.raises(ValueError, match="the reason"), scratch_target(mine) as scratch:
        scratch.env.stores.images.ensure()
        place.live.opensearch.indices.put_alias(index=place.live.index, name=scratch.env.target.index)
        assert len(place.stores()) == 3
        raise ValueError("the reason")
    (note,) = said
    assert f"could not be removed: the index {place.live.index} behind" in note
    table = scratch.env.target.table
    assert place.stores() == {f"table {table}"}, "what fails keeps nothing else from going, but the table"
    place.live.opensearch.indices.delete_alias(index=place.live.index, name=scratch.env.target.index)
    remover = aged(place, 3601)
    assert len(remove_left(place.env, remover)) == 1
    assert place.stores() == set()
    remover.close()


def test_where_one_service_is_silent_nothing_of_the_others_is_left(place: Place) -> None:
    said: list[str] = []
    settings = replace(place.env.settings, opensearch_endpoint="http://127.0.0.1:9")
    mine = replace(place.env, settings=settings, say=said.append)
    with scratch_target(mine) as scratch:
        assert scratch.silent == {StoreName.INDEX}
        scratch.env.stores.images.ensure()
        assert len(place.stores()) == 3
    assert place.stores() == set()
    assert said == []


class Aged(Remover):
    """A remover to whom everything that was left is older than it is."""

    seconds = 0.0

    def left(self, name: str, limit: int) -> list[Left]:
        return [replace(each, age_seconds=each.age_seconds + self.seconds) for each in super().left(name, limit)]


def leave(place: Place, env: Environment | None = None) -> str:
    """What a killed run leaves; returns its token."""
    mine = env or place.env

    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    with pytest.raises(Killed), scratch_target(mine, hold=die) as scratch:
        fill(scratch, 3)
    return scratch.env.target.table.rpartition("-")[2]


def aged(place: Place, seconds: float) -> Aged:
    endpoints = (guard.check(place.env.target.aws_endpoint), guard.check(place.env.target.s3_endpoint))
    access = replace(ACCESS, access_key=database_of(place.env.target.table))
    remover = Aged(*endpoints, access, place.env.clock)
    remover.seconds = seconds
    return remover


def test_what_a_killed_run_left_goes_after_an_hour(place: Place) -> None:
    token = leave(place)
    assert len(place.stores()) == 4
    young, old = aged(place, 3500), aged(place, 3601)
    assert remove_left(place.env, young) == []
    assert len(place.stores()) == 4
    with scratch_target(place.env):
        assert len(place.stores()) == 6, "the next run leaves what is young"
    assert remove_left(place.env, old) == [token]
    assert place.stores() == set()
    young.close()
    old.close()


def test_what_a_run_left_whose_index_had_another_name_goes_by_that(place: Place) -> None:
    settings = replace(place.env.settings, index=f"{place.env.target.index}-other")
    token = leave(place, replace(place.env, settings=settings))
    assert f"index {settings.index}-selftest-{token}" in place.stores()
    remover = aged(place, 3601)
    assert remove_left(place.env, remover) == [token]
    assert place.stores() == set()
    remover.close()


def test_what_was_left_at_another_service_is_left_to_its_next_run(place: Place) -> None:
    token = leave(place)
    bucket = f"{place.env.target.backup_bucket}-selftest-{token}"
    about = place.live.s3.get_object(Bucket=bucket, Key="selftest.json")["Body"].read()
    remover = aged(place, 3601)
    elsewhere = about.replace(place.env.target.opensearch_endpoint.encode(), b"http://elsewhere:1", 1)
    place.live.s3.put_object(Bucket=bucket, Key="selftest.json", Body=elsewhere)
    assert remove_left(place.env, remover) == []
    assert len(place.stores()) == 4
    place.live.s3.put_object(Bucket=bucket, Key="selftest.json", Body=b"{")
    assert remove_left(place.env, remover) == [token]
    assert place.stores() == set()
    remover.close()


def test_the_age_is_by_the_services_clock(place: Place) -> None:
    with scratch_target(place.env) as scratch:
        (left,) = scratch.remover.left(place.env.settings.table, TABLE_BYTES)
        assert left.token == scratch.env.target.table.rpartition("-")[2]
        assert -2 <= left.age_seconds < 60
        assert scratch.remover.left("other-table", TABLE_BYTES) == []


# What is the user's.


def test_a_look_tells_every_change(place: Place) -> None:
    env = place.env
    looks = [look(env)]
    assert set(looks[0].values()) == {"not there"}
    for name in StoreName:
        env.stores[name].ensure()
    env.repository.create()
    looks.append(look(env))
    for name in StoreName:
        env.stores[name].put([make_entry(name, 1)])
        env.stores[name].settle()
        looks.append(look(env))
    env.repository.put("locks/x.json", Blob(b"{}", "application/json"))
    assert differences(looks[-1], look(env)) == [], "a lock is no data"
    env.repository.put("runs/x/run.json", Blob(b"{}", "application/json"))
    looks.append(look(env))
    told = [differences(one, other) for one, other in pairwise(looks)]
    assert [len(each) for each in told] == [4, 1, 1, 1, 1]
    assert told[1][0].startswith("table was: 0 entries")


def test_where_nobody_answers_at_all_that_is_raised(tmp_path: Path, mine: Environment) -> None:
    nobody = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "OPENSEARCH_ENDPOINT": "http://127.0.0.1:9"}
    with opened(nobody, tmp_path) as env:
        with pytest.raises(Unreachable):
            require_any(env)
        assert set(look(env).values()) == {"not read: StoreUnreachable"}
    with opened({**nobody, "AWS_ENDPOINT_URL": mine.target.aws_endpoint}, tmp_path) as env:
        require_any(env)
