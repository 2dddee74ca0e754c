"""Prove: after seeding, a scenario's promises and the application's own searches, asked of the live stores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tattoo_data.catalog import Dataset, Scenario, Selection, broken_promises, search_answers
from tattoo_data.engine.scan import OTHER, kind_of_item
from tattoo_data.environment import Environment
from tattoo_data.model.keys import record_key
from tattoo_data.model.project import record_from_item
from tattoo_data.model.records import Kind, Record

_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How many promises and searches were asked, and what was not as it should be, in words."""

    searches: int
    records: int
    broken: tuple[str, ...]


def prove(env: Environment, scenarios: Iterable[Scenario], selection: Selection, dataset: Dataset) -> Proof:
    """Read the scenario's records from the table and ask the index the scenario's searches. Read-only."""
    live = _live_records(env, selection)
    artists = [record.id for record in live if record.kind is Kind.ARTIST]
    broken: list[str] = []
    asked = 0
    several = list(scenarios)
    for scenario in several:
        # Of a union, each scenario's promises hold for its own part, which the union does not tell apart.
        broken += broken_promises(scenario, live, dataset) if len(several) == 1 else []
        for words, body, wanted in search_answers(
            scenario, artists if len(several) == 1 else (), dataset.context.as_of
        ):
            asked += 1
            hits = env.index.search(body)["hits"]["hits"]
            missing = wanted - {hit["_id"] for hit in hits}
            if missing:
                broken.append(f"the search {words!r} does not find {', '.join(sorted(missing))}")
    return Proof(searches=asked, records=len(live), broken=tuple(broken))


def _live_records(env: Environment, selection: Selection) -> list[Record]:
    keys = [record_key(record.kind, record.id) for record in selection.records()]
    parts = [keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH)]
    found = (entry for entries in env.pool.map(env.stores.table.get, parts) for entry in entries)
    records = (record_from_item(entry.body) for entry in found if kind_of_item(entry.key) != OTHER)
    return [record for record in records if record is not None]
