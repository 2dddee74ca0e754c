"""Recognise: every state and scenario by what it holds, and nothing that only looks like one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.backups.summary import Summary
from tattoo_data.catalog import Selection, load, resolve, scenarios, states
from tattoo_data.catalog.copies import copies
from tattoo_data.catalog.selection import of_records, union
from tattoo_data.environment import Environment
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import Sum, digest_canonical, state_fingerprint
from tattoo_data.model.records import Kind, Record
from tattoo_data.seeding.content import context_of, entries_of
from tattoo_data.seeding.reset import content_of
from tattoo_data.views.recognise import Content, equals, recognise
from tests.runs import desk

DAY = date(2026, 11, 24)
#: The first state of each content: `search-ready` may hold what `fresh` does.
STATES = [state for state in states() if state.source != "backup"]


@pytest.fixture
def env(tmp_path: Path) -> Iterator[Environment]:
    with ThreadPoolExecutor(2) as pool:
        yield desk(tmp_path, pool).env


def content(selection: Selection, **more: Any) -> Content:
    """What stores hold that hold just this selection."""
    totals = {name: Sum() for name in StoreName}
    for name, entry in entries_of(selection):
        totals[name].add(digest_canonical(entry.key, entry.body))
    found = Content(
        kinds={kind.plural: selection.counts.get(kind, 0) for kind in Kind},
        documents=totals[StoreName.INDEX].count,
        images=totals[StoreName.IMAGES].count,
        fingerprint=state_fingerprint({name: total.hex() for name, total in totals.items()}),
    )
    return replace(found, **more)


def selected(env: Environment, name: str, day: date = DAY) -> Selection:
    """What a state or scenario holds."""
    dataset = load(context_of(env, day))
    for state in STATES:
        if state.name == name:
            return content_of(state, dataset)[1]
    return resolve(name, dataset, env.settings.scenarios, env.settings.config_path)[1]


@pytest.mark.parametrize("name", [state.name for state in STATES])
def test_every_state_is_recognised(env: Environment, name: str) -> None:
    found = content(selected(env, name))
    same = [state.name for state in STATES if content(selected(env, state.name)) == found]
    assert recognise(env, found, DAY) == same[0]
    assert name in same


@pytest.mark.parametrize("name", [scenario.name for scenario in scenarios()])
def test_every_scenario_is_recognised_as_itself_or_as_the_state_that_it_is(env: Environment, name: str) -> None:
    found = content(selected(env, name))
    said = recognise(env, found, DAY)
    assert said is not None
    assert content(selected(env, said)) == found
    assert said == name or said in {state.name for state in STATES}


@pytest.mark.parametrize("count", [1, 2, 7])
def test_any_number_of_copies_is_the_performance_test(env: Environment, count: int) -> None:
    found = content(copies(load(context_of(env, DAY)), count))
    assert recognise(env, found, DAY) == "performance-test"


def test_nothing_at_all_is_clean(env: Environment) -> None:
    assert recognise(env, content(union(())), DAY) == "clean"


def test_the_day_counts(env: Environment) -> None:
    found = content(selected(env, "fresh"))
    assert recognise(env, found, date(2026, 11, 25)) is None
    assert recognise(env, content(selected(env, "fresh", date(2026, 11, 25))), date(2026, 11, 25)) == "fresh"


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "0" * 64},
        {"documents": 59},
        {"images": 0},
        {"kinds": {"artists": 60, "studios": 15, "styles": 18, "other": 1}},
        {"kinds": {}},
    ],
)
def test_what_differs_anywhere_is_none(env: Environment, change: dict[str, Any]) -> None:
    whole = content(selected(env, "fresh"))
    assert recognise(env, whole, DAY) == "fresh"
    assert recognise(env, replace(whole, **change), DAY) is None


def test_what_has_other_counts_is_not_computed(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    from tattoo_data.views import recognise as module

    monkeypatch.setattr(module, "_fingerprint", lambda selection: pytest.fail("there is no need to know it"))
    found = Content(kinds={"artists": 77}, documents=77, images=0, fingerprint="0" * 64)
    assert recognise(env, found, DAY) is None


def test_a_scenario_of_the_users_own_is_recognised_and_a_broken_one_is_no_harm(env: Environment) -> None:
    own = {
        "broken": {"description": "Broken", "where": "contains("},
        "gone": {"description": "Gone", "records": "nowhere.json"},
        "leith": {"description": "Leith", "where": "contains(locationDisplay, 'Leith')"},
    }
    env = replace(env, settings=replace(env.settings, scenarios=own))
    assert recognise(env, content(selected(env, "leith")), DAY) == "leith"
    assert recognise(env, content(selected(env, "fresh")), DAY) == "fresh"


def test_a_record_with_another_field_is_no_state(env: Environment) -> None:
    dataset = load(context_of(env, DAY))
    changed = [
        replace(each, fields={**each.fields, "bio": "changed"}) if each.kind is Kind.ARTIST else each
        for each in selected(env, "minimal").records()
    ]
    images: dict[str, Any] = {image.key: image for image in dataset.full().images}
    base = f"{env.settings.images_base_url}/{env.settings.image_bucket}/"
    found = content(of_records(changed, images, base))
    assert found.kinds == content(selected(env, "minimal")).kinds
    assert recognise(env, found, DAY) is None
    assert all(isinstance(each, Record) for each in changed)


# Of snapshots.


def summary(found: Content, name: str, day: date | None = DAY, **more: Any) -> Summary:
    counts = {StoreName.TABLE: 0, StoreName.INDEX: found.documents, StoreName.IMAGES: found.images}
    made = Summary(
        reference=f"{name}@1",
        name=name,
        kind="snapshot",
        created_at=datetime(2026, 11, 24, tzinfo=UTC),
        records={**found.kinds, "images": found.images},
        counts=counts,
        fingerprint=found.fingerprint,
        as_of=day,
    )
    return replace(made, **more)


def test_snapshots_that_are_a_state_are_named_by_their_fingerprint(env: Environment) -> None:
    fresh, minimal = content(selected(env, "fresh")), content(selected(env, "minimal"))
    other = replace(minimal, fingerprint="1" * 64)
    found = equals(env, [summary(fresh, "a"), summary(minimal, "b"), summary(other, "c"), summary(fresh, "d")])
    assert found == {fresh.fingerprint: "fresh", minimal.fingerprint: recognise(env, minimal, DAY)}


def test_a_snapshot_without_a_day_is_of_today(env: Environment) -> None:
    today = content(selected(env, "fresh", env.clock.today()))
    assert equals(env, [summary(today, "a", day=None)]) == {today.fingerprint: "fresh"}
    assert equals(env, [summary(today, "a", day=date(2020, 1, 1))]) == {}


def test_an_archive_or_a_damaged_one_is_asked_nothing(env: Environment) -> None:
    made = summary(content(union(())), "a", fingerprint=None)
    assert equals(env, [made, replace(made, kind="damaged"), replace(made, kind="node")]) == {}


def test_each_candidate_is_computed_once_for_all_of_them(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    from tattoo_data.views import recognise as module

    computed: list[Selection] = []
    compute = module._fingerprint

    def note(selection: Selection) -> str:
        computed.append(selection)
        return compute(selection)

    monkeypatch.setattr(module, "_fingerprint", note)
    fresh, clean = content(selected(env, "fresh")), content(union(()))
    others = [summary(replace(fresh, fingerprint=f"{number:064x}"), str(number)) for number in range(9)]
    assert equals(env, [*others, summary(fresh, "a"), summary(clean, "b"), summary(fresh, "c")]) == {
        fresh.fingerprint: "fresh",
        clean.fingerprint: "clean",
    }
    assert len(computed) == 2
