"""Lookup: scenarios and states by name, ours and a user's own, and the union `A+B`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tattoo_data.catalog.dataset_files import Dataset
from tattoo_data.catalog.own import own_scenarios, read_records, scenario_from_path
from tattoo_data.catalog.scenario import Scenario, State, all_states, scenarios
from tattoo_data.catalog.selection import Selection, of_records, union, with_references
from tattoo_data.errors import BadSetting, UnknownName, UsageError
from tattoo_data.model.records import Kind, Record


def states() -> tuple[State, ...]:
    """The reset states."""
    return all_states()


def find_state(name: str) -> State:
    """A reset state by name. Raises `UnknownName`."""
    found = {state.name: state for state in all_states()}
    if name not in found:
        raise UnknownName(kind="reset state", name=name, known=found)
    return found[name]


def scenario_names(own: Mapping[str, Any], config: Path | None) -> dict[str, Scenario]:
    """Every scenario by name: ours, then those that a settings file declares. Raises `BadSetting`."""
    found = {scenario.name: scenario for scenario in scenarios()}
    for scenario in own_scenarios(own, config):
        _require_free(scenario.name, found, config)
        found[scenario.name] = scenario
    return found


def tried_scenarios(
    own: Mapping[str, Any], config: Path | None, dataset: Dataset
) -> tuple[list[Scenario], dict[str, UsageError]]:
    """Every scenario that can be seeded from this dataset, and what is wrong with each other one that a settings file
    declares, by name."""
    found = {scenario.name: scenario for scenario in scenarios()}
    broken: dict[str, UsageError] = {}
    for name, fields in own.items() if isinstance(own, Mapping) else [("scenarios", None)]:
        try:
            (scenario,) = own_scenarios(own if fields is None else {name: fields}, config)
            _require_free(name, found, config)
            select(scenario, dataset)
        except UsageError as error:
            broken[name] = error
        else:
            found[name] = scenario
    return list(found.values()), broken


def _require_free(name: str, taken: Mapping[str, Scenario], config: Path | None) -> None:
    if name in taken:
        raise BadSetting(
            name=f"scenarios.{name}", value=name, source=f"file {config}", reason="a built-in scenario has this name"
        )


def resolve(
    expression: str, dataset: Dataset, own: Mapping[str, Any], config: Path | None
) -> tuple[list[Scenario], Selection]:
    """The scenarios that `A+B` names and the union of what they hold. A part that is a path is a file or folder of
    the user's. Raises `UnknownName`, `BadSetting` and `BadRecord`."""
    named = find_scenarios(expression, own, config)
    return named, union(select(scenario, dataset) for scenario in named)


def find_scenarios(expression: str, own: Mapping[str, Any], config: Path | None) -> list[Scenario]:
    """The scenarios that `A+B` names. Raises `UnknownName` and `BadSetting`."""
    known = scenario_names(own, config)
    return [_find(name, known) for name in expression.split("+")]


def select(scenario: Scenario, dataset: Dataset) -> Selection:
    """What a scenario holds: its artists with the studios, styles and images they refer to, and nothing else."""
    if scenario.records is not None:
        given = read_records(Path(scenario.records), dataset)
        return _own_selection(given, dataset)
    artists = _artists(scenario, dataset)
    if not artists and scenario.where:
        raise BadSetting(
            name=f"scenarios.{scenario.name}",
            value=scenario.where,
            source=scenario.origin,
            reason="no artist of the catalogue is so",
        )
    return dataset.selection(artists)


def _find(name: str, known: Mapping[str, Scenario]) -> Scenario:
    if name in known:
        return known[name]
    if "/" in name or name.endswith((".json", ".toml")):
        return scenario_from_path(Path(name))
    raise UnknownName(kind="scenario", name=name, known=known)


def _artists(scenario: Scenario, dataset: Dataset) -> list[Record]:
    if scenario.where is not None:
        from tattoo_data.catalog.query import Query

        return Query(scenario.where, dataset.context.as_of, scenario.origin).select(dataset.artists)
    wanted = set(scenario.artists)
    return [artist for artist in dataset.artists if artist.id in wanted]


def _own_selection(given: Iterable[Record], dataset: Dataset) -> Selection:
    """A user's records, with what they refer to taken from the catalogue where they do not hold it."""
    own = {(record.kind, record.id): record for record in given}
    known = {**dataset.records, **own}
    artists = [record for record in own.values() if record.kind is Kind.ARTIST]
    held = {(record.kind, record.id): record for record in with_references(artists, known)} | own
    return of_records(held.values(), dataset.images, dataset.context.image_base)
