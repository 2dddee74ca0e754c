"""Form: the one form in which table and index are compared, an artist's fields as a document has them. Pure.

A document's `location` follows from latitude and longitude, and keys are the table's own: neither is a field to decide.
What the Node tool's sync put beside the fields is none either.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tattoo_data.formats.usable import MAX_DOCUMENT_ID
from tattoo_data.model.canonical import canonical_document, canonical_json
from tattoo_data.model.entry import Entry
from tattoo_data.model.project import document_of, is_projected

#: Field -> the canonical bytes of its value.
Form = Mapping[str, bytes]

#: What the Node tool's sync put into documents beside their fields.
_SYNC_FIELDS = frozenset({"syncHash", "lastSynced"})
_decode_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def projected(item: Entry) -> Entry:
    """The document that an artist's item gives, in canonical bytes. Raises ValueError for any other item, and where no
    index would take the document's id: it refuses all that is sent with such a one."""
    try:
        document = document_of(item)
    except RecursionError:
        raise ValueError(f"{item.key} is nested too deep to be read") from None
    if document is None:
        raise ValueError(f"{item.key} is no artist's item")
    if len(document.key.encode()) > MAX_DOCUMENT_ID:
        raise ValueError(f"its id has over {MAX_DOCUMENT_ID} bytes, and no document can have it")
    return document


def as_canonical(document: Entry) -> bytes:
    """The canonical bytes of a document. Raises ValueError where it is no JSON object."""
    try:
        body = canonical_document(document.body)
    except RecursionError:
        raise ValueError(f"the document {document.key} is nested too deep to be read") from None
    if not body.startswith(b"{"):
        raise ValueError(f"the document {document.key} is no object")
    return body


def fields_in(body: bytes) -> Form:
    """The fields of a document in canonical bytes."""
    every = _decode_names(body).items()
    return {name: bytes(value) for name, value in every if is_projected(name) and name not in _SYNC_FIELDS}


def body_of(form: Form) -> bytes:
    """A document of just these fields, in canonical bytes."""
    return canonical_json({name: msgspec.Raw(value) for name, value in form.items()})
