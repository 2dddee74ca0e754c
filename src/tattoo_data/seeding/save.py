"""Save: artists of the live table, with what they refer to, as a scenario file of the user's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec

from tattoo_data.catalog.query import Query
from tattoo_data.catalog.selection import references, with_references
from tattoo_data.environment import Environment
from tattoo_data.errors import BadSetting, StoreMissing
from tattoo_data.files import write_file
from tattoo_data.model.project import record_from_item
from tattoo_data.model.records import Kind, Record
from tattoo_data.repository.manifests import check_name
from tattoo_data.seeding.seed import day_of
from tattoo_data.stores.base import scan


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveOptions:
    """`where` is a JMESPath expression over an artist; with `force`, a file that is there is replaced. Raises
    `BadSetting` for a name that is none."""

    name: str
    where: str
    path: Path
    force: bool = False

    def __post_init__(self) -> None:
        check_name(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """Where a scenario was saved, and how many records of which kind."""

    path: Path
    counts: Mapping[str, int]


def save_scenario(env: Environment, options: SaveOptions) -> Saved:
    """Read the table and write the artists that `where` selects, with their studios and styles. Dates are kept as
    they are. Raises `StoreMissing`, and `BadSetting` where nothing is selected or the file is there already."""
    query = Query(options.where, day_of(env), "--where")
    if options.path.exists() and not options.force:
        raise _bad("--file", str(options.path), "it is there already; --force replaces it")
    if env.stores.table.describe() is None:
        raise StoreMissing(store="table", name=env.target.table, endpoint=env.target.aws_endpoint)
    artists = query.select(record for record in _records(env) if record.kind is Kind.ARTIST)
    if not artists:
        raise _bad("--where", options.where, "no artist in the table is so")
    # What they refer to is read in a second pass: a large table is not held for the sake of a few studios.
    wanted = {reference for artist in artists for reference in references(artist)}
    known = {(record.kind, record.id): record for record in _records(env) if (record.kind, record.id) in wanted}
    held = with_references(artists, known)
    write_file(options.path, _encode(held))
    return Saved(path=options.path, counts=Counter(record.kind.plural for record in held))


def _records(env: Environment) -> Iterator[Record]:
    return (record for entry in scan(env.stores.table) if (record := record_from_item(entry.body)))


def _bad(name: str, value: str, reason: str) -> BadSetting:
    return BadSetting(name=name, value=value, source="the command line", reason=reason)


def _encode(records: list[Record]) -> bytes:
    content = {
        kind.plural: [dict(record.fields) for record in records if record.kind is kind] for kind in reversed(Kind)
    }
    encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_number)
    return msgspec.json.format(encoder.encode(content), indent=2) + b"\n"


def _number(value: object) -> object:
    if isinstance(value, msgspec.Raw | Decimal):
        return value
    raise TypeError(f"{value!r} is no JSON value")
