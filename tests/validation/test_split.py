"""Split: the records of a file, however it is written, whole or broken, in memory that stays flat."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.validation import split as module
from tattoo_data.validation.split import LIMIT, Piece, split

MIB = 1 << 20
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.text(), values, max_size=4)


class Parts(io.RawIOBase):
    """A file that gives just the parts it was made of."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)

    def read(self, size: int = -1) -> bytes:
        return next(self._parts, b"")


def pieces(content: bytes | Iterable[bytes], name: str = "x.json") -> list[Piece]:
    parts = (
        [content[start : start + 7] for start in range(0, len(content), 7)] if isinstance(content, bytes) else content
    )
    whole = io.BytesIO(content) if isinstance(content, bytes) else cast(BinaryIO, Parts(parts))
    found = list(split(whole, name))
    if isinstance(content, bytes) and b"\n{" not in content[:100]:
        assert list(split(cast(BinaryIO, Parts(parts)), name)) == found, "it depends on how the file is read"
    return found


def bodies(found: list[Piece]) -> list[bytes]:
    return [piece.body for piece in found if piece.problem is None]


def problems(found: list[Piece]) -> list[tuple[str, int]]:
    return [(piece.problem.rule.id, piece.offset) for piece in found if piece.problem is not None]


@given(st.lists(objects, max_size=4), st.sampled_from([None, 2]), st.booleans(), st.integers(1, 9))
def test_the_elements_of_an_array(records: list[object], indent: int | None, ascii_only: bool, size: int) -> None:
    content = json.dumps(records, indent=indent, ensure_ascii=ascii_only).encode()
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    found = list(split(cast(BinaryIO, Parts(parts)), "x.json"))
    assert [json.loads(body) for body in bodies(found)] == records
    assert problems(found) == []
    for number, piece in enumerate(found):
        assert piece.pointer == f"/{number}"
        assert content[piece.offset :].startswith(piece.body)
        assert piece.line == content[: piece.offset].count(b"\n") + 1


@given(st.lists(objects, max_size=3), st.lists(objects, max_size=3), objects)
def test_the_arrays_of_an_object(artists: list[object], styles: list[object], more: dict[str, object]) -> None:
    about = {key: value for key, value in more.items() if key not in ("artists", "studios", "styles")}
    content = json.dumps({"about": about, "artists": artists, "studios": [], "styles": styles, "more": [{}]}).encode()
    found = list(split(io.BytesIO(content), "x.json"))
    held = [(piece.under, json.loads(piece.body)) for piece in found]
    wanted = [("artists", each) for each in artists] + [("styles", each) for each in styles]
    assert held == wanted if wanted else len(found) == 1


