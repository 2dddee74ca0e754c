"""Status: the version of the data's schema, and the migrations that have something to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tattoo_data.errors import StoreUnreachable
from tattoo_data.migrations.load import load_steps
from tattoo_data.migrations.overview import overview
from tattoo_data.model.canonical import canonical_object
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.stores.base import NOT_ROUTED, Description, Routing
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.views.status import Status, status
from tests.migrations.stand import Stand, artist, stand
from tests.views.test_sides import Bucket

STEPS = load_steps()
NAMES = tuple(step.id for step in STEPS)
OWN = 'VERSION = "1.5.0"\nWRITES = ("example",)\n\n\ndef up(record, context):\n    return {EXPRESSION}\n'


class Gone(MemoryStore):
    """A store that does not answer any more when something is read."""

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        raise StoreUnreachable(service="s3", endpoint="x", reason="gone", variable="X")


class Silent(MemoryStore):
    def describe(self) -> Description | None:
        raise StoreUnreachable(service="dynamodb", endpoint="x", reason="gone", variable="X")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Stand]:
    with ThreadPoolExecutor(2) as pool:
        yield stand(tmp_path, pool, Bucket())


def told(place: Stand) -> tuple[str | None, tuple[str, ...] | None, tuple[str, ...]]:
    found = status(place.env)
    return found.schema_version, found.pending_migrations, found.notes


def own(place: Stand, expression: str) -> None:
    """A step of the project."""
    folder = place.env.settings.migrations
    folder.mkdir(exist_ok=True)
    (folder / "own.py").write_text(OWN.replace("{EXPRESSION}", expression))


def test_it_goes_by_the_data(place: Stand) -> None:
    place.fill(*(artist(number, locationDisplay="leith - EDINBURGH") for number in range(25)))
    pending = tuple(name for name in NAMES if name != "add-missing-fields")
    assert told(place) == ("1.1.0", pending, ())
    for number, step in enumerate(STEPS[1:], 1):
        place.migrate(step)
        assert told(place) == (step.version, NAMES[number + 1 :], ())
    place.edit(24, "socialMedia", "reviewCount")
    assert told(place) == ("1.0.0", ("add-missing-fields", "add-social-media"), ())
    look = overview(place.env, STEPS)
    assert told(place)[:2] == (look.schema_version, look.pending)


def test_where_there_is_nothing_there_is_no_version(place: Stand) -> None:
    assert told(place) == (None, None, ())
    place.table.ensure()
    assert told(place) == (None, (), ())


def test_a_table_that_cannot_be_reached_is_told_as_ever(place: Stand) -> None:
    silent = replace(place.env, stores=replace(place.env.stores, table=Silent(StoreName.TABLE)))
    found = status(silent)
    assert (found.schema_version, found.pending_migrations, found.notes) == (None, None, ())
    assert isinstance(found.unreachable, StoreUnreachable)


def test_own_migrations_count(place: Stand) -> None:
    place.fill(artist(1))
    for step in STEPS:
        place.migrate(step)
    own(place, "{**record, 'example': 1}")
    assert told(place) == ("1.4.0", ("own",), ())
    place.migrate(load_steps(place.env.settings.migrations)[-1])
    assert told(place) == ("1.5.0", (), ())


@pytest.mark.parametrize(
    "expression", ["1 / 0", "None", "{**record, 'example': 1.5}", "{**record, 'bio': 'x'}", "{**record, 'rating': 9}"]
)
def test_a_migration_that_fails_is_pending(place: Stand, expression: str) -> None:
    place.fill(artist(1))
    own(place, expression)
    assert told(place)[1:] == ((*NAMES[2:], "own"), ())


@pytest.mark.parametrize("text", ["def up(", "raise SystemExit(3)\n", 'VERSION = "1.2.0"\nWRITES = ()\nup = print\n'])
def test_a_file_that_is_no_migration_is_a_note(place: Stand, text: str) -> None:
    place.fill(artist(1))
    before = status(place.env)
    folder = place.env.settings.migrations
    folder.mkdir()
    (folder / "own.py").write_text(text)
    found = status(place.env)
    assert (found.schema_version, found.pending_migrations) == (None, None)
    assert ["own.py" in note and note.startswith("the migrations that are pending") for note in found.notes] == [True]
    assert _without_schema(found) == _without_schema(before)


def test_images_that_cannot_be_read_are_a_note(place: Stand) -> None:
    place.fill(artist(1))
    gone = Gone(StoreName.IMAGES)
    gone.ensure()
    gone.put([Entry("a.png", canonical_object("0" * 32, 1))])
    found = status(replace(place.env, stores=replace(place.env.stores, images=gone)))
    assert (found.schema_version, found.pending_migrations, found.unreachable) == (None, None, None)
    assert ["does not answer" in note for note in found.notes] == [True]


def _without_schema(found: Status) -> Status:
    return replace(found, schema_version=None, pending_migrations=None, notes=())
