"""A target in memory with all its bodies, and arbitrary states of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from hypothesis import strategies as st

from tattoo_data.backups.restore import Restored, RestoreOptions, restore
from tattoo_data.backups.take import Taken, TakeOptions, take
from tattoo_data.backups.verify import verify
from tattoo_data.clock import Clock
from tattoo_data.environment import Environment
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.fingerprint import canonical
from tattoo_data.model.keys import item_key
from tattoo_data.repository.before_images import BeforeImages
from tattoo_data.repository.bodies import Bodies
from tattoo_data.repository.manifests import Kind, Manifests
from tattoo_data.repository.runs import Runs
from tattoo_data.runs.session import WriteOptions
from tattoo_data.stores.base import Store, Target, scan
from tests.backups.vault import BEGUN, Gallery, Vault
from tests.model.strategies import names, texts, values
from tests.runs import desk

TABLE, INDEX, IMAGES = StoreName
#: What a document holds: its bytes, and its routing.
Document = tuple[bytes, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What three stores hold: items in DynamoDB JSON by their keys, documents and images."""

    items: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    documents: Mapping[str, Document] = field(default_factory=dict)
    images: Mapping[str, Blob] = field(default_factory=dict)


@dataclass(slots=True)
class Time:
    """The time of a stand's machine and of its stores, which passes only when it is told to. Sleeping passes it."""

    seconds: float = 0.0

    def clock(self) -> Clock:
        """As an environment carries it."""
        return Clock(now=lambda: BEGUN + timedelta(seconds=self.seconds), monotonic=self.monotonic, sleep=self.passes)

    def monotonic(self) -> float:
        return self.seconds

    def passes(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(slots=True)
class Stand:
    """A target in memory: `time` is its own, `said` is what a user was told."""

    env: Environment
    vault: Vault
    time: Time
    said: list[str]

    @property
    def gallery(self) -> Gallery:
        """The image bucket."""
        return cast(Gallery, self.env.stores.images)

    def hold(self, state: State) -> None:
        """Make the stores hold just this, as somebody else does."""
        for store in self.env.stores:
            store.ensure()
            store.delete([Target(entry.key) for entry in scan(store)])
        self.env.stores.table.put([item(*key, fields) for key, fields in state.items.items()])
        self.env.stores.index.put([Entry(key, *each) for key, each in state.documents.items()])
        for key, blob in state.images.items():
            self.gallery.hang(key, blob)

    def held(self) -> dict[StoreName, dict[str, Any]]:
        """All that the stores hold, in canonical bytes; of an image its body and type."""
        found: dict[StoreName, dict[str, Any]] = {
            store.name: {entry.key: (canonical(store.name, entry.body), entry.routing) for entry in scan(store)}
            for store in self.env.stores
        }
        return found | {IMAGES: {key: self.gallery.blobs[key] for key in found[IMAGES]}}

    def take(self, name: str | None = None, **options: Any) -> Taken:
        """A backup, a second after whatever was before."""
        self.time.passes(1)
        return take(self.env, TakeOptions(name=name, **options))

    def snapshot(self, name: str) -> Taken:
        """A snapshot."""
        return self.take(name, kind=Kind.SNAPSHOT)

    def restore(self, reference: str, *, write: Mapping[str, Any] | None = None, **options: Any) -> Restored:
        """A restore."""
        return restore(self.env, RestoreOptions(reference=reference, write=WriteOptions(**(write or {})), **options))

    def damage(self) -> dict[str, tuple[str, ...]]:
        """What is wrong with each snapshot that is not whole."""
        return {each.reference: each.damage for each in verify(self.env, ()) if each.damage}


def stand(
    folder: Path, pool: Executor, *, vault: Vault | None = None, table: str = "table", table_store: Store | None = None
) -> Stand:
    """A target in memory; two with the same vault share their backup bucket."""
    time = Time()
    vault = vault or Vault()
    vault.clock = time.clock().now
    stores: dict[str, Store] = {"images": Gallery(time.clock().now)}
    made = desk(folder, pool, stores | ({"table": table_store} if table_store else {}))
    repository = cast(Any, vault)
    env = replace(
        made.env,
        target=replace(made.env.target, table=table),
        repository=repository,
        runs=Runs(repository),
        before_images=BeforeImages(repository),
        bodies=Bodies(repository),
        manifests=Manifests(repository),
        clock=time.clock(),
        say=made.said.append,
    )
    return Stand(env, vault, time, made.said)


def item(pk: str, sk: str, fields: Mapping[str, Any]) -> Entry:
    """An item as it is written."""
    body = json.dumps({"PK": {"S": pk}, "SK": {"S": sk}, **fields}, ensure_ascii=False)
    return Entry(item_key(pk, sk), body.encode())


def numbered(count: int, *, first: int = 0, text: str = "Ada") -> State:
    """A state of so many artists, each with its document, and an image for every tenth."""
    span = range(first, first + count)
    return State(
        items={(f"ARTIST#{number:05}", "METADATA"): {"artistName": {"S": f"{text} {number}"}} for number in span},
        documents={
            f"{number:05}": (json.dumps({"artistId": f"{number:05}", "artistName": text}).encode(), None)
            for number in span
        },
        images={f"pictures/{number}.png": Blob(f"{text} {number}".encode(), "image/png") for number in span[::10]},
    )


_keys = texts.filter(bool)
_partitions = st.one_of(st.sampled_from(["ARTIST#a", "ARTIST#b", "STUDIO#s", "STYLE#x", "AUDIT#1"]), _keys)
_sorts = st.one_of(st.sampled_from(["METADATA", "PROFILE"]), _keys)
_fields = st.dictionaries(names.filter(lambda name: name not in ("PK", "SK")), values, max_size=3)
_numbers = st.sampled_from(["4.50", "1E+400", "-0.0", "12345678901234567890123456789012345678", "1e-7", "0", "100"])
_sources = st.dictionaries(texts, _numbers, max_size=3).map(
    lambda fields: ("{" + ", ".join(f"{json.dumps(name)}: {each}" for name, each in fields.items()) + "}").encode()
)
_types = ("image/png", "text/x-odd; q=1", "binary/octet-stream")

states = st.builds(
    State,
    items=st.dictionaries(st.tuples(_partitions, _sorts), _fields, max_size=6),
    documents=st.dictionaries(_keys, _sources, max_size=6).map(
        # What differs in its routing, or in its content type, alone counts as equal: each key has one of its own
        lambda sources: {key: (source, key if len(key) % 2 else None) for key, source in sources.items()}
    ),
    images=st.dictionaries(_keys, st.binary(max_size=6), max_size=6).map(
        lambda bodies: {key: Blob(body, _types[len(key) % 3]) for key, body in bodies.items()}
    ),
)
