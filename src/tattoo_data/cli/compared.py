"""How a comparison looks: a few differences as text for a reader, all of them as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from heapq import nsmallest
from itertools import islice
from typing import Any

import msgspec

from tattoo_data.cli.options import Invocation
from tattoo_data.cli.output import colours
from tattoo_data.cli.render import envelope
from tattoo_data.environment import Environment
from tattoo_data.model.difference import ABSENT, FieldChange, spell_path
from tattoo_data.model.entry import StoreName
from tattoo_data.model.keys import split_item_key
from tattoo_data.views.diff import Became, Comparison, Content, Difference, place_in_order

_LISTED = 20
_LONG = 60
#: How much of what two long values have in common is shown before they differ.
_AHEAD = 15
_SIGNS = {Became.CREATED: "+", Became.DELETED: "-", Became.CHANGED: "~"}
_STYLES = {Became.CREATED: "green", Became.DELETED: "red", Became.CHANGED: "yellow"}
_COLUMNS = ("created", "deleted", "changed", "same")
Print = Callable[[str, str], None]


def show_comparison(invocation: Invocation, env: Environment, found: Comparison, keys: str | None) -> None:
    """Print what was compared and what differs."""
    if keys is not None and not any(each.compared for each in found.summary.values()):
        invocation.output.say(f"note: no key on either side is like {keys!r}.")
    if invocation.output.json:
        _show_json(invocation, env, found, keys)
    else:
        _show_text(invocation, found)


def _show_json(invocation: Invocation, env: Environment, found: Comparison, keys: str | None) -> None:
    document = envelope(
        invocation,
        env,
        a=_side(found.a),
        b=_side(found.b),
        keys=keys,
        equal=found.is_equal,
        summary={name.value: asdict(counts) for name, counts in found.summary.items()},
        notCompared=[{"store": name.value, "reason": why} for name, why in found.skipped.items()],
    )
    invocation.output.document(document, differences=map(_difference, found.every()))


def _side(content: Content) -> dict[str, Any]:
    side = content.side
    return {
        "side": side.explicit,
        "kind": side.kind.value,
        "name": side.name,
        "description": side.words,
        "asOf": side.as_of.isoformat() if side.as_of else None,
        "fingerprint": content.fingerprint,
        "stores": {
            name.value: {"count": total.count, "fingerprint": total.hex()} for name, total in content.sums.items()
        },
    }


def _difference(each: Difference) -> dict[str, Any]:
    return {
        "store": each.store.value,
        "key": each.key,
        "change": each.became.value,
        "fields": [_field(change) for change in each.fields()],
    }


def value_change(change: FieldChange, before: str = "before", after: str = "after") -> dict[str, Any]:
    """One value that differs, with what both sides are called; `change` tells a value that is not there from a null of
    a document."""
    return {
        "path": spell_path(change.path),
        "change": change.change,
        before: None if change.before is ABSENT else change.before,
        after: None if change.after is ABSENT else change.after,
    }


def _field(change: FieldChange) -> dict[str, Any]:
    document = value_change(change)
    return {**document, "added": change.added, "removed": change.removed} if change.is_of_sets else document


def _show_text(invocation: Invocation, found: Comparison) -> None:
    output = invocation.output
    differences = sum(counts.differences for counts in found.summary.values())
    words = f"{differences:,} {'difference' if differences == 1 else 'differences'}" if differences else "no difference"
    output.line(f"From {found.a.side.words} to {found.b.side.words}: {words}.")
    rows = [
        [name.value, *(f"{getattr(counts, column):,}" for column in _COLUMNS)] for name, counts in found.summary.items()
    ]
    output.table(["store", *_COLUMNS], rows)
    for name, why in found.skipped.items():
        output.line(f"{name.value} was not compared: {why}.")
    write = _printer(invocation)
    for name in found.summary:
        _show_store(invocation, found, name, write)


def _show_store(invocation: Invocation, found: Comparison, name: StoreName, write: Print) -> None:
    there = found.summary[name].differences
    if not there:
        return
    verbose = bool(invocation.output.verbose)
    invocation.output.line(f"\n{name.value}")
    every = found.differences(name)
    for each in every if verbose else nsmallest(_LISTED, every, key=place_in_order):
        write(f"  {_SIGNS[each.became]} {printable(_spell_key(each))}", _STYLES[each.became])
        fields = each.fields()
        for change in islice(fields, None if verbose else _LISTED):
            write(f"      {printable(_spell(each.store, change, whole=verbose))}", "")
        if len(fields) > _LISTED and not verbose:
            invocation.output.line(f"      ... and {len(fields) - _LISTED:,} more fields")
    if there > _LISTED and not verbose:
        invocation.output.line(f"  ... and {there - _LISTED:,} more of {name.value} (-v shows all)")


def _spell_key(difference: Difference) -> str:
    return " ".join(split_item_key(difference.key)) if difference.store is StoreName.TABLE else difference.key


def _spell(store: StoreName, change: FieldChange, *, whole: bool) -> str:
    """One field in one line: `pricing.hourlyRate: 80 -> 90`."""
    path = spell_path(change.path) or "(all)"
    if change.is_of_sets:
        members = [f"+{_short(_json(each), whole)}" for each in change.added]
        members += [f"-{_short(_json(each), whole)}" for each in change.removed]
        return f"{path} ({_type(store, change.after)}): {' '.join(members)}"
    before, after = _both([_text(store, value) for value in (change.before, change.after)], whole)
    if change.before is ABSENT:
        return f"{path}: added {after}"
    if change.after is ABSENT:
        return f"{path}: removed {before}"
    old, new = _type(store, change.before), _type(store, change.after)
    if old != new:
        return f"{path}: {before} ({old}) -> {after} ({new})"
    return f"{path}: {before} -> {after}"


def _mapping(value: object) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value


def _type(store: StoreName, value: object) -> str:
    """DynamoDB's own name for the type of a value; JSON's for that of a document's."""
    if store is StoreName.TABLE:
        return str(next(iter(_mapping(value))))
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", dict: "object", list: "array", type(None): "null"}
    return names.get(type(value), "number")


