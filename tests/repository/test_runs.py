"""Runs: ids that sort, `run.json` written and read, and what cannot be read."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.clock import timestamp
from tattoo_data.model.entry import Blob
from tattoo_data.repository.runs import Found, Run, RunKind, Runs, RunStatus, new_run_id, run_moment, target_id
from tests.runs import Shelf, at, make_run

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
moments = st.integers(0, 10**15).map(lambda micro: NOW + timedelta(microseconds=micro))
whole = moments.map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
texts = st.text(st.characters(codec="utf-8"), max_size=8)
counts = st.dictionaries(
    st.sampled_from(["table", "index", "images"]),
    st.dictionaries(st.sampled_from(["created", "replaced", "deleted", "moved", "failed"]), st.integers(0, 10**9)),
)
runs = st.builds(
    Run,
    id=moments.map(lambda moment: new_run_id(at(moment))),
    command=texts,
    arguments=st.lists(texts, max_size=3).map(tuple),
    target=texts,
    status=st.sampled_from(list(RunStatus)),
    started_at=whole.map(timestamp),
    ended_at=st.none() | texts,
    as_of=st.none() | st.dates(),
    content=st.none() | texts,
    counts=counts,
    fingerprint_before=st.none() | texts,
    fingerprint_after=st.none() | texts,
    kind=st.sampled_from(list(RunKind)),
    of=st.none() | texts,
    undoable=st.booleans(),
    lock=st.none() | texts,
    restored=st.none() | whole,
)


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def document(shelf: Shelf, run_id: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(shelf.held[f"runs/{run_id}/run.json"][0].body)
    return fields


def store(shelf: Shelf, run_id: str, fields: Mapping[str, Any] | bytes) -> None:
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    shelf.put(f"runs/{run_id}/run.json", Blob(body, "application/json"))


def plain(run: Run) -> Run:
    """A run as it can be compared: read back, its arguments are a list."""
    return replace(run, arguments=tuple(run.arguments))


def test_an_id_says_when_and_who() -> None:
    assert new_run_id(at(NOW)) == "20261122T103000000Z-000000"
    assert run_moment("20261122T103000000Z-000000") == NOW


@pytest.mark.parametrize("name", ["", "run-1", "20261322T103000000Z-1a2b3c", "2026-11-22"])
def test_an_id_of_another_form_says_no_time(name: str) -> None:
    assert run_moment(name) is None
    assert new_run_id(at(NOW), name) == new_run_id(at(NOW))


@given(whole, whole, st.integers(0, 20))
def test_an_id_comes_after_the_newest_whatever_the_clock_says(newest: datetime, now: datetime, more: int) -> None:
    ids = [new_run_id(at(newest))]
    for _ in range(more):
        ids.append(new_run_id(at(now), ids[-1]))
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("micro", [1, 999])
def test_an_id_comes_after_one_of_the_same_millisecond(micro: int) -> None:
    newest = new_run_id(at(NOW))
    assert new_run_id(at(NOW + timedelta(microseconds=micro)), newest) > newest


def test_a_target_is_named_by_what_it_holds() -> None:
    assert target_id("r", "t", "i", "b") == target_id("r", "t", "i", "b")
    others = {target_id(*each) for each in [("x", "t", "i", "b"), ("r", "ti", "", "b"), ("r", "t", "ib", "")]}
    assert len(others | {target_id("r", "t", "i", "b")}) == 4


@given(runs)
def test_what_is_written_is_read(run: Run) -> None:
    shelf = Shelf()
    Runs(shelf).write(run)
    found = Runs(shelf).read(run.id)
    assert found is not None
    assert plain(found) == run


def test_a_run_that_is_read_equals_the_one_that_was_written(shelf: Shelf) -> None:
    Runs(shelf).write(make_run(1))
    assert Runs(shelf).read(make_run(1).id) == make_run(1)


def test_the_document_of_a_run(shelf: Shelf) -> None:
    run = make_run(1, as_of=date(2026, 11, 24), of="another", lock="token", counts={"table": {"created": 2}})
    Runs(shelf).write(run)
    wanted = {
        "format": 1,
        "id": run.id,
        "kind": "write",
        "of": "another",
        "command": "seed",
        "arguments": ["minimal"],
        "target": run.target,
        "status": "done",
        "startedAt": run.started_at,
        "endedAt": None,
        "asOf": "2026-11-24",
        "content": None,
        "counts": {"table": {"created": 2}},
        "fingerprintBefore": None,
        "fingerprintAfter": None,
        "undoable": True,
        "lock": "token",
    }
    found = document(shelf, run.id)
    assert {name: found[name] for name in wanted} == wanted  # fields are only ever added


def test_the_bucket_is_made_for_the_first_run() -> None:
    shelf = Shelf(there=False)
    assert Runs(shelf).ids() == []
    Runs(shelf).write(make_run(1))
    assert shelf.there
    assert Runs(shelf).ids() == [make_run(1).id]


def test_writing_again_replaces(shelf: Shelf) -> None:
    store_of = Runs(shelf)
    store_of.write(make_run(1, status="running"))
    store_of.write(make_run(1, status="done"))
    assert [run.status for run in map(store_of.read, store_of.ids()) if run] == ["done"]


def test_runs_of_one_target_come_the_newest_first(shelf: Shelf, pool: Executor) -> None:
    store_of = Runs(shelf)
    for number in (3, 1, 2):
        store_of.write(make_run(number))
    store_of.write(make_run(4, target="other"))
    shelf.put(f"runs/{make_run(9).id}/000001.jsonl.zst", Blob(b"left over", "application/zstd"))
    found = store_of.newest_first(make_run(1).target, pool).runs
    assert [run.id for run in found] == [make_run(number).id for number in (3, 2, 1)]
    assert len(store_of.ids()) == 4
    assert store_of.newest_first("nobody's", pool) == Found()


def test_a_run_of_before_there_was_undo_is_read(shelf: Shelf) -> None:
    run = make_run(1, as_of=date(2026, 11, 24))
    Runs(shelf).write(run)
    old = document(shelf, run.id)
    for name in ("kind", "of", "undoable", "lock", "content", "restored"):
        del old[name]
    store(shelf, run.id, old)
    found = Runs(shelf).read(run.id)
    assert found is not None
    assert (found.kind, found.of, found.undoable, found.lock, found.as_of) == ("write", None, False, None, run.as_of)


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"format": None}, {"format": "1"}, {"arguments": None, "counts": 3, "asOf": "yesterday"}],
)
def test_a_run_of_a_newer_tool_is_passed_over(shelf: Shelf, pool: Executor, change: Mapping[str, Any]) -> None:
    store_of = Runs(shelf)
    store_of.write(make_run(1))
    store_of.write(make_run(2))
    store(shelf, make_run(2).id, {**document(shelf, make_run(2).id), **change})
    assert store_of.read(make_run(2).id) is None
    assert [run.id for run in store_of.newest_first(make_run(1).target, pool).runs] == [make_run(1).id]


def test_a_field_that_is_not_known_yet_is_no_harm(shelf: Shelf) -> None:
    Runs(shelf).write(make_run(1))
    store(shelf, make_run(1).id, {**document(shelf, make_run(1).id), "mood": "good"})
    assert Runs(shelf).read(make_run(1).id) is not None


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'"run"', b"{}", b"\xff\xfe", b'{"format":1}'])
def test_what_is_no_run_is_none(shelf: Shelf, body: bytes) -> None:
    store(shelf, "broken", body)
    assert Runs(shelf).read("broken") is None
    assert Runs(shelf).read("missing") is None


@pytest.mark.parametrize(
    ("body", "target"),
    [
        *((body, None) for body in (b"", b"{", b"[]", b'{"format": 1}', b"\xff", b'"run"', b'{"target": 1}')),
        (b'{"format": 1, "target": "other"}', "other"),
    ],
)
def test_what_is_damaged_is_named_to_every_target_that_it_may_be_of(
    shelf: Shelf, pool: Executor, body: bytes, target: str | None
) -> None:
    store_of = Runs(shelf)
    store_of.write(make_run(1))
    shelf.put(f"runs/{make_run(2).id}/run.json", Blob(body, "application/json"))
    shelf.put("runs/notes/run.json", Blob(body, "application/json"))
    found = store_of.newest_first(make_run(1).target, pool)
    assert [run.id for run in found.runs] == [make_run(1).id]
    assert found.damaged == ((make_run(2).id,) if target is None else ())
    assert store_of.newest_first("other", pool) == Found(damaged=(make_run(2).id,))


def test_a_run_in_words() -> None:
    assert make_run(1).words == "seed minimal"
    assert make_run(1, command="undo", arguments=()).words == "undo"


def test_the_words_of_a_run_can_be_typed_again() -> None:
    words = make_run(1, arguments=("my scenarios/celts & co.json", "--only")).words
    assert shlex.split(words) == ["seed", "my scenarios/celts & co.json", "--only"]
