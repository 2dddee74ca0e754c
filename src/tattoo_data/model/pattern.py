"""Pattern: which entries of a target a text such as `ARTIST#00*` names. Pure."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

from tattoo_data.model.entry import StoreName
from tattoo_data.model.keys import record_key, split_item_key
from tattoo_data.model.records import Kind

Matches = Callable[[StoreName, str], bool]


def matching(pattern: str) -> Matches:
    """Whether a pattern names an entry: an item by its PK, a document by its artist's PK or its own id, an object by
    its key. `*`, `?` and `[...]` stand for what they do in a shell."""

    def matches(store: StoreName, key: str) -> bool:
        if store is StoreName.TABLE:
            return fnmatchcase(split_item_key(key)[0], pattern)
        if store is StoreName.INDEX:
            return fnmatchcase(key, pattern) or fnmatchcase(split_item_key(record_key(Kind.ARTIST, key))[0], pattern)
        return fnmatchcase(key, pattern)

    return matches
