"""Trial: a step is proven on a copy, of which nothing is left, and the live stores are not touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tattoo_data.engine.scan import read_all
from tattoo_data.environment import Environment
from tattoo_data.errors import StepBroken
from tattoo_data.migrations.load import find_step, load_steps
from tattoo_data.migrations.step import Fields
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import item_key, record_of
from tattoo_data.model.records import Kind
from tattoo_data.seeding.reset import ResetOptions, reset
from tattoo_data.selftest.trial import Trial, try_step
from tattoo_data.stores.base import scan
from tests.conftest import GetEngine
from tests.live import Application
from tests.migrations.stand import setting, step_of
from tests.selftest.conftest import opened
from tests.selftest.marks import Marks
from tests.tool import target

STEPS = load_steps()
PAINT = setting("example", "painted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A user's target, open, and what bears the mark of a trial beside it."""

    env: Environment
    marks: Marks

    def state(self) -> dict[StoreName, str]:
        """What the user's stores hold."""
        return {name: each.total.hex() for name, each in read_all(self.env.stores, self.env.pool, keep=False).items()}


@pytest.fixture(params=["embedded", "real", "real-2"])
def place(request: pytest.FixtureRequest, get_engine: GetEngine, tmp_path: Path) -> Iterator[Place]:
    variables = target(request.param, get_engine, tmp_path / "state")
    with opened(variables, tmp_path) as env:
        live = Application(variables)
        yield Place(env=env, marks=Marks(live, variables["BACKUP_BUCKET"]))
        live.close()


def tried(place: Place, step: str, limit: int = 1_000) -> Trial:
    return try_step(place.env, find_step(STEPS, step), STEPS, limit)


def test_the_shipped_steps_keep_what_they_promise_on_live_data(place: Place) -> None:
    reset(place.env, ResetOptions(state="fresh"))
    before, runs = place.state(), place.env.runs.ids()
    for name, changed in (("add-missing-fields", 36), ("update-portfolio-structure", 60)):
        trial = tried(place, name)
        assert (trial.records, trial.changed, trial.broken) == (93, changed, ())
    assert tried(place, "add-social-media", 5).records == 5
    assert (place.state(), place.env.runs.ids(), place.marks.now()) == (before, runs, set())


def test_where_nothing_is_there_the_catalogue_is_tried(place: Place) -> None:
    trial = tried(place, "add-social-media")
    assert (trial.records, trial.changed, trial.broken) == (93, 60, ())
    assert all(place.env.stores[name].describe() is None for name in StoreName)
    assert place.marks.now() == set()


def test_what_is_wrong_with_a_step_is_told_and_nothing_is_left(place: Place) -> None:
    reset(place.env, ResetOptions(state="minimal"))
    other = Entry(item_key("AUDIT#1", "x"), json.dumps({"PK": {"S": "AUDIT#1"}, "SK": {"S": "x"}}).encode())
    place.env.stores.table.put([other])
    before = place.state()
    artists = [record for item in scan(place.env.stores.table) if (record := record_of(item.key))]
    chosen = next(record.id for record in artists if record.kind is Kind.ARTIST)
    count = [0]

    def touchy(record: Fields) -> Fields:
        assert record["artistId"] != chosen, "no colour"
        return {**record, "example": 1}

    def wavering(record: Fields) -> Fields:
        count[0] += 1
        return {**record, "example": count[0] > 6}

    failing = step_of(touchy, ("example",))
    trial = try_step(place.env, failing, [failing], 1_000)
    first, *others = trial.broken
    assert (trial.records, trial.changed, others) == (12, 2, [])
    assert chosen in first and "it raises AssertionError: no colour" in first
    restless = step_of(wavering, ("example",))
    trial = try_step(place.env, restless, [restless], 1_000)
    assert "a second time it has something to do again" in trial.broken
    unstable = step_of(lambda record: {**record, "example": record.get("example", 0) + 1}, ("example",))
    with pytest.raises(StepBroken, match="not idempotent"):
        try_step(place.env, unstable, [unstable], 1_000)
    assert (place.state(), place.marks.now()) == (before, set())


def test_a_later_step_of_the_same_field_is_in_nobodys_way(place: Place) -> None:
    later = replace(PAINT, id="later", version="3.0.0")
    assert try_step(place.env, PAINT, [PAINT, later], 20).broken == ()
