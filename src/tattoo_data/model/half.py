"""Half: half a character in a document, as this side of the index's door has it. Pure.

JavaScript cuts a text within an emoji and writes `"\\ud83d"`, OpenSearch takes that, and no decoder of JSON need
(RFC 8259, 8.2); no UTF-8 can hold it. On this side of the door (`stores.index_wire`) such a half is a character of a
private use plane, U+10D800 to U+10DFFF, and at the door it becomes itself again. Only the index can take it.
"""

from __future__ import annotations

import re

_PLANE = 0x100000
#: Every escape of JSON, so that none is taken for the end of another; the group is half a character.
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
_MARK, _MARK_BEGINS = re.compile(rb"\xf4\x8d[\xa0-\xbf][\x80-\xbf]"), b"\xf4\x8d"


def mark_halves(text: bytes) -> bytes:
    """JSON in which every half of a character is one of the private plane."""
    return _ESCAPE.sub(_mark, text)


def unmark_halves(text: bytes) -> bytes:
    """JSON as it was before `mark_halves`."""
    return _MARK.sub(_unmark, text) if _MARK_BEGINS in text else text


def holds_half(text: bytes) -> bool:
    """Whether there is half a character in a text of UTF-8, which canonical bytes are."""
    return _MARK.search(text) is not None


def _mark(escape: re.Match[bytes]) -> bytes:
    half = escape.group(1)
    return escape.group() if half is None else chr(_PLANE + int(half, 16)).encode()


def _unmark(mark: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % (ord(mark.group().decode()) - _PLANE)
