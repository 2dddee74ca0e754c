"""Rules for what holds between records, and between a record and its key."""

from __future__ import annotations

from tattoo_data.validation.rule import Rule
from tattoo_data.validation.rules.shared import ALL, ERROR, INFO, WARNING

OTHER_ID = Rule(
    id="id-differs-from-key",
    severity=ERROR,
    message="the record's id is not the one in its key",
    reason="It is found under one id and says another: links to it lead nowhere.",
    of=(*ALL, "document"),
)
INDEX_KEY = Rule(
    id="index-key",
    severity=ERROR,
    message="the key of a secondary index is not what the record gives",
    reason="The application's queries by style, name, handle, place and postcode read these keys: they find the record "
    "under what it was, or not at all.",
    of=ALL,
)
SHARD = Rule(
    id="index-key-shard",
    severity=INFO,
    message="the style's shard is another than ours",
    reason="The application draws it at random and asks all ten, so it is found. `reset` and `seed` make it ours.",
    of=("artist",),
)
NODE_KEY = Rule(
    id="node-key-form",
    severity=WARNING,
    message="it has the key form of the Node tool (SK PROFILE)",
    reason="The application reads records under SK METADATA. `seed` and `reset` move those that they write.",
    of=ALL,
)
DUPLICATE = Rule(
    id="duplicate-id",
    severity=ERROR,
    message="another record has this id",
    reason="An id names one record: one of the two hides the other.",
    of=(*ALL, "document"),
)
SAME_HANDLE = Rule(
    id="duplicate-handle",
    severity=ERROR,
    message="another artist has this handle",
    reason="Instagram's handles are one person's each, in capitals or not; a lookup by handle finds the wrong one.",
    of=("artist", "document"),
)
NO_STYLE = Rule(
    id="style-unknown",
    severity=ERROR,
    message="there is no such style",
    reason="Filters by style offer only styles that are there: the artist is found under none of this name. In files "
    "and in the index, the catalogue's styles count as there.",
    of=("artist", "document"),
)
NO_STUDIO = Rule(
    id="studio-unknown",
    severity=ERROR,
    message="there is no such studio",
    reason="The artist's page links to it. In files, the catalogue's studios count as there.",
    of=("artist",),
)
NOT_LISTED = Rule(
    id="artist-not-listed",
    severity=ERROR,
    message="the artist names a studio that does not list the artist",
    reason="Artist and studio name each other: the studio's page does not show the artist.",
    of=("artist",),
)
LISTS_OTHER = Rule(
    id="studio-lists-other",
    severity=ERROR,
    message="the studio lists an artist who names another studio, or none",
    reason="Artist and studio name each other: the studio's page shows somebody who works elsewhere.",
    of=("studio",),
)
LISTS_NOBODY = Rule(
    id="studio-lists-nobody",
    severity=ERROR,
    message="the studio lists an artist who is not there",
    reason="The studio's page links to nobody.",
    of=("studio",),
)
LISTS_OUTSIDE = Rule(
    id="studio-lists-outside",
    severity=INFO,
    message="the studio lists an artist of the catalogue who is not in this data",
    reason="A scenario holds a part of the catalogue, and its studios are whole: nothing is wrong.",
    of=("studio",),
)

RULES = (
    OTHER_ID,
    INDEX_KEY,
    SHARD,
    NODE_KEY,
    DUPLICATE,
    SAME_HANDLE,
    NO_STYLE,
    NO_STUDIO,
    NOT_LISTED,
    LISTS_OTHER,
    LISTS_NOBODY,
    LISTS_OUTSIDE,
)
