"""Arrays: cut into elements wherever a block ends, and nothing passes that is no JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.errors import IntegrityFailed
from tattoo_data.formats import arrays, reading
from tattoo_data.formats.reading import Folder, parse

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def cut(folder: Path, text: bytes) -> list[tuple[int, Any]]:
    """Every element, decoded, with the line on which it begins."""
    (folder / "a").write_bytes(text)
    return [(each.line, parse("a", each.line, each.text)) for each in arrays.elements(Folder(folder).open("a"))]


@given(st.lists(values, max_size=5), st.sampled_from([None, 0, 2]), st.integers(1, 40))
def test_the_elements_are_those_of_the_array(
    tmp_path_factory: pytest.TempPathFactory, members: list[Any], indent: int | None, block: int
) -> None:
    folder = tmp_path_factory.mktemp("array")
    text = json.dumps(members, indent=indent, ensure_ascii=False).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "BLOCK", block)
        found = cut(folder, text)
    assert [value for _, value in found] == members


def test_an_element_knows_its_line(tmp_path: Path) -> None:
    text = b'\xef\xbb\xbf\n[\n  {"a":\n 1},\n\n  {"b": "]}\\"["},\r\n  [],\n{}]\n\n'
    assert cut(tmp_path, text) == [(3, {"a": 1}), (6, {"b": ']}"['}), (7, []), (8, {})]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "line 1: it is cut: the array does not end"),
        (b"[", "line 1: it is cut: the array does not end"),
        (b'[\n{"a":1}', "line 2: it is cut: the array does not end"),
        (b'[\n{"a":1},\n{"a":"x', "line 3: it is cut: the array does not end"),
        (b"{}", "line 1: it is no array"),
        (b"x[]", "line 1: it is no array"),
        (b"[]\n[]", "line 1: something comes after the array"),
        (b"[{}] x", "line 1: something comes after the array"),
        (b"[{},]", "line 1 is no JSON"),
        (b"[,{}]", "line 1 is no JSON"),
        (b"[{}{}]", "line 1 is no JSON"),
        (b"[{},\n,{}]", "line 2 is no JSON"),
        (b"[{}\n5{}]", "line 2 is no JSON"),
        (b"[{},5{}]", "line 1 is no JSON"),
        (b"[5{}]", "line 1 is no JSON"),
        (b"[{}5]", "line 1 is no JSON"),
        (b"[{]}", "line 1 is no JSON"),
        (b"[{]", "line 1 is no JSON"),
        (b"[{},NaN]", "line 1 is no JSON"),
        (b'[{},\n{"a":\n\ntru}]', "line 4 is no JSON"),
        (b'[{"a":"b\nc"}]', "line 1 is no JSON"),
        (b'[{"a":"\xff"}]', "line 1 is no JSON"),
    ],
)
@pytest.mark.parametrize("block", [1, 2, 1 << 20])
def test_what_is_no_array_of_json_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, message: str, block: int
) -> None:
    monkeypatch.setattr(arrays, "BLOCK", block)
    with pytest.raises(IntegrityFailed) as raised:
        cut(tmp_path, text)
    assert raised.value.message.startswith(f"a: {message}")


def test_an_element_without_end_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "MAX_LINE", 1 << 10)
    monkeypatch.setattr(arrays, "BLOCK", 1 << 8)
    with pytest.raises(IntegrityFailed, match="an element has over"):
        cut(tmp_path, b'[{"a":"' + b"x" * 5000 + b'"}]')


def test_a_long_string_is_looked_at_in_linear_time(tmp_path: Path) -> None:
    """A pattern that goes back would take minutes."""
    assert len(cut(tmp_path, b'[{"a":"' + b"\\\\" * 2_000_000 + b'"}]')) == 1
    with pytest.raises(IntegrityFailed, match="it is cut"):
        cut(tmp_path, b'[{"a":"' + b"x" * 4_000_000)


def test_a_line_without_end_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINE", 1 << 10)
    (tmp_path / "a").write_bytes(b"{}\n" + b" " * 5000)
    with pytest.raises(IntegrityFailed, match="a: line 2 has over"):
        list(Folder(tmp_path).open("a").lines())
