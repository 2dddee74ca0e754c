"""Rules for files: whether they can be read, and hold records at all."""

from __future__ import annotations

from tattoo_data.validation.rule import Rule
from tattoo_data.validation.rules.shared import ERROR

FILE = ("file",)

NO_FILE = Rule(
    id="file-unreadable",
    severity=ERROR,
    message="the file cannot be read",
    reason="What was not read was not checked.",
    of=FILE,
)
NO_RECORDS = Rule(
    id="no-records",
    severity=ERROR,
    message="there is no record, so nothing was checked",
    reason="A check of nothing finds nothing wrong: a wrong path passed for a good result once.",
    of=FILE,
)
BAD_JSON = Rule(
    id="json-broken",
    severity=ERROR,
    message="it is no JSON",
    reason="The record cannot be read. The rest of the file was checked as far as records could be told apart.",
    of=FILE,
)
BAD_TEXT = Rule(
    id="text-encoding",
    severity=ERROR,
    message="the text is not UTF-8",
    reason="JSON is UTF-8. Latin-1 and UTF-16 are what editors and spreadsheets write else.",
    of=FILE,
)
TOO_LARGE = Rule(
    id="record-too-large",
    severity=ERROR,
    message="the record has over 16 MiB and was not read",
    reason="An item of DynamoDB has at most 400 KB: it is no record.",
    of=FILE,
)
NO_RECORD = Rule(
    id="not-a-record",
    severity=ERROR,
    message="it is no artist, studio or style",
    reason="A record is an object with an artistId, studioId or styleId: a file of something else was named, or an id "
    "was left out.",
    of=FILE,
)
DAMAGED = Rule(
    id="export-damaged",
    severity=ERROR,
    message="the export is not what its manifest says",
    reason="A missing or changed file of an export: `import` refuses it too.",
    of=FILE,
)

RULES = (NO_FILE, NO_RECORDS, BAD_JSON, BAD_TEXT, TOO_LARGE, NO_RECORD, DAMAGED)
