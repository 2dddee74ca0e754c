"""Fingerprints: vectors that never change, and the laws of the sum."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import Sum, digest, state_fingerprint, store_fingerprint

GOLDEN = Path(__file__).parents[1] / "golden" / "fingerprints.json"
digests = st.binary(min_size=32, max_size=32)


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(GOLDEN.read_text("utf-8"))
    return read


@pytest.mark.parametrize("store", list(StoreName))
def test_the_vectors_of_a_store(vectors: dict[str, Any], store: StoreName) -> None:
    known = vectors["stores"][store.value]
    entries = [Entry(each["key"], each["body"].encode()) for each in known["entries"]]
    assert [digest(store, entry).hex() for entry in entries] == [each["digest"] for each in known["entries"]]
    assert store_fingerprint(store, entries) == known["fingerprint"]
    assert store_fingerprint(store, reversed(entries)) == known["fingerprint"]


def test_the_vectors_of_a_state(vectors: dict[str, Any]) -> None:
    sums = {store: vectors["stores"][store.value]["fingerprint"] for store in StoreName}
    assert state_fingerprint(sums) == vectors["state"]
    assert state_fingerprint(dict.fromkeys(StoreName, vectors["empty"])) == vectors["emptyState"]


def test_a_digest_written_out_by_hand() -> None:
    key = '{"PK":{"S":"A#1"},"SK":{"S":"METADATA"}}'
    canonical = b'{"PK":{"S":"A#1"},"SK":{"S":"METADATA"},"n":{"N":"4.5"}}'
    body = b'{"n":{"N":"4.50"},"SK":{"S":"METADATA"},"PK":{"S":"A#1"}}'
    by_hand = hashlib.sha256(len(key).to_bytes(8, "big") + key.encode() + canonical).digest()
    assert digest(StoreName.TABLE, Entry(key, body)) == by_hand


def test_a_state_written_out_by_hand() -> None:
    text = "state-v1\n" + "0" * 63 + "1\n" + "0" * 63 + "2\n" + "0" * 63 + "3\n"
    sums = {store: f"{number:064x}" for number, store in enumerate(StoreName, 1)}
    assert state_fingerprint(sums) == hashlib.sha256(text.encode()).hexdigest()


@given(st.lists(digests), st.randoms())
def test_the_order_does_not_matter(members: list[bytes], random: Any) -> None:
    one, other = Sum(), Sum()
    for member in members:
        one.add(member)
    random.shuffle(members)
    for member in members:
        other.add(member)
    assert one == other
    assert one.hex() == other.hex()


@given(st.lists(digests, min_size=1), st.lists(digests))
def test_what_is_counted_out_was_never_in(stay: list[bytes], leave: list[bytes]) -> None:
    total, only = Sum(), Sum()
    for member in stay:
        total.add(member)
        only.add(member)
    for member in leave:
        total.add(member)
    for member in leave:
        total.remove(member)
    assert total == only
    assert total.count == len(stay)


@given(st.lists(digests), st.lists(digests))
def test_parts_join_to_the_whole(first: list[bytes], second: list[bytes]) -> None:
    whole, one, other = Sum(), Sum(), Sum()
    for member in first:
        whole.add(member)
        one.add(member)
    for member in second:
        whole.add(member)
        other.add(member)
    one.join(other)
    assert one == whole


def test_the_same_entry_twice_is_not_none_at_all() -> None:
    total = Sum()
    for _ in range(2):
        total.add(b"\xff" * 32)
    assert total.hex() != Sum().hex()
    assert len(total.hex()) == 64
