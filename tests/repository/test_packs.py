"""Packs: which entries are in one, its lines, and that nothing but a whole one is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.backups.shelf import Line, Ready, Shelf, make_pack
from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.before import BlobRef
from tattoo_data.model.canonical import canonical_document, canonical_item, canonical_json, canonical_object
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest_canonical, store_fingerprint
from tattoo_data.model.keys import item_key, item_key_of
from tattoo_data.repository.packs import (
    MAX_BYTES,
    Compressor,
    Packed,
    entries_of,
    entry_of,
    hash_of,
    line_of,
    read_pack,
    split,
    split_place,
)
from tests.backups.vault import Vault
from tests.model.strategies import body, items, texts

TABLE, INDEX, IMAGES = StoreName
MIB = 1 << 20


def entry(number: int, size: int = 0) -> Entry:
    """An item of a line that has just `size` bytes, or what it needs."""
    key = item_key(f"ARTIST#{number:06}", "METADATA")
    start, end = f'{key[:-1]},"bio":{{"S":"', '"}}'
    return Entry(key, (start + "x" * (size - len(start) - len(end)) + end).encode())


def packed(entries: Sequence[Entry], store: StoreName = TABLE) -> list[Ready]:
    """The packs of some entries."""
    shelf, compressor = Shelf(store), Compressor()
    shelf.add(Line(each.key, digest_canonical(each.key, each.body), line_of(store, each)) for each in entries)
    return [make_pack(*unit, compressor) for unit in shelf.packs()]


def lines(ready: Ready) -> list[bytes]:
    return zstandard.decompress(ready.body).split(b"\n")[:-1]


def bits(key: str) -> str:
    return f"{int.from_bytes(hash_of(key), 'big'):0256b}"


def stored(ready: Ready) -> Vault:
    vault = Vault()
    vault.place(ready.pack.key, ready.body)
    return vault


sizes = st.lists(st.integers(100, 400_000), max_size=24)


@given(sizes, st.randoms(use_true_random=False))
def test_the_same_entries_in_any_order_are_the_same_packs(found: list[int], random: Any) -> None:
    entries = [entry(number, size) for number, size in enumerate(found)]
    there = packed(entries)
    random.shuffle(entries)
    assert packed(entries) == there


@given(sizes)
def test_the_packs_of_a_store_partition_its_keys(found: list[int]) -> None:
    entries = [entry(number, size) for number, size in enumerate(found)]
    there = packed(entries)
    keys = [(item_key_of(line), ready.pack) for ready in there for line in lines(ready)]
    assert sorted(key for key, _ in keys) == sorted(each.key for each in entries)
    assert all(bits(key).startswith(pack.prefix) for key, pack in keys)
    prefixes = [ready.pack.prefix for ready in there]
    assert not any(one != other and other.startswith(one) for one in prefixes for other in prefixes)
    assert sum(ready.pack.count for ready in there) == len(entries)


@given(sizes)
def test_only_a_prefix_that_overflows_is_split(found: list[int]) -> None:
    there = packed([entry(number, size) for number, size in enumerate(found)])
    for ready in there:
        assert ready.pack.bytes <= MAX_BYTES or ready.pack.count == 1
        if ready.pack.prefix:
            family = [each.pack.bytes for each in there if each.pack.prefix.startswith(ready.pack.prefix[:-1])]
            assert sum(family) > MAX_BYTES, "its parent would have held all of it"


@given(sizes.filter(bool), st.data())
def test_an_entry_that_changes_and_keeps_its_size_changes_one_pack(found: list[int], data: st.DataObject) -> None:
    entries = [entry(number, size) for number, size in enumerate(found)]
    before = {ready.pack.name: ready.pack.prefix for ready in packed(entries)}
    at = data.draw(st.integers(0, len(entries) - 1))
    entries[at] = Entry(entries[at].key, entries[at].body.replace(b"bio", b"bin"))
    after = {ready.pack.name: ready.pack.prefix for ready in packed(entries)}
    assert len(after.keys() - before.keys()) == len(before.keys() - after.keys()) == 1
    assert set(after.values()) == set(before.values())


@given(sizes.filter(bool), st.data())
def test_an_entry_that_comes_goes_or_grows_changes_packs_of_one_prefix_alone(
    found: list[int], data: st.DataObject
) -> None:
    entries = [entry(number, size) for number, size in enumerate(found)]
    before = {ready.pack.name: ready.pack.prefix for ready in packed(entries)}
    at = data.draw(st.integers(0, len(entries) - 1))
    size = data.draw(st.none() | st.integers(100, 400_000))
    changed = entries[:at] + ([entry(at, size)] if size else []) + entries[at + 1 :]
    after = {ready.pack.name: ready.pack.prefix for ready in packed(changed)}
    new = [after[name] for name in after.keys() - before.keys()]
    gone = [before[name] for name in before.keys() - after.keys()]
    shortest = min([*new, *gone], key=len, default="")
    assert all(prefix.startswith(shortest) for prefix in [*new, *gone])
    assert bits(entries[at].key).startswith(shortest)


def test_a_pack_holds_a_mebibyte_and_not_a_byte_more() -> None:
    line = MIB // 4 - 1
    assert [(ready.pack.prefix, ready.pack.bytes) for ready in packed([entry(n, line) for n in range(4)])] == [
        ("", MIB)
    ]
    assert len(packed([entry(0, line + 1), *(entry(n, line) for n in range(1, 4))])) > 1


def test_an_entry_over_a_mebibyte_is_a_pack_alone() -> None:
    there = packed([entry(0, 3 * MIB), *(entry(number, 200) for number in range(1, 50))])
    (large,) = [ready for ready in there if ready.pack.bytes > MAX_BYTES]
    assert (large.pack.count, large.pack.bytes) == (1, 3 * MIB + 1)
    assert [item_key_of(line) for line in lines(large)] == [entry(0).key]
    assert sum(ready.pack.count for ready in there) == 50
    assert [each.entry for each in entries_of(TABLE, large.pack, read_pack(stored(large), large.pack))]


def test_no_entries_are_no_packs() -> None:
    assert packed([]) == []


def test_a_pack_says_what_it_holds() -> None:
    entries = [entry(number) for number in range(7)]
    (ready,) = packed(entries)
    content = b"".join(each.body + b"\n" for each in sorted(entries, key=lambda each: each.key))
    assert ready.pack.name == hashlib.sha256(content).hexdigest()
    assert ready.pack.key == f"packs/{ready.pack.name}.jsonl.zst"
    assert (ready.pack.bytes, ready.pack.stored, ready.pack.count) == (len(content), len(ready.body), 7)
    assert ready.pack.fingerprint == store_fingerprint(TABLE, entries)
    assert zstandard.get_frame_parameters(ready.body).has_checksum


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ({}, []),
        ({0: 1}, [("", range(256))]),
        ({0: 5, 255: 5}, [("", range(256))]),
        ({0: 6, 255: 5}, [("0", range(128)), ("1", range(128, 256))]),
        ({0: 11}, [("00000000", range(1))]),
        ({255: 11}, [("11111111", range(255, 256))]),
        ({0: 6, 1: 5}, [("00000000", range(1)), ("00000001", range(1, 2))]),
        ({0: 6, 2: 5}, [("0000000", range(2)), ("0000001", range(2, 4))]),
        ({0: 10, 128: 10, 192: 1}, [("0", range(128)), ("10", range(128, 192)), ("11", range(192, 256))]),
        ({0: 20, 128: 1}, [("00000000", range(1)), ("1", range(128, 256))]),
    ],
)
def test_split(there: Mapping[int, int], wanted: list[tuple[str, range]]) -> None:
    """Sizes by place, and at most 10 a pack."""
    assert list(split([there.get(place, 0) for place in range(256)], 10)) == wanted


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ([], []),
        ([(0x00, 99)], [("00000000", [0x00])]),
        ([(0x00, 5), (0x00, 5)], [("00000000", [0x00, 0x00])]),
        ([(0x00, 6), (0x80, 5)], [("000000000", [0x00]), ("000000001", [0x80])]),
        ([(0x00, 6), (0x20, 5)], [("00000000000", [0x00]), ("00000000001", [0x20])]),
        ([(0x00, 99), (0x80, 5), (0xC0, 5)], [("000000000", [0x00]), ("000000001", [0x80, 0xC0])]),
        ([(0x00, 6), (0x80, 6), (0xC0, 5)], [("000000000", [0x00]), ("0000000010", [0x80]), ("0000000011", [0xC0])]),
    ],
)
def test_split_place(there: Sequence[tuple[int, int]], wanted: list[tuple[str, list[int]]]) -> None:
    """Second bytes of hashes that begin with a zero, with sizes, and at most 10 a pack."""
    hashed = [(bytes([0, second]) + bytes(30), second, size) for second, size in there]
    assert list(split_place("00000000", hashed, 10)) == wanted


def test_two_of_the_very_same_hash_stay_together() -> None:
    hashed = [(bytes(32), name, 99) for name in ("one", "other")]
    assert list(split_place("0" * 8, hashed, 10)) == [("0" * 256, ["one", "other"])]


# Lines.


@given(items)
def test_the_line_of_an_item_is_its_canonical_bytes(item: Any) -> None:
    canonical = canonical_item(body(item))
    made = Entry(item_key_of(canonical), canonical)
    line = line_of(TABLE, made)
    assert (line, entry_of(TABLE, line)) == (canonical, Packed(made))
    assert b"\n" not in line


@given(texts.filter(bool), st.none() | texts, st.dictionaries(texts, st.integers() | texts | st.none(), max_size=4))
def test_the_line_of_a_document_has_its_id_and_routing(key: str, routing: str | None, source: Any) -> None:
    made = Entry(key, canonical_document(json.dumps(source).encode()), routing)
    line = line_of(INDEX, made)
    assert entry_of(INDEX, line) == Packed(made)
    assert b"\n" not in line
    fields = json.loads(line)
    assert list(fields) == ["_id", *(["_routing"] if routing is not None else []), "_source"]
    assert fields["_source"] == source


@given(texts.filter(bool), st.binary(max_size=8), texts)
def test_the_line_of_an_image_says_where_its_body_is(key: str, content: bytes, content_type: str) -> None:
    made = Entry(key, canonical_object(hashlib.md5(content).hexdigest(), len(content)))
    ref = BlobRef(hashlib.sha256(content).hexdigest(), content_type)
    line = line_of(IMAGES, made, ref)
    assert entry_of(IMAGES, line) == Packed(made, ref)
    assert line == canonical_json(json.loads(line)), "keys in order, no spaces"


def test_the_lines_of_the_guide() -> None:
    ref = BlobRef("ab" * 32, "image/png")
    assert (
        line_of(INDEX, Entry("a/é 1", b'{"n":4.5}', "r"))
        == '{"_id":"a/é 1","_routing":"r","_source":{"n":4.5}}'.encode()
    )
    assert line_of(INDEX, Entry("a", b"{}")) == b'{"_id":"a","_source":{}}'
    assert line_of(IMAGES, Entry("k", b'{"md5":"m","size":1}'), ref) == (
        b'{"contentType":"image/png","key":"k","md5":"m","sha256":"%s","size":1}' % (b"ab" * 32)
    )


@pytest.mark.parametrize(
    ("store", "line"),
    [
        (TABLE, b""),
        (TABLE, b"null"),
        (TABLE, b'{"PK":{"S":"a"}}'),
        (TABLE, b'{"PK":{"N":"1"},"SK":{"S":"b"}}'),
        (TABLE, b'{"SK":{"S":"b"},"n":'),
        (INDEX, b""),
        (INDEX, b"[]"),
        (INDEX, b'{"_source":{}}'),
        (INDEX, b'{"_id":1,"_source":{}}'),
        (INDEX, b'{"_id":"a"}'),
        (INDEX, b'{"_id":"a","_source":{'),
        (IMAGES, b"{}"),
        (IMAGES, b'{"contentType":"x","key":"k","md5":"m","sha256":"s","size":"1"}'),
        (IMAGES, b'{"contentType":"x","key":"k","md5":"m","size":1}'),
        (IMAGES, b"\xff"),
    ],
)
def test_a_line_that_is_no_entry_is_an_error(store: StoreName, line: bytes) -> None:
    with pytest.raises(ValueError):
        entry_of(store, line)


def test_a_line_that_is_no_entry_is_told_with_its_pack() -> None:
    content = b'{"no":"item"}\n'
    ready = make_pack("", [Line("k", bytes(32), content[:-1])], Compressor())
    with pytest.raises(IntegrityFailed, match=f"{ready.pack.key} .* a line of it is no entry"):
        list(entries_of(TABLE, ready.pack, content))


def test_a_pack_of_another_number_of_lines_is_an_error() -> None:
    (ready,) = packed([entry(1), entry(2)])
    content = zstandard.decompress(ready.body)
    for wrong in (content + content, content[:-1], b"", content.partition(b"\n")[2]):
        with pytest.raises(IntegrityFailed, match="2 lines"):
            list(entries_of(TABLE, ready.pack, wrong))


# Reading.


def test_a_pack_is_read_as_it_was_made() -> None:
    entries = [entry(number) for number in range(5)]
    (ready,) = packed(entries)
    read = list(entries_of(TABLE, ready.pack, read_pack(stored(ready), ready.pack)))
    assert [each.entry for each in read] == entries


def _compressed(content: bytes, **options: Any) -> bytes:
    return zstandard.ZstdCompressor(**options).compress(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[:-1],
        lambda whole: whole[:20],
        lambda whole: whole + b"\0",
        lambda whole: whole + whole,
        lambda whole: b"\0" * len(whole),
        lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
        lambda whole: zstandard.decompress(whole),
        lambda whole: _compressed(zstandard.decompress(whole).replace(b"x", b"y", 1)),
        lambda whole: _compressed(b"x" * len(zstandard.decompress(whole))),
        lambda whole: _compressed(zstandard.decompress(whole), write_content_size=False),
        lambda whole: _compressed(b"\0" * (1 << 28)),
        lambda whole: _compressed(b""),
    ],
)
def test_what_is_not_that_very_pack_is_named_and_not_read(damage: Any) -> None:
    (ready,) = packed([entry(number, 200) for number in range(5)])
    vault = Vault()
    vault.place(ready.pack.key, damage(ready.body))
    with pytest.raises(IntegrityFailed, match=f"^{ready.pack.key} in the backup bucket cannot be used") as failed:
        read_pack(vault, ready.pack)
    assert "backups verify" in failed.value.hint


def test_a_pack_that_is_gone_is_named() -> None:
    (ready,) = packed([entry(1)])
    with pytest.raises(IntegrityFailed, match="it is gone"):
        read_pack(Vault(), ready.pack)


def test_any_byte_of_a_pack_may_flip_and_it_is_noticed() -> None:
    (ready,) = packed([entry(number) for number in range(3)])
    for place in range(len(ready.body)):
        for bit in range(8):
            flipped = bytearray(ready.body)
            flipped[place] ^= 1 << bit
            vault = Vault()
            vault.place(ready.pack.key, bytes(flipped))
            try:
                content = read_pack(vault, ready.pack)
            except IntegrityFailed:
                continue
            # A bit that says nothing about the content, such as a reserved one, may be anything
            assert content == zstandard.decompress(ready.body), (place, bit)


def test_each_thread_compresses_for_itself() -> None:
    from concurrent.futures import ThreadPoolExecutor

    compressor = Compressor()
    bodies = [bytes([number % 256]) * 5_000 + str(number).encode() for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(compressor.compress, bodies))
    assert [zstandard.decompress(each) for each in made] == bodies
