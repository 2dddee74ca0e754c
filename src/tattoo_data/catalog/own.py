"""Users' own scenarios: a query or records, in `tattoo-data.toml` or in files of their own.

    [scenarios.my-case]
    description = "Artists of Leith"
    where = "contains(locationDisplay, 'Leith')"      # a JMESPath expression over the catalogue's artists
    records = "fixtures/my-case"                       # or: a folder of artists.json, studios.json, styles.json,
                                                       # or one JSON file of an object with these three arrays

Every record is checked before anything is written; the first that is broken is named with file, record and field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tattoo_data.catalog.dataset_files import decode
from tattoo_data.catalog.days import resolve_value
from tattoo_data.catalog.scenario import Scenario
from tattoo_data.catalog.selection import references
from tattoo_data.errors import BadRecord, BadSetting
from tattoo_data.model.records import Kind, Record

if TYPE_CHECKING:
    from tattoo_data.catalog.dataset_files import Dataset

_KEYS = {"description", "use_case", "where", "records", "promise"}


def own_scenarios(tables: Mapping[str, Any], config: Path | None) -> Iterator[Scenario]:
    """The scenarios that a settings file declares. Raises `BadSetting` for one that is not a query or records."""
    if not isinstance(tables, Mapping):
        raise BadSetting(name="scenarios", value=tables, source=f"file {config}", reason="it is no table of scenarios")
    for name, fields in tables.items():
        yield _declared(name, fields, config)


def scenario_from_path(path: Path) -> Scenario:
    """A scenario that is named by its file or folder. Raises `BadSetting` where there is none."""
    if not path.exists():
        raise BadSetting(name="scenario", value=str(path), source="the command line", reason="there is no such file")
    if path.suffix == ".toml":
        return _from_toml(path)
    return Scenario(name=path.stem, description=f"the records of {path}", records=str(path), origin=str(path))


def read_records(path: Path, dataset: Dataset) -> list[Record]:
    """The records of a file or folder, checked. Raises `BadRecord` naming the first that is broken."""
    records: dict[tuple[Kind, str], Record] = {}
    for source, kind, number, fields in _raw_records(path):
        record = _checked(source, kind, number, fields, dataset)
        if (kind, record.id) in records:
            raise BadRecord(source=source, record=record.id, field=kind.id_field, reason="another record has this id")
        records[kind, record.id] = record
    if not records:
        raise BadSetting(name="records", value=str(path), source=str(path), reason="it holds no record")
    _check_references(path, records, dataset)
    return list(records.values())


def _declared(name: str, fields: Any, config: Path | None) -> Scenario:
    source = f"file {config} [scenarios.{name}]"
    if not isinstance(fields, Mapping):
        raise BadSetting(name=f"scenarios.{name}", value=fields, source=source, reason="it is no table")
    for key, value in fields.items():
        if key not in _KEYS or not isinstance(value, str):
            raise BadSetting(
                name=f"scenarios.{name}.{key}",
                value=value,
                source=source,
                reason=f"a scenario has the texts {', '.join(sorted(_KEYS))}",
            )
    if ("where" in fields) == ("records" in fields):
        raise BadSetting(
            name=f"scenarios.{name}", value=name, source=source, reason="it needs `where` or `records`, and not both"
        )
    folder = config.parent if config else Path()
    return Scenario(
        name=name,
        description=fields.get("description", ""),
        use_case=fields.get("use_case", ""),
        where=fields.get("where"),
        records=str(folder / fields["records"]) if "records" in fields else None,
        origin=source,
    )


def _from_toml(path: Path) -> Scenario:
    import tomllib

    try:
        tables = tomllib.loads(path.read_text("utf-8")).get("scenarios", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadSetting(name="scenario", value=str(path), source=str(path), reason=str(error)) from None
    found = list(own_scenarios(tables, path))
    if len(found) != 1:
        raise BadSetting(
            name="scenario", value=str(path), source=str(path), reason=f"it declares {len(found)} scenarios, not one"
        )
    return found[0]


def _raw_records(path: Path) -> Iterator[tuple[str, Kind, int, Any]]:
    """File, kind, position and fields of each record."""
    if path.is_dir():
        for kind in Kind:
            file = path / f"{kind.plural}.json"
            if file.exists():
                yield from _array(file, kind, _json(file))
        return
    content = _json(path)
    if isinstance(content, Mapping):
        for kind in Kind:
            yield from _array(path, kind, content.get(kind.plural, []))
    else:
        yield from _array(path, Kind.ARTIST, content)


def _array(path: Path, kind: Kind, content: Any) -> Iterator[tuple[str, Kind, int, Any]]:
    if not isinstance(content, list):
        raise BadSetting(name="records", value=str(path), source=str(path), reason=f"{kind.plural} is no array")
    for number, fields in enumerate(content):
        yield str(path), kind, number, fields


def _json(path: Path) -> Any:
    try:
        return decode(path.read_bytes())
    except (msgspec.DecodeError, OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise BadSetting(
            name="records", value=str(path), source=str(path), reason=f"it cannot be read: {why}"
        ) from None


def _checked(source: str, kind: Kind, number: int, fields: Any, dataset: Dataset) -> Record:
    from tattoo_data.model.entities import problems

    if not isinstance(fields, dict):
        raise BadRecord(source=source, record=f"{kind.plural}[{number}]", field="(all)", reason="it is no object")
    name = fields.get(kind.id_field) or f"{kind.plural}[{number}]"
    try:
        resolved = resolve_value(fields, dataset.context.as_of, dataset.context.image_base)
    except ValueError as error:
        raise BadRecord(source=source, record=name, field="(dates)", reason=str(error)) from None
    assert isinstance(resolved, dict)
    if found := problems(kind, resolved):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise BadRecord(source=source, record=name, field=found[0].field, reason=found[0].reason + more)
    return Record(kind=kind, fields=resolved)


def _check_references(path: Path, records: Mapping[tuple[Kind, str], Record], dataset: Dataset) -> None:
    for record in records.values():
        if record.kind is not Kind.ARTIST:
            continue
        for kind, name in references(record):
            if (kind, name) not in records and (kind, name) not in dataset.records:
                field = "studioInfo.studioId" if kind is Kind.STUDIO else "styles"
                raise BadRecord(source=str(path), record=record.id, field=field, reason=f"no {kind} is called {name!r}")
