"""Broken: benches on which something is not as it should be: programs that lie, stores that lose what they get."""

from __future__ import annotations

import copy
import json
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from tattoo_data.environment import Environment
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.selftest.bench import Bench
from tattoo_data.selftest.programs import Programs, Ran
from tattoo_data.selftest.scratch import Scratch
from tattoo_data.stores.base import NOT_ROUTED, Exchange, Outcome, Page, Routing, Store, Target, TransientError

Break = Callable[[Bench], Bench]
Lie = Callable[[Ran], Ran]
ROUNDED = (b"12345678901234567890123456789012345678", b"12345678901234567000000000000000000000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """Programs of which some lie about how they ended: those whose words hold all of `when`."""

    honest: Programs
    when: tuple[str, ...]
    lie: Lie
    before: Callable[[dict[str, str]], None] = lambda variables: None

    def __call__(self, program: str, *arguments: str, bare: bool = False, **variables: str) -> Ran:
        ran = self.honest(program, *arguments, bare=bare, **variables)
        if not set(self.when) <= {program, *arguments}:
            return ran
        self.before(variables)
        return self.lie(ran)


def program(*when: str, lie: Lie, before: Callable[[dict[str, str]], None] = lambda variables: None) -> Break:
    """Programs of which one lies."""
    return lambda bench: replace(bench, run=Lying(honest=bench.run, when=when, lie=lie, before=before))


def ends(code: int) -> Lie:
    """Another exit code."""
    return lambda ran: replace(ran, code=code)


def without(text: str) -> Lie:
    """One word less on stdout."""
    return lambda ran: replace(ran, stdout=ran.stdout.replace(text, ""))


def adding(text: str) -> Lie:
    """More on stderr."""
    return lambda ran: replace(ran, stderr=ran.stderr + text)


def document(change: Callable[[Any], None]) -> Lie:
    """Another document on stdout."""

    def lie(ran: Ran) -> Ran:
        found = json.loads(ran.stdout)
        change(found)
        return replace(ran, stdout=json.dumps(found))

    return lie


def error(**fields: Any) -> Lie:
    """Another error document."""
    return lambda ran: replace(ran, stderr=json.dumps({"error": {**json.loads(ran.stderr)["error"], **fields}}))


def dial(variables: dict[str, str]) -> None:
    """Connect to where OpenSearch should answer."""
    parts = urlsplit(variables["OPENSEARCH_ENDPOINT"])
    socket.create_connection((parts.hostname or "", parts.port or 0)).close()


class Wrapped:
    """A store that does as another does. A `Store`, to be made worse."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        return self.inner.get(keys, routing)

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        return self.inner.put(entries)

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        return self.inner.exchange(exchanges)

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        return self.inner.delete(targets)

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        return self.inner.page(segment, segments, cursor)

    def shaped(self, structure: Mapping[str, Any]) -> Any:
        other = copy.copy(self)
        other.inner = self.inner.shaped(structure)
        return other


class Forgetful(Wrapped):
    """Once something was deleted, it forgets the first entry of each batch that is put, and says that it is there."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.forgets = False
        self.forgotten: dict[str, Entry] = {}

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        if not (self.forgets and entries):
            return super().put(entries)
        self.forgotten[entries[0].key] = entries[0]
        return [Outcome(entries[0].key), *super().put(entries[1:])]

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        return [*super().get(keys, routing), *(self.forgotten[key] for key in keys if key in self.forgotten)]

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        self.forgets = True
        return super().delete(targets)

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        self.forgets |= any(each.after is None for each in exchanges)
        return super().exchange(exchanges)


class Losing(Wrapped):
    """It says that an entry was written which was not."""

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        return [Outcome(entries[0].key), *super().put(entries[1:])] if entries else []


class LosingLater(Forgetful):
    """The same, and it does not say that it is there."""

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        return self.inner.get(keys, routing)


class Vain(Wrapped):
    """It writes long numbers as JavaScript does, and the first time that it is asked says that it has not."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.claimed: dict[str, Entry] = {}

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        self.claimed |= {entry.key: entry for entry in entries}
        return super().put([_rounded(entry) for entry in entries])

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        return [self.claimed.pop(entry.key, entry) for entry in super().get(keys, routing)]


class Rounding(Wrapped):
    """It scans long numbers as JavaScript does."""

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        page = super().page(segment, segments, cursor)
        return Page([_rounded(entry) for entry in page.entries], page.next)


class Busy(Wrapped):
    """It never takes anything, once something was deleted."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.busy = False

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        if self.busy:
            raise TransientError(service="table", endpoint="here", operation="put", reason="always busy")
        return super().put(entries)

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        self.busy |= any(each.after is None for each in exchanges)
        return super().exchange(exchanges)


class Greedy(Wrapped):
    """Whoever writes to it makes what is no record go."""

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        done = super().put(entries)
        other = [entry.key for page in [self.page(0, 1, None)] for entry in page.entries if "SELFTEST" in entry.key]
        if not any("SELFTEST" in entry.key for entry in entries):
            super().delete([Target(key) for key in other])
        return done


def _rounded(entry: Entry) -> Entry:
    return replace(entry, body=entry.body.replace(*ROUNDED))


def store(name: StoreName, wrap: Callable[[Store], Any], state: str = "") -> Break:
    """A scratch target one of whose stores is another; it holds `state` before it is."""

    def break_(bench: Bench) -> Bench:
        if state:
            bench.hold(state)
        env = bench.env
        stores = replace(env.stores, **{name.value: wrap(env.stores[name])})
        if name is StoreName.INDEX:
            stores = replace(stores, index_door=None)
        return with_env(bench, replace(env, stores=stores))

    return break_


def with_env(bench: Bench, env: Environment) -> Bench:
    """The same bench with another scratch target."""
    scratch = bench.require_scratch()
    return replace(bench, scratch=Scratch(env=env, remover=scratch.remover))


class Lazy:
    """A remover that removes nothing."""

    def remove_table(self, name: str) -> None: ...

    def remove_bucket(self, name: str) -> None: ...

    def remove_index(self, door: object) -> None: ...


def lazy(bench: Bench) -> Bench:
    """A bench that leaves its scratch target where it is."""
    remover: Any = Lazy()
    return replace(bench, scratch=Scratch(env=bench.env, remover=remover))