@given(st.lists(objects.filter(bool), min_size=2, max_size=5), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_the_lines_of_a_file(records: list[object], end: str) -> None:
    content = "".join(json.dumps(record) + end for record in records).encode()
    for name in ("x.jsonl", "x.json"):
        found = list(split(io.BytesIO(content), name))
        assert [json.loads(body) for body in bodies(found)] == records
        assert problems(found) == []
        assert [content[: piece.offset].count(b"\n") + 1 for piece in found] == [piece.line for piece in found]


def test_a_line_separator_of_unicode_ends_no_line() -> None:
    content = '{"a":"x\u2028y"}\n{"a":"\u2029"}\n'.encode()
    assert len(pieces(content, "x.jsonl")) == 2


def test_a_record_that_lists_artists_is_a_record_and_no_container() -> None:
    studio = b'{"studioId":"s","artists":[{"artistId":"a"}]}'
    assert bodies(pieces(studio)) == [studio]
    listing = b'{"artists":["a","b"],"studioId":"s"}'
    assert bodies(pieces(listing)) == [listing]


@pytest.mark.parametrize(
    ("content", "held", "wrong"),
    [
        (b"", [], []),
        (b" \n ", [], []),
        (b"[]", [], []),
        (b"hello", [], [("json-broken", 0)]),
        (b'[{"a":1},]', [b'{"a":1}'], [("json-broken", 8)]),
        (b'[{"a":1} {"b":1}]', [b'{"a":1}', b'{"b":1}'], [("json-broken", 8)]),
        (b'[{"a":1}},{"b":1}]', [b'{"a":1}', b'{"b":1}'], [("json-broken", 8)]),
        (b'[{"a":[1},{"b":1}]', [b'{"a":[1}', b'{"b":1}'], []),
        (b'[{"a":"x\n},\n{"b":1}]', [b'{"a":"x\n}', b'{"b":1}'], []),
        (b'[{"a":1', [], [("json-broken", 1)]),
        (b'[{"a":"', [], [("json-broken", 1)]),
        (b'[{"a":"\\', [], [("json-broken", 1)]),
        (b"[", [], [("json-broken", 0)]),
        (b'[1,"x"]', [], [("not-a-record", 1)]),
        (b'[{"a":1},null]', [b'{"a":1}'], [("not-a-record", 8)]),
        (b'{"a":1} x', [b'{"a":1}'], [("json-broken", 7)]),
        (b']{"a":1}', [b'{"a":1}'], [("json-broken", 0)]),
        (b'\xef\xbb\xbf[{"a":1}]', [b'{"a":1}'], []),
        ("[{}]".encode("utf-16"), [], [("text-encoding", 0)]),
        ("[{}]".encode("utf-16-le"), [], [("text-encoding", 0)]),
    ],
)
def test_what_is_broken_is_named_by_its_byte_and_the_rest_is_read(
    content: bytes, held: list[bytes], wrong: list[tuple[str, int]]
) -> None:
    found = pieces(content)
    assert bodies(found) == held
    assert problems(found) == wrong


def test_a_broken_line_keeps_no_other_back() -> None:
    found = pieces(b'{"a":1}\n{"b":\n}}}\n{"c":1}\n', "x.jsonl")
    assert bodies(found) == [b'{"a":1}', b'{"b":', b"}}}", b'{"c":1}']
    assert [piece.line for piece in found] == [1, 2, 3, 4]


@given(st.binary(max_size=60))
def test_whatever_the_bytes_are_it_ends(content: bytes) -> None:
    for name in ("x.json", "x.jsonl"):
        for piece in split(io.BytesIO(content), name):
            assert piece.offset <= len(content)


@given(
    st.lists(st.sampled_from([b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\n", b'"artists"', b"1"]), max_size=30)
)
def test_brackets_in_any_order_are_read_alike_in_any_parts(tokens: list[bytes]) -> None:
    content = b"".join(tokens)
    whole = list(module._Values(io.BytesIO(content), b"").pieces())
    single = [content[at : at + 1] for at in range(len(content))]
    assert list(module._Values(cast(BinaryIO, Parts(single)), b"").pieces()) == whole


def _long(before: bytes, after: bytes, mib: int = 80) -> Iterator[bytes]:
    yield before
    for _ in range(mib):
        yield b"x" * MIB
    yield after


@pytest.mark.parametrize(
    ("name", "before", "after", "large"),
    [
        ("x.json", b'[{"a":1},{"b":"', b'"},{"c":1}]', "/1"),
        ("x.json", b'[{"a":1},{"b":[', b']},{"c":1}]', "/1"),
        ("x.json", b'{"artists":[{"a":1},{"b":"', b'"},{"c":1}]}', "/artists/1"),
        ("x.jsonl", b'{"a":1}\n{"b":"', b'"}\n{"c":1}', ""),
    ],
)
def test_a_record_over_16_mib_is_passed_over_in_flat_memory(name: str, before: bytes, after: bytes, large: str) -> None:
    tracemalloc.start()
    try:
        found = list(split(cast(BinaryIO, Parts(_long(before, after))), name))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert bodies(found) == [b'{"a":1}', b'{"c":1}']
    ((rule, _),) = problems(found)
    assert rule == "record-too-large"
    assert next(piece.pointer for piece in found if piece.problem) == large
    assert peak < 4 * LIMIT


def test_a_record_of_just_16_mib_is_read() -> None:
    record = b'{"a":"%s"}' % (b"x" * (LIMIT - 8))
    assert len(record) == LIMIT
    for content, name in ((b"[%s]" % record, "x.json"), (b"%s\n" % record, "x.jsonl")):
        assert bodies(list(split(io.BytesIO(content), name))) == [record]
