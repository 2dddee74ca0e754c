"""Half: a half of a character that a document holds, as this side of the index's door has it. Pure.

A document may hold half of a surrogate pair, which no UTF-8 can: `stores.index_wire` makes it a character of a private
use plane, U+10D800 to U+10DFFF, and itself again on the way back. Only the index can take it.
"""

from __future__ import annotations

import re

_HALF = re.compile(rb"\xf4\x8d[\xa0-\xbf][\x80-\xbf]")


def holds_half(text: bytes) -> bool:
    """Whether there is half a character in a text of UTF-8, which canonical bytes are."""
    return _HALF.search(text) is not None
