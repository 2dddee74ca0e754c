"""The index's door: OpenSearch documents as raw JSON, read through a point in time and written in ready bulks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import msgspec

from tattoo_data.clock import Clock
from tattoo_data.errors import IntegrityFailed, StoreMissing, TattooDataError
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.structure import BUILT_MARK, INDEX_MAPPING, index_structure, mapping_difference, mapping_like
from tattoo_data.stores.base import (
    NOT_ROUTED,
    Description,
    Exchange,
    Limits,
    Outcome,
    Page,
    Routing,
    Target,
    TransientError,
)
from tattoo_data.stores.index_exchange import exchange_documents
from tattoo_data.stores.index_wire import (
    OUTCOMES,
    SearchPage,
    Write,
    decode_any,
    decode_bulk,
    decode_found,
    decode_page,
    delete_line,
    place,
    write_line,
)
from tattoo_data.stores.search import OpenSearchError, SearchClient, is_closed

LIMITS = Limits(entries=1000, size=5_000_000)
PAGE = 1000
_KEEP_ALIVE = "5m"
#: Settings that somebody tuned and an index built in the place of theirs keeps; it says nothing of what documents are.
_TUNED = ("max_result_window", "refresh_interval", "mapping")


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a scan stands in a point in time, and how much of it was read."""

    pit: str
    after: list[Any] | None
    read: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """How new indexes are made, and how many documents a page of a scan holds. `settings` are further settings,
    `aliases` further names that the index is to have where nobody else has them."""

    shards: int = 1
    replicas: int = 0
    page: int = PAGE
    mapping: Mapping[str, Any] = field(default_factory=lambda: INDEX_MAPPING)
    settings: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, Any] = field(default_factory=dict)

    def like(self, structure: Mapping[str, Any]) -> IndexOptions:
        """Such that a new index is made like another, whose `index_structure` this is."""
        settings: Mapping[str, Any] = structure.get("settings", {}).get("index", {})
        return replace(
            self,
            shards=int(settings.get("number_of_shards", self.shards)),
            replicas=int(settings.get("number_of_replicas", self.replicas)),
            mapping=mapping_like(structure),
            settings=_among(settings, ("analysis", *_TUNED)),
            aliases=structure.get("aliases", {}),
        )