def _text(store: StoreName, value: object) -> str:
    if value is ABSENT:
        return ""
    if store is not StoreName.TABLE:
        return _json(value)
    plain = _plain(_mapping(value))
    return f"{_size(plain)} {_json(plain)}" if "B" in _mapping(value) else _json(plain)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _both(texts: list[str], whole: bool) -> list[str]:
    """Two texts, cut so that one sees where they begin to differ."""
    one, other = texts
    common = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
    begin = common - _AHEAD if common > _LONG - 2 * _AHEAD else 0
    return [_short(text, whole, begin) for text in texts]


def _short(text: str, whole: bool, begin: int = 0) -> str:
    if whole or len(text) <= _LONG:
        return text
    part = f"...{text[begin:]}" if begin else text
    return part if len(part) <= _LONG else f"{part[: _LONG - 3]}..."


def _size(base64: object) -> str:
    text = str(base64)
    return f"binary of {len(text) * 3 // 4 - text.count('='):,} bytes"


def _plain(typed: dict[str, Any]) -> object:
    """A typed value as one reads it: numbers as numbers, binary as base64."""
    ((tag, inner),) = typed.items()
    match tag:
        case "N":
            return msgspec.Raw(inner.encode())
        case "NS":
            return [msgspec.Raw(member.encode()) for member in inner]
        case "NULL":
            return None
        case "L":
            return [_plain(member) for member in inner]
        case "M":
            return {name: _plain(member) for name, member in inner.items()}
    return inner


def printable(text: str) -> str:
    """Text without what would move a terminal's cursor: an application's keys may hold anything."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _printer(invocation: Invocation) -> Print:
    """Prints a line, in colour where stdout is a terminal that wants it."""
    if not (sys.stdout.isatty() and colours()):
        return lambda text, style: invocation.output.line(text)
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)

    def show(text: str, style: str) -> None:
        invocation.output.end_progress()
        console.print(Text(text, style=style), soft_wrap=True)

    return show
