"""Arrays: a file that is one big JSON array, element by element.

Only where an element begins and ends is found here, by its brackets; the decoder sees every byte, what stands between
the elements too, so that nothing passes that is no JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from tattoo_data.formats.reading import MAX_LINE, FileReader, damaged, meant_by

BLOCK = 1 << 20
#: To the next bracket outside of strings, or to where the text breaks off. Possessive: its time is linear.
_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+([{}\[\]]?)', re.DOTALL)
#: What a gap is put between, so that it decodes as an array by itself: an element stands on each of its sides.
_BEFORE, _AFTER = b"[[]", b"[]]"
_decode = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Element:
    """One element's text, and the line on which it begins."""

    line: int
    text: bytes


def elements(reader: FileReader) -> Iterator[Element]:
    """Every element of the array. Raises `IntegrityFailed` naming the line where the file is cut, or where what stands
    between the elements is no JSON; an element itself is for whoever decodes it."""
    cutter = _Cutter(reader.name)
    for block in reader.blocks(BLOCK):
        yield from cutter.cut(block)
    cutter.finish()


class _Cutter:
    """Cuts the text of an array, and holds what is not complete yet: a gap at depth 0 or 1, else an element."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._held = b""
        self._scanned = 0
        self._line = 1
        self._depth = 0
        self._is_first = True
        self._ended = False

    def cut(self, block: bytes) -> Iterator[Element]:
        """The elements that end within the next block."""
        text, begin, end = self._held + block, 0, self._scanned
        for match in _BRACKET.finditer(text, end):
            bracket = match[1]
            if not bracket or self._ended:
                break
            end = match.end()
            if bracket in b"{[":
                self._depth += 1
                if self._depth == 1:
                    self._start(text[begin : end - 1], bracket)
                    begin = end
                elif self._depth == 2:
                    yield from self._gap(text[begin : end - 1], _AFTER)
                    begin, self._is_first = end - 1, False
            else:
                self._depth -= 1
                if self._depth == 1:
                    yield Element(self._line, text[begin:end])
                elif self._depth < 1:
                    yield from self._gap(text[begin : end - 1], b"]")
                    self._ended = True
                else:
                    continue
                self._line += text.count(b"\n", begin, end)
                begin = end
        self._hold(text[begin:], end - begin)

    def finish(self) -> None:
        """Raise `IntegrityFailed` where the array has not ended, or something comes after it."""
        if not self._ended:
            raise self._damaged(self._line + self._held.count(b"\n"), "it is cut: the array does not end")

    def _start(self, before: bytes, bracket: bytes) -> None:
        if before.strip() or bracket != b"[":
            raise self._damaged(self._line, "it is no array")
        self._line += before.count(b"\n")

    def _gap(self, gap: bytes, after: bytes) -> Iterator[Element]:
        """The elements that are neither objects nor arrays, between two that are."""
        if self._is_first or after != _AFTER or gap.strip() != b",":
            before = b"[" if self._is_first else _BEFORE
            text = before + gap + after
            try:
                found = _decode(text)
            except (ValueError, RecursionError) as error:
                raise meant_by(error, self._name, self._line, text) from error
            for value in found[len(before) // 2 : len(found) - len(after) // 2]:
                yield Element(self._line, bytes(value))
        self._line += gap.count(b"\n")

    def _hold(self, rest: bytes, scanned: int) -> None:
        if self._ended and rest.strip():
            raise self._damaged(self._line, "something comes after the array")
        if len(rest) > MAX_LINE:
            raise self._damaged(self._line, f"an element has over {MAX_LINE >> 20} MiB")
        self._held, self._scanned = rest, scanned

    def _damaged(self, line: int, reason: str) -> Exception:
        return damaged(self._name, f"line {line}: {reason}")
