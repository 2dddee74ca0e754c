"""elasticdump itself: it loads what we write into a real OpenSearch, and we read what it dumps from there."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.catalog import Context, load
from tattoo_data.formats.detect import open_source
from tattoo_data.formats.elasticdump_writer import IndexDump, write_structure
from tattoo_data.model.canonical import canonical_document
from tattoo_data.model.entry import Entry
from tattoo_data.model.project import document_of, item_of
from tattoo_data.model.structure import INDEX_MAPPING
from tests.conftest import GetEngine
from tests.engines import install
from tests.engines.install import EngineMissing
from tests.formats.builders import compact

#: By its default options it rounds long numbers and says nothing. With these it dumps each as it is; when it loads a
#: file, it keeps long integers of the fields that are named here, and rounds long fractions all the same.
EXACT = ("--support-big-int", "--big-int-fields=big")
#: Written by its application, and not by elasticdump.
EXACT_SOURCE = b'{"big":98765432109876543210,"fraction":0.1234567890123456789,"text":"98765432109876543210","e":1E+400}'
STRUCTURE = {
    "mappings": INDEX_MAPPING,
    "settings": {"index": {"number_of_shards": "1", "number_of_replicas": "0"}},
    "aliases": {},
}
Run = Callable[..., None]


@pytest.fixture(scope="module")
def programs() -> Path:
    """The folder of its programs; skipped, or failed in CI, where they cannot be had."""
    try:
        return install.elasticdump()
    except EngineMissing as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"elasticdump must run in CI: {error}", pytrace=False)
        pytest.skip(f"elasticdump cannot run here: {error}")


@pytest.fixture(scope="module")
def url(get_engine: GetEngine) -> str:
    return get_engine("opensearch-3").url


@pytest.fixture(scope="module")
def run(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    home = tmp_path_factory.mktemp("home")

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=120)
        said = done.stdout + done.stderr
        assert done.returncode == 0 and "Error Emitted" not in said and "ended with error" not in said, said

    return run


@pytest.fixture
def index(url: str) -> Iterator[str]:
    """The name of an index that nobody else has."""
    yield from an_index(url)


@pytest.fixture(scope="module")
def loaded(run: Run, url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of an index that elasticdump has filled from what we write."""
    for name in an_index(url):
        load_all(run, url, write(tmp_path_factory.mktemp("written"), name, documents()), name, *EXACT)
        yield name


@pytest.fixture
def dumped(tmp_path: Path) -> Path:
    folder = tmp_path / "dumped"
    folder.mkdir()
    return folder


def an_index(url: str) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    ask(url, f"/{name}", method="DELETE")


