"""Contents: which packs are read for what live stores hold, and that all of those are whole before any is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.backups.catalogue import NodeArchive, find
from tattoo_data.backups.contents import _Shape, content_of
from tattoo_data.engine.plan import gather
from tattoo_data.engine.scan import Held, Live, read_all
from tattoo_data.engine.spool import Spool
from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import Sum, digest_canonical
from tattoo_data.repository.manifests import Manifest
from tattoo_data.repository.packs import Pack, hash_of, split, split_place
from tests.backups.stand import Stand, State, numbered
from tests.model.strategies import texts

TABLE, INDEX, IMAGES = StoreName


def pack(prefix: str, digests: Sequence[bytes] = ()) -> Pack:
    total = Sum()
    for each in digests:
        total.add(each)
    return Pack(prefix=prefix, name=prefix, bytes=1, stored=1, count=len(digests), fingerprint=total.hex())


def bits(key: str) -> str:
    return f"{int.from_bytes(hash_of(key), 'big'):0256b}"


def packs_of(keys: Sequence[str], limit: int) -> dict[str, list[str]]:
    """Prefix -> keys, of packs that hold `limit` keys at most."""
    sizes = [sum(hash_of(key)[0] == place for key in keys) for place in range(256)]
    found: dict[str, list[str]] = {}
    for prefix, places in split(sizes, limit):
        hashed = [(hash_of(key), key, 1) for key in keys if hash_of(key)[0] in places]
        found |= dict(split_place(prefix, hashed, limit))
    return found


@given(st.sets(texts, max_size=60), st.integers(1, 5), st.sets(texts, max_size=20), st.randoms())
def test_the_pack_of_a_key_is_that_whose_prefix_its_hash_has(
    keys: set[str], limit: int, others: set[str], random: Any
) -> None:
    packs = [pack(prefix) for prefix in packs_of(sorted(keys), limit)]
    random.shuffle(packs)
    shape = _Shape(packs)
    for key in keys | others:
        naive = [each for each in packs if bits(key).startswith(each.prefix)]
        assert shape.pack_of(key) == (naive[0] if naive else None)
        assert naive or key not in keys


def test_many_keys_in_small_packs_are_all_found() -> None:
    keys = [f"artist-{number}" for number in range(3_000)]
    found = packs_of(keys, 3)
    assert max(map(len, found)) > 12
    shape = _Shape([pack(prefix) for prefix in found])
    for prefix, held in found.items():
        assert {each.prefix for key in held if (each := shape.pack_of(key))} == {prefix}


def test_no_packs_hold_no_key() -> None:
    assert _Shape([]).pack_of("a") is None


def live_of(content: dict[str, bytes]) -> Live:
    held = Spool(Held, INDEX)
    held.add(Held(key, digest) for key, digest in content.items())
    return Live(store=INDEX, description=None, held=held)


contents = st.dictionaries(texts, st.sampled_from([b"a", b"b"]), max_size=30).map(
    lambda content: {key: digest_canonical(key, body) for key, body in content.items()}
)


@given(contents, contents, st.integers(1, 4))
def test_a_pack_matches_if_and_only_if_live_holds_just_its_entries(
    wanted: dict[str, bytes], there: dict[str, bytes], limit: int
) -> None:
    found = packs_of(sorted(wanted), limit)
    shape = _Shape([pack(prefix, [wanted[key] for key in keys]) for prefix, keys in found.items()])

    def within(content: dict[str, bytes], prefix: str) -> dict[str, bytes]:
        return {key: digest for key, digest in content.items() if bits(key).startswith(prefix)}

    expected = {prefix for prefix in found if within(wanted, prefix) == within(there, prefix)}
    assert shape.matched(live_of(there)) == expected


# What is read of a snapshot.


@pytest.fixture
def manifest(here: Stand) -> Manifest:
    here.hold(numbered(60))
    here.snapshot("all")
    snapshot = find(here.env, "all")
    assert not isinstance(snapshot, NodeArchive)
    here.vault.asked.clear()
    return snapshot.manifest


def test_all_of_it_as_entries(here: Stand, manifest: Manifest) -> None:
    desired = content_of(here.env, manifest)
    assert (list(desired.stores), desired.prune, desired.canonical) == ([TABLE, INDEX, IMAGES], True, True)
    spools = gather(desired)
    live = read_all(here.env.stores, here.env.pool)
    for store in StoreName:
        keys = {each.key: each.digest for part in spools[store].parts() for each in part}
        assert keys == {held.key: held.digest for part in live[store].held.parts() for held in part}


def test_where_live_holds_it_all_no_pack_is_read(here: Stand, manifest: Manifest) -> None:
    desired = content_of(here.env, manifest)
    assert desired.wanted is not None
    spools = desired.wanted(read_all(here.env.stores, here.env.pool), desired.stores)
    assert here.vault.asked["get packs"] == here.vault.asked["get objects"] == 0
    assert {store: spool.count for store, spool in spools.items()} == {TABLE: 60, INDEX: 60, IMAGES: 6}
    assert all(each.body == b"" for spool in spools.values() for part in spool.parts() for each in part)


def test_only_the_stores_that_are_asked_for_are_read(here: Stand, manifest: Manifest) -> None:
    here.hold(State())
    desired = content_of(here.env, manifest)
    assert desired.wanted is not None
    assert set(desired.wanted(read_all(here.env.stores, here.env.pool), [INDEX])) == {INDEX}
    assert (here.vault.asked["get packs"], here.vault.asked["get objects"]) == (1, 0)


def test_the_body_of_an_image_is_checked_where_it_will_be_written(here: Stand, manifest: Manifest) -> None:
    here.gallery.take_down("pictures/0.png")
    desired = content_of(here.env, manifest)
    assert desired.wanted is not None
    assert desired.blobs is not None
    desired.wanted(read_all(here.env.stores, here.env.pool), [IMAGES])
    assert here.vault.asked["get objects"] == 1
    assert desired.blobs("pictures/0.png") == here.gallery.blobs["pictures/0.png"]
    assert here.vault.asked["get objects"] == 1, "what was checked a moment ago is not read again"
    (body,) = [key for key in here.vault.under("objects/") if here.vault.held[key][0].body == b"Ada 0"]
    here.vault.place(body, b"Ada 1")
    with pytest.raises(
        IntegrityFailed, match=f"{body} in the backup bucket cannot be used: its bytes have another hash"
    ):
        desired.wanted(read_all(here.env.stores, here.env.pool), [IMAGES])


def test_a_pack_that_does_not_hold_what_the_manifest_says_is_named(here: Stand, manifest: Manifest) -> None:
    """Its bytes are those of its name; whoever wrote the manifest was wrong."""
    here.hold(State())
    about = manifest.stores[TABLE]
    wrong = [replace(each, fingerprint="0" * 64) for each in about.packs]
    lying = replace(manifest, stores={**manifest.stores, TABLE: replace(about, packs=wrong)})
    desired = content_of(here.env, lying)
    assert desired.wanted is not None
    with pytest.raises(IntegrityFailed, match="does not hold the entries that the manifest says"):
        desired.wanted(read_all(here.env.stores, here.env.pool), [TABLE])
