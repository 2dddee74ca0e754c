"""Flips: a byte of a backup flips, a piece of it is cut off, or an object of it goes. It is named, and not restored.

In memory: every object of a snapshot of ours, and of an archive of the Node tool, is hit as often as chance wants.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from tattoo_data.backups.summary import DAMAGED, summaries
from tattoo_data.clock import seeded
from tattoo_data.errors import IntegrityFailed, UnknownName
from tattoo_data.model.entry import Blob, StoreName
from tests.backups.random_items import random_items
from tests.backups.stand import Stand, State, numbered, stand
from tests.formats.builders import node_document, node_export, node_item, tar_gz

_NAME, _ARCHIVE = "all", "node"
#: What the stores hold when a restore is tried.
_OTHER = numbered(3, first=900, text="Mae")
#: How many of the hits may leave what was kept whole: a bit that says nothing, in the head of a frame.
_HARMLESS = 0.05
Held = dict[StoreName, dict[str, Any]]


@dataclass(slots=True)
class Report:
    """How often what was hit, and what was not as it should be. `harmless` hits left all that was kept whole."""

    hits: Counter[str] = field(default_factory=Counter)
    harmless: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        hits = ", ".join(f"{name} {count:,}" for name, count in sorted(self.hits.items()))
        return (
            f"{self.hits.total():,} hits ({hits}); {self.harmless} changed nothing of the content; "
            f"{len(self.wrong)} wrong" + "".join(f"\n  {each}" for each in self.wrong)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """Where it happens: a target with a snapshot and an archive, and what each of them gives back."""

    here: Stand
    other: Held
    kept: dict[str, Held]


def run(count: int, seed: int, tell: Callable[[str], None] = lambda text: None) -> Report:
    """Hit objects `count` times, and mend each before the next."""
    random, report = seeded(seed), Report()
    with _range(random) as at:
        for number in range(count):
            found = _hit(at, random, report)
            report.wrong += found
            if found or (number + 1) % 100 == 0:
                tell(f"{number + 1}/{count}: {'; '.join(found) or 'right'}")
    if report.harmless > max(3, _HARMLESS * count):
        report.wrong.append(f"{report.harmless} hits were not noticed")
    return report


@contextmanager
def _range(random: Random) -> Iterator[_Range]:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(4) as pool:
        here = stand(Path(folder), pool)
        here.hold(_state(random))
        kept = {_NAME: here.held()}
        here.snapshot(_NAME)
        here.vault.place(f"{_ARCHIVE}.tar.gz", _archive(Path(folder)))
        here.hold(_OTHER)
        other = here.held()
        here.restore(_ARCHIVE, write={"undo": False})
        kept[_ARCHIVE] = here.held()
        _forget(here)
        yield _Range(here=here, other=other, kept=kept)


def _state(random: Random) -> State:
    """Items of all types in several packs, documents with routing, and images."""
    items = {
        (item["PK"]["S"], item["SK"]["S"]): {**item, "padding": {"S": random.randbytes(3_000).hex()}}
        for entry in random_items(random.randrange(1_000), 250)
        for item in [msgspec.json.decode(entry.body)]
    }
    documents = {f"id {number}/é": (b'{"n": 4.50}', f"r{number}" if number % 3 else None) for number in range(80)}
    images = {f"pictures/{number}.png": Blob(random.randbytes(1 + 40 * number), "image/png") for number in range(20)}
    return State(items=items, documents=documents, images=images)


def _archive(folder: Path) -> bytes:
    artists, documents = [node_item(number) for number in range(40)], [node_document(number) for number in range(40)]
    return tar_gz(node_export(folder / "node", artists, documents))


def _hit(at: _Range, random: Random, report: Report) -> list[str]:
    """Damage one object, look what is said of it and what a restore does, and mend it."""
    vault = at.here.vault
    kind = random.choice(["packs/", "objects/", "snapshots/", _ARCHIVE])
    key = random.choice(vault.under(kind))
    whole = vault.held[key]
    how, damaged = _damaged(random, whole[0].body)
    report.hits[f"{how} {key.partition('/')[0] if '/' in key else 'archive'}"] += 1
    if damaged is None:
        del vault.held[key]
    else:
        vault.held[key] = Blob(damaged, whole[0].content_type), whole[1]
    try:
        found = _judged(at, key, report, gone=damaged is None)
    finally:
        vault.held[key] = whole
        _forget(at.here)
    return [f"{how} {key}: {each}" for each in found]


def _damaged(random: Random, body: bytes) -> tuple[str, bytes | None]:
    how = random.choices(["flipped", "cut", "longer", "gone"], [6, 2, 1, 1])[0]
    place = random.randrange(len(body))
    match how:
        case "flipped":
            flipped = body[place] ^ random.randint(1, 255)
            return how, body[:place] + bytes([flipped]) + body[place + 1 :]
        case "cut":
            return how, body[:place]
        case "longer":
            return how, body + random.randbytes(random.randint(1, 9))
    return how, None


def _judged(at: _Range, key: str, report: Report, *, gone: bool) -> list[str]:
    """What is wrong with what is said of a damaged object, and with what a restore makes of it."""
    reference = _ARCHIVE if "/" not in key else _NAME
    named = [each for damage in at.here.damage().values() for each in damage]
    missing = gone and ("/" not in key or key.startswith("snapshots/"))
    wrong = [f"verify names other objects: {named}"] if any(key not in each for each in named) else []
    listed = {each.name: each.kind for each in summaries(at.here.env)}
    if missing == (reference in listed):
        wrong.append(f"it is listed as {listed.get(reference)}")
    if key.startswith("snapshots/") and not gone and listed.get(reference) != DAMAGED:
        wrong.append(f"it is listed as {listed.get(reference)}")
    try:
        at.here.restore(reference)
    except UnknownName as error:
        wrong += [] if missing else [f"a restore says: {error.message}"]
    except IntegrityFailed as error:
        wrong += [] if key in error.message and not missing else [f"a restore says: {error.message}"]
        wrong += [] if named else ["a restore refuses it, and verify does not name it"]
    else:
        report.harmless += 1
        wrong += ["a restore takes it, and verify names it"] if named else []
        wrong += [] if at.here.held() == at.kept[reference] else ["a restore gives something else"]
        at.here.hold(_OTHER)
        return wrong
    wrong += [] if at.here.held() == at.other else ["a restore was refused, and the stores are not as before"]
    wrong += ["a run was begun"] if at.here.vault.under("runs/") else []
    return wrong


def _forget(here: Stand) -> None:
    """The stores hold what they did, and nothing was written."""
    if here.vault.under("runs/"):
        here.hold(_OTHER)
    for key in [key for key in here.vault.held if key.startswith(("runs/", "locks/"))]:
        del here.vault.held[key]
