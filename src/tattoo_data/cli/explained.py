"""How all that is known of one key looks: a section for each thing as text, all of it as JSON."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from tattoo_data.cli.compared import printable, value_change
from tattoo_data.cli.options import Invocation
from tattoo_data.cli.render import amount, envelope
from tattoo_data.clock import timestamp
from tattoo_data.environment import Environment
from tattoo_data.model.difference import ABSENT, FieldChange, spell_path
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import RecordKey, record_of, split_item_key
from tattoo_data.model.project import document_value
from tattoo_data.views.diff import Became

if TYPE_CHECKING:
    from tattoo_data.views.touched import Touch
    from tattoo_data.views.why import Known, Picture, Seen

_LONG = 90
_LISTED = 20
_BECAME = {Became.CREATED: "created", Became.DELETED: "deleted", Became.CHANGED: "replaced"}
_decode = msgspec.json.Decoder().decode
_decode_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_item = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode


def show_known(invocation: Invocation, env: Environment, key: str, known: Known) -> None:
    """Print it."""
    if invocation.output.json:
        invocation.output.document(envelope(invocation, env, key=key, **_document(known)))
        return
    for show in (_show_items, _show_documents, _show_findings, _show_pictures, _show_runs):
        show(invocation, known)


# As JSON.


def _document(known: Known) -> dict[str, Any]:
    references = known.references
    return {
        "items": [_item(entry) for entry in known.items],
        "documents": [_seen(each) for each in known.documents],
        "findings": [each.document() for each in known.findings],
        "images": [_picture(each) for each in known.pictures],
        "referredToBy": None
        if references is None
        else [{"store": each.store.value, "key": each.key} for each in references],
        "runs": [_touch(each) for each in known.touched.touches],
        "notes": list(known.touched.untold),
    }


def _item(entry: Entry) -> dict[str, Any]:
    pk, sk = split_item_key(entry.key)
    record = record_of(entry.key)
    return {
        "key": entry.key,
        "pk": pk,
        "sk": sk,
        "kind": record.kind.value if record else None,
        "keyForm": record.sort_key if record else None,
        "item": msgspec.Raw(entry.body),
    }


def _seen(seen: Seen) -> dict[str, Any]:
    differences = seen.differences
    told = None if differences is None else [value_change(each, "document", "item") for each in differences]
    return {
        "id": seen.id,
        "routing": seen.document.routing if seen.document else None,
        "exists": seen.document is not None,
        "document": msgspec.Raw(seen.document.body) if seen.document else None,
        "equalsItem": seen.is_equal,
        "differences": told,
    }


def _picture(picture: Picture) -> dict[str, Any]:
    entry = picture.entry
    about = _decode(entry.body) if entry else {}
    return {
        "key": picture.key,
        "exists": entry is not None,
        "sizeBytes": about.get("size"),
        "md5": about.get("md5"),
        "modifiedAt": timestamp(entry.modified) if entry and entry.modified else None,
    }


def _touch(touch: Touch) -> dict[str, Any]:
    run = touch.past.run
    return {
        "run": run.id,
        "command": run.words,
        "status": touch.past.stands,
        "startedAt": run.started_at,
        "store": touch.store.value,
        "key": touch.key,
        "change": touch.became.value,
        "fields": None if touch.fields is None else [value_change(each) for each in touch.fields],
    }


# As text.


def _show_items(invocation: Invocation, known: Known) -> None:
    if not (known.items or known.documents or known.pictures):
        _line(invocation, "now         the stores hold nothing under this key")
    for entry in known.items:
        pk, sk = split_item_key(entry.key)
        _line(invocation, f"item        {pk} {sk}{_form(record_of(entry.key))}, {len(entry.body):,} bytes")
        attributes = _decode_item(entry.body)
        names = sorted(name for name in attributes if name not in ("PK", "SK"))
        width = max(map(len, names), default=0)
        for name in names:
            ((tag, _),) = attributes[name].items()
            _line(invocation, f"  {name:{width}}  {tag:4} {_short(invocation, _text(attributes[name], typed=True))}")


def _form(record: RecordKey | None) -> str:
    """What kind of item it is, and in which of the two forms its key is written."""
    return f" ({record.kind}, key form {record.sort_key})" if record else " (no record)"


def _show_documents(invocation: Invocation, known: Known) -> None:
    for seen in known.documents:
        if seen.document is None:
            _line(invocation, f"document    {seen.id}: the index has none, and the item gives one")
            continue
        routing = f", routing {seen.document.routing}" if seen.document.routing is not None else ""
        _line(invocation, f"document    {seen.id}{routing}: {_judgement(seen)}")
        for change in seen.differences or ():
            _line(invocation, f"  {_spell(invocation, change, StoreName.INDEX, ('document', 'item'))}")
        if seen.projection is None:
            for name, value in _fields(seen.document):
                _line(invocation, f"  {name}  {_short(invocation, _text(value))}")


def _judgement(seen: Seen) -> str:
    if seen.projection is None:
        return "no item gives it"
    if seen.differences is None:
        return "it is no object, and the item gives one"
    count = len(seen.differences)
    return (
        f"{amount(count, 'fields')} differ{'s' if count == 1 else ''} from the item"
        if count
        else "as the item gives it"
    )


def _fields(document: Entry) -> list[tuple[str, msgspec.Raw]]:
    try:
        return sorted(_decode_names(document.body).items(), key=lambda field: field[0])
    except msgspec.DecodeError:
        return [("(all)", msgspec.Raw(document.body))]


def _show_findings(invocation: Invocation, known: Known) -> None:
    if not known.findings and (known.items or known.documents or known.pictures):
        _line(invocation, "findings    none")
    for each in known.findings:
        field = f" {each.field}" if each.field else ""
        value = "" if each.value == "null" else f": {_short(invocation, each.value)}"
        _line(invocation, f"finding     {each.severity} {each.rule}, {each.store}{field}: {each.message}{value}")


def _show_pictures(invocation: Invocation, known: Known) -> None:
    for picture in known.pictures:
        size = f"{_decode(picture.entry.body)['size']:,} bytes" if picture.entry else "it is not there"
        _line(invocation, f"image       {picture.key}, {size}")
    if known.references is None:
        return
    if not known.references:
        _line(invocation, "linked by   nothing")
    shown = None if invocation.output.verbose else _LISTED
    for each in islice(known.references, shown):
        called = " ".join(split_item_key(each.key)) if each.store is StoreName.TABLE else each.key
        _line(invocation, f"linked by   {each.store} {called}")
    if shown and len(known.references) > shown:
        _line(invocation, f"  ... and {len(known.references) - shown:,} more (-v shows all)")


def _show_runs(invocation: Invocation, known: Known) -> None:
    if not known.touched.touches:
        _line(invocation, "runs        none of those that are kept wrote it")
    for touch in known.touched.touches:
        run = touch.past.run
        called = " ".join(split_item_key(touch.key)) if touch.store is StoreName.TABLE else touch.key
        what = f"{_BECAME[touch.became]} {touch.store} {called}"
        _line(invocation, f"run         {run.id}  {run.words}, {touch.past.stands}: {what}")
        if touch.fields is None:
            _line(invocation, "  what it wrote is not known any more: somebody else wrote since")
        for change in touch.fields or ():
            _line(invocation, f"  {_spell(invocation, change, touch.store)}")
    for note in known.touched.untold:
        _line(invocation, f"note: {note}")


def _spell(invocation: Invocation, change: FieldChange, store: StoreName, sides: tuple[str, str] | None = None) -> str:
    """One field in one line: `rating: 4.1 -> 4.5`, or with the names of both sides."""
    typed = store is StoreName.TABLE
    before, after = (
        "nothing" if value is ABSENT else _short(invocation, _text(value, typed=typed))
        for value in (change.before, change.after)
    )
    path = spell_path(change.path) or "(all)"
    return f"{path}: {sides[0]} {before}, {sides[1]} {after}" if sides else f"{path}: {before} -> {after}"


def _text(value: Any, *, typed: bool = False) -> str:
    """A value as one reads it, with all its digits."""
    return msgspec.json.encode(document_value(value) if typed else value).decode()


def _short(invocation: Invocation, text: str) -> str:
    return text if invocation.output.verbose or len(text) <= _LONG else f"{text[: _LONG - 3]}..."


def _line(invocation: Invocation, text: str) -> None:
    invocation.output.line(printable(text))
