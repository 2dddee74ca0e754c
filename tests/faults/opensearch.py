"""OpenSearch's bulks: actions that are not taken for load, and documents that are refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.faults.damage import Damage
from tests.faults.errors import json_answer, refused_action, throttled_action
from tests.faults.messages import Request, Service
from tests.faults.rates import FaultRates

_decode = msgspec.json.decode
_encode = msgspec.json.encode
_NO_SOURCE = "delete"
_NAMES = ("index", "create", "update", "delete")
Patterns = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Action:
    """One action of a bulk with its lines as they came. `key` is the `_id`, or the document where it has none."""

    name: str
    index: str
    key: str
    lines: tuple[bytes, ...]


def damage(request: Request, operation: str, rates: FaultRates, random: Random) -> Damage | None:
    """What becomes of a request to the endpoint `operation`; None where no entry of it is hit. Raises ValueError
    where it cannot be read."""
    if operation != "_bulk":
        return None
    actions = list(_actions(request))
    hit = {number: result for number, each in enumerate(actions) if (result := _result(each, rates, random))}
    if not hit:
        return None
    patterns = _patterns(request.path)
    results = {
        number: filtered({actions[number].name: result}, _below(patterns, "items")) for number, result in hit.items()
    }
    kept = [line for number, each in enumerate(actions) if number not in hit for line in each.lines]
    refused = sum(result["status"] == 400 for result in hit.values())
    counts = {name: count for name, count in (("refused", refused), ("partial", len(hit) - refused)) if count}

    def merge(answer: bytes) -> bytes:
        document = _decode(answer, type=dict[str, msgspec.Raw])
        given = _decode(document.get("items", b"[]"), type=list[msgspec.Raw])
        merged: dict[str, object] = {**document, "items": _in_place(given, results, len(actions))}
        if filtered({"errors": True}, patterns):
            merged["errors"] = True
        return _encode({name: value for name, value in merged.items() if name != "items" or value})

    if not kept:
        empty = json_answer(Service.OPENSEARCH, 200, filtered({"took": 1, "errors": True}, patterns))
        return Damage(answer=empty.with_body(merge(empty.body)), counts=counts)
    return Damage(forwarded=request.with_body(b"\n".join(kept) + b"\n"), merge=merge, counts=counts)


def _actions(request: Request) -> Iterator[_Action]:
    own_index = urlsplit(request.path).path.strip("/").rpartition("_bulk")[0].strip("/")
    lines = iter(line for line in request.body.split(b"\n") if line.strip())
    for line in lines:
        ((name, about),) = _decode(line, type=dict[str, dict[str, Any]]).items()
        if name not in _NAMES:
            raise ValueError(f"no action of a bulk: {name}")
        source = () if name == _NO_SOURCE else (next(lines, b""),)
        key = str(about["_id"]) if "_id" in about else b"".join(source).decode()
        yield _Action(name=name, index=str(about.get("_index", own_index)), key=key, lines=(line, *source))


def _result(action: _Action, rates: FaultRates, random: Random) -> dict[str, object] | None:
    drawn = random.random() < rates.partial  # first, so that what is refused shifts no other draw
    if rates.refuses(action.key):
        return refused_action(action.index, action.key)
    return throttled_action(action.index, action.key) if drawn else None


def _in_place(given: Sequence[msgspec.Raw], results: dict[int, Any], count: int) -> list[object]:
    """The engine's results with ours between them. A filter takes results without a field it names away, and so it
    may have taken some of the engine's: then ours come first."""
    if len(given) != count - len(results):
        return [*(result for result in results.values() if result), *given]
    theirs = iter(given)
    placed = (results[number] if number in results else next(theirs) for number in range(count))
    return [each for each in placed if each]


def _patterns(path: str) -> Patterns:
    asked = parse_qs(urlsplit(path).query).get("filter_path", [])
    return [pattern.split(".") for each in asked for pattern in each.split(",")] or [["*"]]


def _below(patterns: Patterns, name: str) -> Patterns:
    """The patterns as they go on under a field; one that ends there takes all of it."""
    return [pattern[1:] or ["*"] for pattern in patterns if fnmatchcase(name, pattern[0])]


def filtered(value: dict[str, Any], patterns: Patterns) -> dict[str, Any]:
    """The fields of a document that `filter_path` lets through: a name for each level, `*` for any text in it."""
    found: dict[str, Any] = {}
    for name, inner in value.items():
        below = _below(patterns, name)
        if isinstance(inner, dict):
            inner = filtered(inner, below)
            if inner:
                found[name] = inner
        elif any(pattern == ["*"] for pattern in below):
            found[name] = inner
    return found
