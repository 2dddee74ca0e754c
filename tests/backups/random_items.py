"""Items of all ten types by the thousand, the same for the same seed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from tattoo_data.clock import seeded
from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import item_key

Typed = dict[str, Any]
#: What texts are made of: quotes, controls, and characters of one to four bytes.
_CHARACTERS = 'abcXYZ 019"\\/\n\t\x01\x7fé\u2028\u2029ß€\ud7ff\ue000😀'
_DEPTH = 3
#: All ten types of DynamoDB.
TYPES = ("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M")


def random_items(seed: int, count: int) -> list[Entry]:
    """Items with keys of their own: records, their other sort keys, and what is no record."""
    random = seeded(seed)
    return [_item(random, number) for number in range(count)]


def _item(random: Random, number: int) -> Entry:
    prefix = random.choice(["ARTIST#", "STUDIO#", "STYLE#", "AUDIT#", "", "é#"])
    pk = f"{prefix}{_text(random)}{number}"
    sk = random.choice(["METADATA", "PROFILE", "2026-11-24", _text(random) + "x"])
    # Each item has one type at least once, so that all of them are there whatever chance does
    fields = {f"field{place}": _value(random, _DEPTH) for place in range(random.randrange(4))}
    fields["kind"] = _MAKERS[TYPES[number % len(TYPES)]](random, _DEPTH)
    item = {"PK": {"S": pk}, "SK": {"S": sk}, **fields}
    names = list(item)
    random.shuffle(names)
    body = json.dumps({name: item[name] for name in names}, ensure_ascii=False)
    return Entry(item_key(pk, sk), body.encode())


def _value(random: Random, depth: int) -> Typed:
    return _MAKERS[random.choice(TYPES if depth else TYPES[:-2])](random, depth)


def _text(random: Random) -> str:
    return "".join(random.choice(_CHARACTERS) for _ in range(random.randrange(8)))


def _number(random: Random) -> str:
    digits = random.randrange(10 ** random.choice([1, 3, 17, 38]))
    exponent = random.choice([0, 0, -1, -20, random.randint(-120, 80)])
    return f"{random.choice(['', '-'])}{digits}" + (f"E{exponent}" if exponent else "")


def _binary(random: Random) -> str:
    return base64.b64encode(random.randbytes(random.randrange(9))).decode()


def _members(random: Random, make: Callable[[Random], str], same: Callable[[str], object]) -> list[str]:
    members = [make(random) for _ in range(random.randint(1, 4))]
    return list({same(each): each for each in members}.values())


def _list(random: Random, depth: int) -> Typed:
    return {"L": [_value(random, depth - 1) for _ in range(random.randrange(4))]}


def _map(random: Random, depth: int) -> Typed:
    return {"M": {_text(random) + "n": _value(random, depth - 1) for _ in range(random.randrange(4))}}


_MAKERS: dict[str, Callable[[Random, int], Typed]] = {
    "S": lambda random, depth: {"S": _text(random)},
    "N": lambda random, depth: {"N": _number(random)},
    "B": lambda random, depth: {"B": _binary(random)},
    "BOOL": lambda random, depth: {"BOOL": random.random() < 0.5},
    "NULL": lambda random, depth: {"NULL": True},
    "SS": lambda random, depth: {"SS": _members(random, lambda each: _text(each) + "s", str)},
    "NS": lambda random, depth: {"NS": _members(random, _number, Decimal)},
    "BS": lambda random, depth: {"BS": _members(random, lambda each: _binary(each) or "AA==", str)},
    "L": _list,
    "M": _map,
}
