"""Split: a file of JSON records, piece by piece, in memory that does not grow with the file.

A record is an element of the one array that a file is, or of an array called artists, studios or styles in the one
object that it is, or an object by itself, of which there may be several; or a line. Only brackets and strings are
looked at, so a record that is no JSON keeps no other back. One of more than 16 MiB is passed over unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tattoo_data.validation.rule import Problem, Rule
from tattoo_data.validation.rules.files import BAD_JSON, BAD_TEXT, NO_RECORD, TOO_LARGE

#: No record is larger.
LIMIT = 16 << 20
#: What may stand at the end of a line.
_END = 2
_CHUNK = 1 << 20
_HEAD = 1 << 16
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LINE_FILES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")

# Whatever is no bracket: text outside strings, and whole strings. It stops at a string that is cut, too. A string ends
# with its line: where a quote is missing, the records of the lines below are told apart all the same.
_OUTSIDE = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\\n]++|\\[^\n])*+")*+')
_INSIDE = re.compile(rb'(?:[^"\\\n]++|\\[^\n])*+')
_CONTAINER = re.compile(rb'"(artists|studios|styles)"\s*:\s*\Z')
_ID = re.compile(rb'"(?:artist|studio|style)Id"')
_SCALARS = re.compile(rb',?\s*(?:"(?:[^"\\]|\\.)*"|[\w.+-]+)(?:\s*,.*)?', re.DOTALL)
_OBJECT, _ARRAY, _QUOTE, _BACKSLASH = b'{["\\'
_CLOSES = {ord("}"): _OBJECT, ord("]"): _ARRAY}
#: The depth at which values are records while none is: in an object of arrays, between these.
_NOWHERE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One record of a file: its bytes, or the problem that keeps it from being read. `offset` is that of its first
    byte, `line` its line from 1, `pointer` where it is in a larger value, `under` the name of the array it is in."""

    offset: int
    line: int
    pointer: str = ""
    under: str = ""
    body: bytes = b""
    problem: Problem | None = None


def split(file: BinaryIO, name: str) -> Iterator[Piece]:
    """The records of a file, which is open at its beginning."""
    head = file.read(_HEAD)
    if head.startswith(_UTF16) or b"\0" in head[:2]:
        yield Piece(offset=0, line=1, problem=Problem(BAD_TEXT, "", None, "it is UTF-16"))
    elif _is_lines(head, name):
        yield from _Lines(file, head).pieces()
    else:
        yield from _Values(file, head).pieces()


def _is_lines(head: bytes, name: str) -> bool:
    if name.lower().endswith(_LINE_FILES):
        return True
    lines = [line.strip() for line in head.removeprefix(_BOM).split(b"\n")[:3]]
    if len(lines) < 2 or not lines[0].startswith(b"{") or not lines[0].endswith(b"}"):
        return False
    return lines[1].startswith(b"{") or (len(lines) > 2 and not lines[1] and lines[2].startswith(b"{"))


class _Lines:
    """A record a line, divided by LF alone: text may hold U+2028."""

    def __init__(self, file: BinaryIO, head: bytes) -> None:
        self._file = file
        self._rest = head

    def pieces(self) -> Iterator[Piece]:
        """Every line that is not blank."""
        offset, number = 0, 0
        while True:
            line, length = self._next()
            if not length:
                return
            number += 1
            text = line.removeprefix(_BOM) if number == 1 else line
            if length > LIMIT + _END or len(text.rstrip(b"\r\n")) > LIMIT:
                yield Piece(offset=offset, line=number, problem=Problem(TOO_LARGE, "", None, f"{length:,} bytes"))
            elif text.strip():
                yield Piece(offset=offset + length - len(text), line=number, body=text.rstrip(b"\r\n"))
            offset += length

    def _next(self) -> tuple[bytes, int]:
        """The next line and its length; of one over the limit only the length."""
        line, length = b"", 0
        while True:
            part, whole = self._part()
            length += len(part)
            line = line + part if length <= LIMIT + _END else b""
            if whole:
                return line, length

    def _part(self) -> tuple[bytes, bool]:
        if not self._rest:
            self._rest = self._file.read(_CHUNK)
        end = self._rest.find(b"\n") + 1
        part, self._rest = (self._rest[:end], self._rest[end:]) if end else (self._rest, b"")
        return part, bool(end) or not part