class IndexStore:
    """The OpenSearch index, or the alias of that name. A `Store`, which can be built beside and swapped in."""

    name = StoreName.INDEX
    limits = LIMITS

    def __init__(self, index: str, search: SearchClient, clock: Clock, options: IndexOptions) -> None:
        self.index = index
        self._search = search
        self._clock = clock
        self._options = options
        self._engine = ""
        self._sort: str | None = None

    def describe(self) -> Description | None:
        if not self._engine:
            self._engine = self._search.identify()
        live = self._live()
        if live is None:
            return None
        wanted = self._options.mapping
        difference = [each for about in live.values() for each in mapping_difference(about["mappings"], wanted)]
        if len(live) > 1:
            difference = [f"the name is an alias of {len(live)} indexes: {', '.join(live)}"]
        missing = ["the permission to write"] if _blocked(live) else []
        return Description(
            name=self.index,
            engine=self._engine,
            refused=tuple(is_closed(name) for name in _closed(live)),
            rebuild=tuple(difference),
            missing=tuple(missing + [f"the alias {alias}" for alias in self._lacking(live)]),
            structure=self._structure(next(iter(live.values()))),
        )

    def ensure(self) -> None:
        live = self._live()
        if live is None:
            self._create(self.index, built=False)
        for name in _blocked(live or {}):
            self.unblock_writes(name)
        live = live or {self.index: {}}
        actions = [
            {"add": {"index": next(iter(live)), "alias": alias, **about}}
            for alias, about in self._lacking(live).items()
        ]
        if actions:
            self._require("POST", "/_aliases", {"actions": actions})

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        """As many documents as the point in time holds must come in all, or the scan is no scan."""
        at = cursor if isinstance(cursor, _Cursor) else self._open_pit()
        if at is None:
            return Page(())
        page = self._first_page(at) if cursor is None else self._search_page(at)
        hits = page.hits.hits
        entries = [hit.entry() for hit in hits]
        total = page.hits.total.value if page.hits.total else at.total
        read = at.read + len(hits)
        if len(hits) == self._options.page:
            pit = page.pit_id or at.pit
            return Page(entries, _Cursor(pit, hits[-1].sort, read, total), partial(self._end_pit, pit))
        self._end_pit(at.pit)
        if read != total:
            raise IntegrityFailed(
                what=f"the index {self.index} holds {total} documents, but reading it gave {read}",
                hint="Run it again; if it stays, the index itself is damaged.",
            )
        return Page(entries)

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        return self._look([Target(key, routing.get(key)) for key in keys])

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        return self._bulk([(each.key, write_line(each)) for each in entries])

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        return self._bulk([(each.key, delete_line(each.key, each.routing)) for each in targets])

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        """The condition is the version that `get` or `page` gave `before`; without one, the document is read just
        before it is written. A document that changes its routing is deleted and created, in one bulk."""
        return exchange_documents(exchanges, self._bulk, self._look)

    def settle(self) -> None:
        self._json("POST", f"/{self.index}/_refresh", None, tolerate=(404,))

    def shaped(self, structure: Mapping[str, Any]) -> IndexStore:
        return IndexStore(self.index, self._search, self._clock, self._options.like(structure))

    def close(self) -> None:
        self._search.close()

    # Building beside and swapping in (design 5).

    def build_name(self) -> str:
        """A name that no index has yet."""
        return f"{self.index}-{self._clock.now():%Y%m%d%H%M%S}-{self._clock.token(3)}"

    def build(self, name: str | None = None) -> IndexStore:
        """A new, empty index of ours beside this one, to be filled and then published."""
        built = name or self.build_name()
        live: dict[str, Any] = next(iter((self._live() or {}).values()), {})
        self._create(built, built=True, tuned=_among(live.get("settings", {}).get("index", {}), _TUNED))
        return self.at(built)

    def concrete(self) -> list[str]:
        """The indexes behind this name: itself, what the alias names, or none."""
        return list(self._live() or ())

    def is_built(self, concrete: str) -> bool:
        """Whether an index is one that `build` made, and may be removed once it is not used."""
        about = self._require("GET", f"/{concrete}", None)
        mapping = msgspec.json.decode(about)[concrete]["mappings"]
        return BUILT_MARK in (mapping.get("_meta") or {})

    def block_writes(self, concrete: str) -> None:
        """Refuse writes to a plain index from now on, so that nothing written late is lost in the swap."""
        self._require("PUT", f"/{concrete}/_settings", {"index.blocks.write": True})

    def unblock_writes(self, concrete: str) -> None:
        """Take writes again: the swap did not happen."""
        self._require("PUT", f"/{concrete}/_settings", {"index.blocks.write": None})

    def publish(self, built: str, old: Sequence[str]) -> None:
        """Give this name, and every other name that the old ones have, to `built` in one step. A plain index of this
        name goes in the same step; a built one stays, nameless, until it was looked at once more."""
        live = self._live() or {}
        names = {name: live[name].get("aliases", {}) for name in old if name in live}
        adds = {alias: about for aliases in names.values() for alias, about in aliases.items()} | {self.index: {}}
        actions = [{"add": {"index": built, "alias": alias, **about}} for alias, about in adds.items()]
        for name, aliases in names.items():
            if name == self.index:
                actions.append({"remove_index": {"index": name}})
            else:
                actions += [{"remove": {"index": name, "alias": alias}} for alias in aliases]
        self._require("POST", "/_aliases", {"actions": actions})

    def remove(self, concrete: str) -> None:
        """Remove an index that is not used any more."""
        self._json("DELETE", f"/{concrete}", None, tolerate=(404,))

    def orphans(self) -> list[str]:
        """Indexes that `build` made for this name and that no alias uses: left by a command that was killed."""
        answer = self._json("GET", f"/{self.index}-*", None, params={"allow_no_indices": "true"}, tolerate=(404,))
        indexes: dict[str, Any] = msgspec.json.decode(answer) if answer else {}
        return [
            name
            for name, about in indexes.items()
            if (about["mappings"].get("_meta") or {}).get(BUILT_MARK, {}).get("for") == self.index
            and not about.get("aliases")
        ]

    def at(self, concrete: str) -> IndexStore:
        """The same door to one concrete index."""
        return IndexStore(concrete, self._search, self._clock, self._options)

    def search(self, body: dict[str, Any]) -> Any:
        """One search as the application sends it; the decoded answer. Raises `StoreMissing` without an index."""
        answer = self._json("POST", f"/{self.index}/_search", body, tolerate=(404,))
        if answer is None:
            raise StoreMissing(store="index", name=self.index, endpoint=self._search.endpoint.url)
        return decode_any(answer)

    # Requests.

    def _live(self) -> dict[str, Any] | None:
        answer = self._json("GET", f"/{self.index}", None, tolerate=(404,))
        return None if answer is None else msgspec.json.decode(answer)

    def _structure(self, about: Mapping[str, Any]) -> dict[str, Any]:
        found = index_structure(about)
        return {**found, "aliases": {alias: each for alias, each in found["aliases"].items() if alias != self.index}}

    def _lacking(self, live: Mapping[str, Any]) -> dict[str, Any]:
        """The aliases that are wanted, not there, and no other index's: names that others use are not shared."""
        there = {alias for about in live.values() for alias in about.get("aliases", {})} | {self.index}
        wanted = {alias: about for alias, about in self._options.aliases.items() if alias not in there}
        return {each: wanted[each] for each in wanted if self._json("GET", f"/{each}", None, tolerate=(404,)) is None}

    def _create(self, name: str, *, built: bool, tuned: Mapping[str, Any] = MappingProxyType({})) -> None:
        mark = {BUILT_MARK: {"for": self.index}}
        body = {
            "settings": {
                "number_of_shards": self._options.shards,
                "number_of_replicas": self._options.replicas,
                **tuned,
                **self._options.settings,
            },
            "mappings": {**self._options.mapping, **({"_meta": mark} if built else {})},
        }
        try:
            self._search.ask("PUT", f"/{name}", body, operation="create index")
        except OpenSearchError as error:
            if error.kind != "resource_already_exists_exception":  # another command makes it just now
                raise self._search.unexpected(error, "create index") from error

    def _open_pit(self) -> _Cursor | None:
        self.settle()
        path = f"/{self.index}/_search/point_in_time"
        answer = self._json("POST", path, None, params={"keep_alive": _KEEP_ALIVE}, tolerate=(404,))
        return None if answer is None else _Cursor(str(msgspec.json.decode(answer)["pit_id"]), None, 0, 0)

    def _end_pit(self, pit: str) -> None:
        with suppress(TattooDataError):  # one that stays open ends by itself
            self._json("DELETE", "/_search/point_in_time", {"pit_id": [pit]}, tolerate=(404,))

    def _first_page(self, at: _Cursor) -> SearchPage:
        """The first page, or no point in time either: who asks again opens another."""
        try:
            return self._search_page(at)
        except TattooDataError:
            self._end_pit(at.pit)
            raise

    def _search_page(self, at: _Cursor) -> SearchPage:
        body: dict[str, Any] = {
            "size": self._options.page,
            "pit": {"id": at.pit, "keep_alive": _KEEP_ALIVE},
            "query": {"match_all": {}},
            "track_total_hits": at.after is None,
            "seq_no_primary_term": True,
        }
        if at.after is not None:
            body["search_after"] = at.after
        if self._sort is None:
            self._sort = self._probe_sort(body)
        # OpenSearch 2 finds no `_id` in an index that never held a document, unless it is told what that would be.
        order = {"order": "asc"} | ({"unmapped_type": "keyword"} if self._sort == "_id" else {})
        return decode_page(self._require("POST", "/_search", body | {"sort": [{self._sort: order}]}))

    def _probe_sort(self, body: dict[str, Any]) -> str:
        """`_shard_doc` is the cheap total order of a point in time; before 3.x it is not known, and `_id` is the
        other one that loses nothing (`_doc` repeats between shards)."""
        probe = body | {"size": 0, "sort": [{"_shard_doc": "asc"}]}
        return "_id" if self._json("POST", "/_search", probe, tolerate=(400,)) is None else "_shard_doc"

    def _look(self, places: Sequence[Target]) -> list[Entry]:
        """The documents at these places: a routing leads to the shard."""
        found: list[Entry] = []
        for start in range(0, len(places), PAGE):
            body = {"docs": [place(each.key, each.routing) for each in places[start : start + PAGE]]}
            answer = self._json("POST", f"/{self.index}/_mget", body, params={"realtime": "true"}, tolerate=(404,))
            if answer is None:
                return []
            found += decode_found(answer).entries()
        return found

    def _bulk(self, writes: Sequence[Write]) -> list[Outcome]:
        if not writes:
            return []
        body = b"\n".join([*(line for _, lines in writes for line in lines), b""])
        try:
            answer = self._search.ask(
                "POST", f"/{self.index}/_bulk", body, params={"filter_path": OUTCOMES}, operation="bulk"
            )
        except OpenSearchError as error:
            if len(writes) > 1 and error.status == 413:  # too large for the engine
                half = len(writes) // 2
                return self._bulk(writes[:half]) + self._bulk(writes[half:])
            raise self._search.unexpected(error, "bulk") from error
        done = decode_bulk(answer)
        if len(done.items) != len(writes):
            raise TransientError(
                service="opensearch",
                endpoint=self._search.endpoint.url,
                operation="bulk",
                reason=f"{len(writes)} entries were sent, {len(done.items)} were answered",
            )
        return done.outcomes(key for key, _ in writes)

    def _require(self, method: str, path: str, body: Any) -> bytes:
        answer = self._json(method, path, body)
        assert answer is not None
        return answer

    def _json(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        params: dict[str, str] | None = None,
        tolerate: tuple[int, ...] = (),
    ) -> bytes | None:
        """One request; None where it was answered with a status of `tolerate`."""
        try:
            return self._search.ask(method, path, body, params=params)
        except OpenSearchError as error:
            if error.status in tolerate:
                return None
            raise self._search.unexpected(error, f"{method} {path}") from error


def _among(settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: settings[name] for name in names if name in settings}


def _closed(live: Mapping[str, Any]) -> list[str]:
    """The indexes that somebody closed: they are described, and neither read nor written."""
    settings = {name: about["settings"].get("index", {}) for name, about in live.items()}
    return [name for name, each in settings.items() if str(each.get("verified_before_close")).lower() == "true"]


def _blocked(live: Mapping[str, Any]) -> list[str]:
    """The indexes that take no writes, as a command leaves one that is killed in a swap."""
    blocks = {name: about["settings"].get("index", {}).get("blocks", {}) for name, about in live.items()}
    return [name for name, each in blocks.items() if str(each.get("write")).lower() == "true"]
