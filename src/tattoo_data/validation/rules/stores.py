"""Rules for the live stores: their structure, the documents of the index, and how table, index and images agree."""

from __future__ import annotations

from tattoo_data.validation.rule import Rule
from tattoo_data.validation.rules.shared import ERROR, WARNING

ABSENT = Rule(
    id="store-absent",
    severity=ERROR,
    message="it does not exist",
    reason="`reset fresh` makes it and fills it; `reset clean` makes it empty.",
    of=("table", "index", "images"),
)
EMPTY = Rule(
    id="store-empty",
    severity=WARNING,
    message="it holds nothing, so nothing was checked",
    reason="A check of nothing finds nothing wrong, which is easily taken for a good result.",
    of=("table", "index"),
)
TABLE = Rule(
    id="table-structure",
    severity=ERROR,
    message="the table has another structure",
    reason="The application's queries need its keys and indexes. A missing index is added by `reset` and `seed`; "
    "another key schema is never mended in place.",
    of=("table",),
)
STREAM = Rule(
    id="table-stream",
    severity=WARNING,
    message="the table has no stream",
    reason="The application's stream function brings changes to the index. `reset` and `seed` switch it on.",
    of=("table",),
)
MAPPING = Rule(
    id="index-mapping",
    severity=ERROR,
    message="the index's mapping is another one",
    reason="Under a guessed mapping `term` on artistId finds nothing and styles cannot be counted. `reset` and `seed` "
    "build the index anew.",
    of=("index",),
)
BLOCKED = Rule(
    id="index-read-only",
    severity=WARNING,
    message="the index takes no writes",
    reason="A command that was killed while it swapped indexes leaves it so. `reset` and `seed` open it again.",
    of=("index",),
)
UNREADABLE = Rule(
    id="record-unreadable",
    severity=ERROR,
    message="it cannot be read",
    reason="It is not what this store can hold; whoever reads it fails on it.",
    of=("table", "document"),
)
NO_SOURCE = Rule(
    id="document-without-source",
    severity=ERROR,
    message="the document has no _source",
    reason="The application shows what is in _source: where a mapping switches it off, nobody can read the document.",
    of=("document",),
)
SHAPE = Rule(
    id="document-shape",
    severity=WARNING,
    message="it is no document of an artist under the artist's id",
    reason="The application's stream function writes such (ARTIST#<id>): the artist is found twice.",
    of=("document",),
)
LOCATION = Rule(
    id="document-location",
    severity=ERROR,
    message="the document's location is not its latitude and longitude",
    reason="Searches by distance go by location, and pages show the other two.",
    of=("document",),
)
MISSING = Rule(
    id="document-missing",
    severity=ERROR,
    message="the table has this artist, and the index has no document",
    reason="No search finds the artist.",
    of=("index",),
)
EXTRA = Rule(
    id="document-extra",
    severity=ERROR,
    message="the index has this document, and the table has no such artist",
    reason="Searches find an artist who is not there.",
    of=("index",),
)
DIFFERS = Rule(
    id="document-differs",
    severity=ERROR,
    message="the document's field is not what the table's item gives",
    reason="Searches go by what the artist was, and pages show what the artist is.",
    of=("index",),
)
NO_IMAGE = Rule(
    id="image-missing",
    severity=ERROR,
    message="the image is not in the bucket",
    reason="The page shows a broken picture.",
    of=("artist", "images"),
)
UNUSED = Rule(
    id="image-unused",
    severity=WARNING,
    message="no record refers to this image",
    reason="It was left behind by a record that is gone, or has another name than the record says.",
    of=("images",),
)

RULES = (
    ABSENT,
    EMPTY,
    TABLE,
    STREAM,
    MAPPING,
    BLOCKED,
    UNREADABLE,
    NO_SOURCE,
    SHAPE,
    LOCATION,
    MISSING,
    EXTRA,
    DIFFERS,
    NO_IMAGE,
    UNUSED,
)
