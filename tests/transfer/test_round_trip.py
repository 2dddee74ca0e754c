"""Export and import again through files: whatever stores hold, they hold again, in equal canonical bytes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tattoo_data.engine.plan import Desired, Wanted
from tattoo_data.engine.spool import PLACES
from tattoo_data.errors import IntegrityFailed, NotFound
from tattoo_data.model.canonical import canonical_item
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.model.keys import item_key
from tattoo_data.runs.session import WriteOptions
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry
from tattoo_data.transfer.export import ExportOptions, export, export_stream
from tattoo_data.transfer.import_files import ImportOptions, import_contents
from tattoo_data.transfer.read import content_of, open_files, read_contents
from tests.formats.test_elasticdump_writer import texts, values
from tests.formats.test_image_writer import ODD
from tests.model.strategies import items
from tests.runs import Desk, desk
from tests.transfer import Pictures

TABLE, INDEX, IMAGES = StoreName

documents = st.dictionaries(
    texts.filter(lambda text: 0 < len(text.encode()) < 512),
    st.tuples(st.none() | texts.filter(bool), st.dictionaries(texts, values)),
    max_size=8,
)
pictures = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20) | st.sampled_from(ODD),
    st.binary(max_size=20),
    max_size=6,
)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


def filled(name: StoreName, entries: list[Entry]) -> MemoryStore:
    store = MemoryStore(name)
    store.ensure()
    store.put(entries)
    return store


def numbered(content: list[Any]) -> list[Entry]:
    """Items that differ in their keys at least."""
    found = []
    for number, item in enumerate(content):
        key = item_key(f"OTHER#{number} é", "x")
        found.append(Entry(key, json.dumps({**item, **json.loads(key)}).encode()))
    return found


def content(desk: Desk) -> dict[StoreName, dict[str, tuple[bytes, str | None]]]:
    """Digest and routing of all that stores hold."""
    return {
        store.name: {
            entry.key: (digest(store.name, entry), entry.routing)
            for segment in range(1)
            for entry in _all(store, segment)
        }
        for store in desk.env.stores
    }


def _all(store: Any, segment: int) -> list[Entry]:
    found, cursor = [], None
    while True:
        page = store.page(segment, 1, cursor)
        found += page.entries
        cursor = page.next
        if cursor is None:
            return found


@given(st.lists(items, max_size=8), documents, pictures)
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_what_was_exported_is_imported(
    tmp_path_factory: pytest.TempPathFactory, pool: ThreadPoolExecutor, found: list[Any], docs: Any, images: Any
) -> None:
    root = tmp_path_factory.mktemp("trip")
    source = desk(
        root,
        pool,
        {
            "table": filled(TABLE, numbered(found)),
            "index": filled(INDEX, [Entry(key, json.dumps(doc).encode(), at) for key, (at, doc) in docs.items()]),
            "images": Pictures(images),
        },
    )
    path = export(source.env, ExportOptions(folder=root / "x", stores=list(StoreName))).path
    target = desk(root, pool)
    opened = open_files(path)
    contents = read_contents(opened)
    assert contents.rejected == []
    import_contents(target.env, contents, ImportOptions(path=str(path), write=WriteOptions(undo=False)))
    assert content(target) == content(source)


def test_a_stream_is_read_as_the_directory_is(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    source = desk(
        tmp_path,
        pool,
        {name.value: filled(name, [make_entry(name, number) for number in range(30)]) for name in (TABLE, INDEX)},
    )
    stream = io.BytesIO()
    export_stream(source.env, [TABLE, INDEX], stream)
    stream.seek(0)
    opened = open_files(Path("-"), stream)
    try:
        target = desk(tmp_path, pool)
        contents = read_contents(opened)
        import_contents(target.env, contents, ImportOptions(path="-", write=WriteOptions(undo=False)))
    finally:
        opened.close()
    assert content(target) == content(source)


def test_the_content_of_files_is_a_desired_state_in_canonical_bytes(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    entries = [make_entry(TABLE, number) for number in range(30)]
    source = desk(tmp_path, pool, {"table": filled(TABLE, entries), "index": filled(INDEX, [])})
    path = export(source.env, ExportOptions(folder=tmp_path / "x")).path
    with closing(open_files(path)) as files:
        desired = content_of(source.env, files)
        assert isinstance(desired, Desired)
        assert (set(desired.stores), desired.prune, desired.canonical) == ({TABLE, INDEX}, True, True)
        assert desired.wanted is not None
        spools = desired.wanted({}, desired.stores)
        found: list[Wanted] = [each for number in range(PLACES) for each in spools[TABLE].part(number)]
    assert {each.key: (each.body, each.digest) for each in found} == {
        entry.key: (canonical_item(entry.body), digest(TABLE, entry)) for entry in entries
    }
    with pytest.raises(NotFound):
        open_files(tmp_path / "nowhere")
    (tmp_path / "bad.json").write_text('{"_index":"a","_id":"a","_source":{}}\n{"_id":"a","_source":[]}\n')
    with (
        closing(open_files(tmp_path / "bad.json")) as files,
        pytest.raises(IntegrityFailed, match=r"bad\.json, line 2"),
    ):
        content_of(source.env, files)