def ask(url: str, path: str, content: bytes | None = None, method: str | None = None) -> Any:
    request = urllib.request.Request(url + path, content, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def documents() -> list[Entry]:
    """Those of the dataset, one of what is lost easily, and one that is routed."""
    context = Context(as_of=date(2026, 11, 22), images_base_url="http://localhost:4566", image_bucket="images")
    artists = (document_of(item_of(record)) for record in load(context).artists)
    strange = (
        b'{"artistId":"strange","bio":"a\xe2\x80\xa8b\xe2\x80\xa9c\\u0001\\"\\\\","big":12345678901234567890123456789,'
        b'"nothing":null,"list":[[],{}]}'
    )
    routed = Entry("routed", b'{"artistId":"routed"}', "elsewhere")
    return [*filter(None, artists), Entry("strange", strange), routed]


def write(root: Path, index: str, entries: list[Entry]) -> Path:
    """What we write; its folder."""
    with (dump := IndexDump(root, index)).file:
        dump.add(entries)
    write_structure(root, index, STRUCTURE)
    return root / "opensearch"


def load_all(run: Run, url: str, folder: Path, index: str, *options: str) -> None:
    """What elasticdump's own guide says: settings, mapping, data, alias."""
    for kind, file in (("settings", ".settings"), ("mapping", ".mapping"), ("data", ""), ("alias", ".alias")):
        source, target = f"--input={folder}/{index}{file}.json", f"--output={url}/{index}"
        run("elasticdump", source, target, f"--type={kind}", *options)
    ask(url, f"/{index}/_refresh", method="POST")


def as_read(path: Path) -> dict[str, tuple[bytes, str | None]]:
    found = list(open_source(path).read())
    assert [each.problem for each in found if each.problem] == []
    return {each.entry.key: (each.entry.body, each.entry.routing) for each in found if each.entry}


def as_written(entries: list[Entry]) -> dict[str, tuple[bytes, str | None]]:
    return {each.key: (canonical_document(each.body), each.routing) for each in entries}


def test_what_we_write_it_loads(url: str, loaded: str) -> None:
    entries = documents()
    assert ask(url, f"/{loaded}/_count")["count"] == len(entries) > 50
    query = compact({"query": {"term": {"artistId": entries[0].key}}})
    assert [hit["_id"] for hit in ask(url, f"/{loaded}/_search", query)["hits"]["hits"]] == [entries[0].key]
    mapping = ask(url, f"/{loaded}/_mapping")[loaded]["mappings"]
    assert mapping["properties"]["artistId"]["type"] == "keyword" and mapping["dynamic"] == "false"


@pytest.mark.parametrize("packed", [False, True])
def test_what_it_dumps_we_read(run: Run, url: str, loaded: str, dumped: Path, packed: bool) -> None:
    options = ["--fsCompress"] if packed else []
    for kind in ("data", "mapping", "settings", "analyzer", "alias"):
        run("elasticdump", f"--input={url}/{loaded}", f"--output={dumped}/{kind}", f"--type={kind}", *EXACT, *options)
    assert as_read(dumped) == as_read(dumped / "data") == as_written(documents())


def test_split_files_are_read_as_one(run: Run, url: str, loaded: str, dumped: Path) -> None:
    run("elasticdump", f"--input={url}/{loaded}", f"--output={dumped}/{loaded}.json", "--maxRows=20", *EXACT)
    assert len(list(dumped.iterdir())) > 2
    assert as_read(dumped) == as_written(documents())


def test_what_multielasticdump_dumps_we_read(run: Run, url: str, loaded: str, dumped: Path) -> None:
    template = {"index_patterns": ["nothing-*"], "mappings": {"properties": {"a": {"type": "keyword"}}}}
    ask(url, f"/_template/{loaded}", compact(template), "PUT")
    options = ("--direction=dump", f"--match=^{loaded}$", f"--input={url}", f"--output={dumped}", *EXACT)
    run("multielasticdump", *options, "--includeType=data,mapping,settings,analyzer,alias,template")
    ask(url, f"/_template/{loaded}", method="DELETE")
    kinds = ("", ".alias", ".analyzer", ".mapping", ".settings", ".template")
    assert {path.name for path in dumped.iterdir()} == {f"{loaded}{kind}.json" for kind in kinds}
    assert as_read(dumped) == as_written(documents())


def test_numbers_that_an_application_wrote_keep_their_digits(run: Run, url: str, index: str, dumped: Path) -> None:
    ask(url, f"/{index}", compact({"mappings": {"dynamic": False}}), "PUT")
    ask(url, f"/{index}/_doc/exact?refresh=true", EXACT_SOURCE, "PUT")
    run("elasticdump", f"--input={url}/{index}", f"--output={dumped}/data.json", *EXACT)
    assert as_read(dumped) == {"exact": (canonical_document(EXACT_SOURCE), None)}


def test_an_index_without_documents_is_read(run: Run, url: str, index: str, dumped: Path, tmp_path: Path) -> None:
    load_all(run, url, write(tmp_path, index, []), index)
    for kind in ("data", "mapping", "settings"):
        run("elasticdump", f"--input={url}/{index}", f"--output={dumped}/{kind}.json", f"--type={kind}")
    assert as_read(dumped) == {}
