"""The dump that is written, read by a reader that knows elasticdump's shapes alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tattoo_data.formats.elasticdump_writer import IndexDump, write_structure
from tattoo_data.model.entry import Entry
from tests.transfer.plain_reader import read_dump, read_structure

INDEX = "artists-local"
texts = st.text(st.characters(codec="utf-8"), max_size=12)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
documents = st.dictionaries(texts.filter(bool), st.tuples(st.none() | texts, st.dictionaries(texts, values)))


def write(root: Path, entries: list[Entry]) -> None:
    dump = IndexDump(root, INDEX)
    with dump.file:
        dump.add(entries)


@given(documents)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_document_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, tuple[str | None, Any]]
) -> None:
    root = tmp_path_factory.mktemp("dump")
    write(root, [Entry(key, json.dumps(source).encode(), routing) for key, (routing, source) in content.items()])
    hits = read_dump(root, INDEX)
    assert {key: (hit.get("_routing"), hit["_source"]) for key, hit in hits.items()} == content


def test_a_line_is_the_bytes_of_the_wire(tmp_path: Path) -> None:
    write(tmp_path, [Entry("a", b'{"n":4.50,"big":123456789012345678901234567890}', "r"), Entry("b", b"{}")])
    assert (tmp_path / "opensearch" / "artists-local.json").read_bytes() == (
        b'{"_index":"artists-local","_id":"a","_score":1,"_routing":"r","_source":'
        b'{"n":4.50,"big":123456789012345678901234567890}}\n'
        b'{"_index":"artists-local","_id":"b","_score":1,"_source":{}}\n'
    )


def test_what_an_engine_prints_prettily_is_a_line_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, [Entry("a", b'{\n  "text" : "x\\ny",\n  "n" : 4.50\n}')])
    assert b'"_source":{"text":"x\\ny","n":4.50}}' in (tmp_path / "opensearch" / "artists-local.json").read_bytes()


def test_an_empty_index_is_an_empty_file(tmp_path: Path) -> None:
    write(tmp_path, [])
    assert read_dump(tmp_path, INDEX) == {}


def test_structure_has_the_shapes_that_elasticdump_loads(tmp_path: Path) -> None:
    structure: dict[str, Any] = {
        "mappings": {"dynamic": "false", "properties": {"artistId": {"type": "keyword"}}},
        "settings": {"index": {"number_of_shards": "1", "analysis": {"analyzer": {"x": {"type": "stop"}}}}},
        "aliases": {"artists": {"filter": {"term": {"styles": "realism"}}}, INDEX: {}},
    }
    write_structure(tmp_path, INDEX, structure)
    found = read_structure(tmp_path, INDEX)
    assert found["mapping"] == {INDEX: {"mappings": structure["mappings"]}}
    assert found["settings"] == found["analyzer"] == {INDEX: {"settings": structure["settings"]}}
    # Its own name as an alias is how a built index is reached; no index can have that.
    assert found["alias"] == {INDEX: {"aliases": {"artists": structure["aliases"]["artists"]}}}


@pytest.mark.parametrize("aliases", [{}, {INDEX: {}}])
def test_no_alias_is_an_empty_object(tmp_path: Path, aliases: Any) -> None:
    write_structure(tmp_path, INDEX, {"aliases": aliases})
    assert (tmp_path / "opensearch" / "artists-local.alias.json").read_bytes() == b'"{}"\n'