class _Values:
    """The records of one value or of several after each other. `_at` is where the buffer was looked at up to, and
    `_mark` where the text begins that is kept of it; `_lost` counts what was given up of a record over the limit."""

    def __init__(self, file: BinaryIO, head: bytes) -> None:
        self._file = file
        self._buffer = head.removeprefix(_BOM)
        self._offset = len(head) - len(self._buffer)
        self._at = self._mark = self._lost = 0
        self._line, self._counted = 1, 0
        self._open = bytearray()
        self._base = 0
        self._array = ""
        self._number = 0
        self._began = (0, 1)

    def pieces(self) -> Iterator[Piece]:
        """Every record, and whatever stands between them that should not."""
        for bracket in self._brackets():
            if bracket in _CLOSES:
                yield from self._closed(_CLOSES[bracket])
            else:
                yield from self._opened(bracket)
                self._open.append(bracket)
        yield from self._ended()

    def _opened(self, bracket: int) -> Iterator[Piece]:
        depth = len(self._open)
        if depth == self._base:
            yield from self._between(b"," if self._base and self._number else b"")
            self._begin()
            if depth == 0 and bracket == _ARRAY:
                self._enter(1, self._at + 1)
        elif depth == 1 and self._base <= 0 and bracket == _ARRAY:
            self._array = self._name()
        elif depth == 2 and self._base <= 0 and self._array and bracket == _OBJECT:
            self._enter(2, self._at)
            self._begin()

    def _closed(self, opened: int) -> Iterator[Piece]:
        """A bracket closes the last one of its kind, and whatever was left open in that; one that closes nothing is
        passed over."""
        depth, place = len(self._open), self._open.rfind(opened)
        if place < 0 or (depth == self._base and place != depth - 1):
            if depth <= max(self._base, 0):  # else the record that it is in says so
                yield self._wrong(BAD_JSON, f"a bracket closes at byte {self._offset + self._at} that was not opened")
                self._take(self._at + 1)
            return
        del self._open[place:]
        if depth > self._base >= place:
            yield self._piece()
            self._number += 1
        if place < self._base:
            yield from self._between(b"")
            self._base = _NOWHERE
        if place <= 1 and self._base <= 0:
            self._array = ""
        if place == 0:
            self._base = 0
            self._take(self._at + 1)

    def _ended(self) -> Iterator[Piece]:
        if self._open:
            end = self._offset + len(self._buffer)
            detail = f"the file ends at byte {end} inside the value that begins at byte {self._began[0]}"
            yield Piece(
                offset=self._began[0],
                line=self._began[1],
                pointer=self._pointer(),
                problem=Problem(BAD_JSON, "", None, detail),
            )
        else:
            self._at = len(self._buffer)
            yield from self._between(b"")

    def _between(self, right: bytes) -> Iterator[Piece]:
        """What stands before a record or the end of an array of them, and should be `right`."""
        line = self._line_at(self._mark)
        before = self._offset + self._mark
        text = self._take(self._at)
        if text is None:
            yield Piece(offset=before, line=line, problem=Problem(TOO_LARGE, "", None, "it is text between records"))
        elif text.strip() != right:
            shown = text.strip()[:60].decode("utf-8", "replace")
            rule = NO_RECORD if self._base and _SCALARS.fullmatch(text.strip()) else BAD_JSON
            detail = shown if rule is NO_RECORD else f"{shown!r} at byte {before}, outside of records"
            yield self._wrong(rule, detail, before, line)

    def _piece(self) -> Piece:
        length = self._lost + self._at + 1 - self._mark
        body = self._take(self._at + 1)
        return Piece(
            offset=self._began[0],
            line=self._began[1],
            pointer=self._pointer(),
            under=self._array,
            body=body or b"",
            problem=Problem(TOO_LARGE, "", None, f"{length:,} bytes") if body is None else None,
        )

    def _wrong(self, rule: Rule, detail: str, offset: int = -1, line: int = 0) -> Piece:
        return Piece(
            offset=self._offset + self._at if offset < 0 else offset,
            line=line or self._line_at(self._at),
            pointer=self._pointer(),
            problem=Problem(rule, "", None, detail),
        )

    def _enter(self, base: int, mark: int) -> None:
        """Values of this depth are records from here on."""
        self._base, self._number = base, 0
        self._take(mark)

    def _begin(self) -> None:
        self._began = (self._offset + self._at, self._line_at(self._at))

    def _name(self) -> str:
        """How the array that opens here is called, where its elements may be records: an object with an id is one
        itself, whatever is in it."""
        named = _CONTAINER.search(self._buffer, max(self._mark, self._at - 200), self._at)
        is_record = self._base == 0 and _ID.search(self._buffer, self._mark, self._at)
        return named[1].decode() if named and not is_record else ""

    def _pointer(self) -> str:
        if self._base <= 0:
            return ""
        return f"/{self._array}/{self._number}" if self._array else f"/{self._number}"

    # The buffer.

    def _brackets(self) -> Iterator[int]:
        """Each bracket outside strings, `_at` being where it is."""
        in_string = False
        while True:
            matched = (_INSIDE if in_string else _OUTSIDE).match(self._buffer, self._at)
            assert matched is not None, "it matches nothing, too"
            self._at = matched.end()
            found = self._buffer[self._at] if self._at < len(self._buffer) else _BACKSLASH
            if found == _BACKSLASH:  # the end of the buffer, in the middle of an escape perhaps
                if not self._fill():
                    return
            elif in_string or found == _QUOTE:
                in_string = not in_string
                self._at += 1
            else:
                yield found
                self._at += 1

    def _fill(self) -> bool:
        chunk = self._file.read(_CHUNK)
        if not chunk:
            return False
        if self._lost + self._at - self._mark > LIMIT:
            self._lost += self._at - self._mark
            self._mark = self._at
        self._line_at(self._mark)
        self._buffer = self._buffer[self._mark :] + chunk
        self._offset += self._mark
        self._at -= self._mark
        self._mark = self._counted = 0
        return True

    def _take(self, end: int) -> bytes | None:
        """What was kept up to `end`, and keep what comes after it; None where it is over the limit."""
        text = self._buffer[self._mark : end] if self._lost + end - self._mark <= LIMIT else None
        self._mark, self._lost = end, 0
        return text

    def _line_at(self, at: int) -> int:
        if at > self._counted:
            self._line += self._buffer.count(b"\n", self._counted, at)
            self._counted = at
        return self._line
