"""A stub of OpenSearch: documents as the raw JSON they came in, read through points in time and written in bulks.

Its version of a document is a checksum of the body, so that conditional writes hold without a counter being kept. It
searches nothing: a search without a point in time finds whatever was written, so that who proves that something can
be found is not told the contrary.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count, islice
from typing import Any

import msgspec

from bench.stub.bulk import Action, actions_of
from bench.stub.http import Reply, Request
from bench.stub.rows import BUCKETS, Row, Rows, Rule, View

_ABOUT = b'{"name":"stub","cluster_name":"stub","version":{"distribution":"opensearch","number":"3.0.0"}}'
_PLACES = 1 << 20
_encode = msgspec.json.encode
_decode = msgspec.json.decode


class Failed(Exception):
    """An answer that is an error: its status, type and reason."""


@dataclass(slots=True)
class Index:
    """One index. `routing` holds the documents that have one."""

    name: str
    rows: Rows
    mappings: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    aliases: set[str] = field(default_factory=set)
    routing: dict[str, str] = field(default_factory=dict)
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class _Pit:
    index: Index
    view: View


class Indexes:
    """Every index, by name. Called with a request, it gives the reply."""

    def __init__(self) -> None:
        self._indexes: dict[str, Index] = {}
        self._pits: dict[str, _Pit] = {}
        self._numbers = count(1)
        self._routes: Sequence[tuple[re.Pattern[str], Callable[..., bytes]]] = [
            (re.compile(f"{method} {path}"), answer)
            for method, path, answer in (
                ("(?:GET|HEAD)", "/", lambda request: _ABOUT),
                ("POST", "/_search", self._read),
                ("POST", "/_aliases", self._alias),
                ("POST", "(?:/([^/_][^/]*))?/_bulk", self._bulk),
                ("DELETE", "/_search/point_in_time", self._close),
                ("POST", "/_search/scroll", self._scroll),
                ("DELETE", "/_search/scroll", self._close),
                ("POST", "/([^/_][^/]*)/_search/point_in_time", self._open),
                ("POST", "/([^/_][^/]*)/_search", self._search),
                ("POST", "/([^/_][^/]*)/_mget", self._get),
                ("(?:GET|POST)", "/([^/_][^/]*)/_count", self._count),
                ("(?:GET|POST)", "/([^/_][^/]*)/_refresh", self._refresh),
                ("PUT", "/([^/_][^/]*)/_settings", self._set),
                ("(?:GET|HEAD)", "/([^/_][^/]*)", self._show),
                ("PUT", "/([^/_][^/]*)", self._create),
                ("DELETE", "/([^/_][^/]*)", self._delete),
            )
        ]

    def __call__(self, request: Request) -> Reply:
        asked = f"{request.method} {request.path}"
        for pattern, answer in self._routes:
            if match := pattern.fullmatch(asked):
                try:
                    return Reply(200, answer(request, *match.groups()))
                except Failed as failed:
                    status, kind, reason = failed.args
                    error = {"type": kind, "reason": reason, "root_cause": [{"type": kind, "reason": reason}]}
                    return Reply(status, _encode({"error": error, "status": status}))
        return Reply(400, _encode({"error": f"the stub does not know {asked}", "status": 400}))

    def make(self, name: str, body: dict[str, Any], rule: Rule) -> None:
        """An index that holds the documents of a rule."""
        self._indexes[name] = Index(name, Rows(rule), body.get("mappings", {}), body.get("settings", {}))

    # Indexes and their names.

    def _named(self, name: str) -> list[Index]:
        if "*" in name:
            return [each for each in self._indexes.values() if fnmatchcase(each.name, name)]
        if name in self._indexes:
            return [self._indexes[name]]
        found = [each for each in self._indexes.values() if name in each.aliases]
        if not found:
            raise Failed(404, "index_not_found_exception", f"no such index [{name}]")
        return found

    def _show(self, _: Request, name: str) -> bytes:
        return _encode(
            {
                each.name: {
                    "aliases": {alias: {} for alias in sorted(each.aliases)},
                    "mappings": each.mappings,
                    "settings": {"index": each.settings},
                }
                for each in self._named(name)
            }
        )

    def _create(self, request: Request, name: str) -> bytes:
        if name in self._indexes:
            raise Failed(400, "resource_already_exists_exception", f"index [{name}] already exists")
        self.make(name, _decode(request.body or b"{}"), Rule.none())
        return _encode({"acknowledged": True, "index": name})

    def _delete(self, _: Request, name: str) -> bytes:
        for each in self._named(name):
            del self._indexes[each.name]
        return b'{"acknowledged":true}'

    def _set(self, request: Request, name: str) -> bytes:
        for each in self._named(name):
            for setting, value in _decode(request.body).items():
                if setting != "index.blocks.write":
                    raise Failed(400, "illegal_argument_exception", f"the stub does not know {setting}")
                each.blocked = bool(value)
        return b'{"acknowledged":true}'

    def _alias(self, request: Request) -> bytes:
        for action in _decode(request.body)["actions"]:
            ((verb, about),) = action.items()
            for each in self._named(about["index"]):
                if verb == "remove_index":
                    del self._indexes[each.name]
                else:
                    (each.aliases.add if verb == "add" else each.aliases.discard)(about["alias"])
        return b'{"acknowledged":true}'

    def _refresh(self, _: Request, name: str) -> bytes:
        self._named(name)
        return b"{}"

    # Documents.

    def _count(self, _: Request, name: str) -> bytes:
        return _encode({"count": sum(each.rows.count for each in self._named(name))})

    def _get(self, request: Request, name: str) -> bytes:
        index = self._named(name)[0]
        wanted = _decode(request.body)
        keys = wanted.get("ids") or [each["_id"] for each in wanted.get("docs", ())]
        return b'{"docs":[%s]}' % b",".join(_got(index, key) for key in keys)

    def _bulk(self, request: Request, name: str | None) -> bytes:
        done = [self._write(action, name or action.index) for action in actions_of(request.body)]
        refused = b"false" if all(done_well for done_well, _ in done) else b"true"
        return b'{"took":1,"errors":%s,"items":[%s]}' % (refused, b",".join(item for _, item in done))

    def _write(self, action: Action, name: str) -> tuple[bool, bytes]:
        try:
            status = _written(self._named(name)[0], action)
        except Failed as failed:
            status, kind, reason = failed.args
            error = {"type": kind, "reason": reason}
            return False, _encode({action.verb: {"_id": action.id, "status": status, "error": error}})
        return True, b'{"%s":{"_id":%s,"status":%d}}' % (action.verb.encode(), _encode(action.id), status)

    # Searches.

    def _search(self, request: Request, name: str) -> bytes:
        if "scroll" in request.query:
            return self._scrolled(self._pit(name), 0, int(request.query.get("size", 10)))
        index = self._named(name)[0]
        hits = [_hit(index.name, key, b"{}", b"") for key, _ in islice(index.rows.kept(), 10_000)]
        return _hits(hits, index.rows.count)

    def _open(self, _: Request, name: str) -> bytes:
        return _encode({"pit_id": self._pit(name)})

    def _pit(self, name: str) -> str:
        pit = f"pit-{next(self._numbers)}"
        index = self._named(name)[0]
        self._pits[pit] = _Pit(index, index.rows.view())
        return pit

    def _close(self, request: Request) -> bytes:
        asked = _decode(request.body)
        for name in asked.get("pit_id") or asked["scroll_id"]:
            if pit := self._pits.pop(name.partition(":")[0], None):
                pit.index.rows.forget(pit.view)
        return b'{"pits":[]}'

    def _scroll(self, request: Request) -> bytes:
        name, place, size = _decode(request.body)["scroll_id"].split(":")
        return self._scrolled(name, int(place), int(size))

    def _scrolled(self, name: str, begin: int, size: int) -> bytes:
        """A page of a scroll, whose id is a point in time, where the next page begins, and its size."""
        pit = self._pits.get(name)
        if pit is None:
            raise Failed(404, "search_context_missing_exception", f"no scroll {name}")
        rows = list(islice(_rows(pit.view, begin), size))
        following = rows[-1][0] + 1 if rows else begin
        hits = [_sorted_hit(pit, "_shard_doc", place, row) for place, row in rows]
        shards = b'"_shards":{"total":1,"successful":1,"skipped":0,"failed":0}'
        return b'{"_scroll_id":"%s:%d:%d",%s,%s' % (
            name.encode(),
            following,
            size,
            shards,
            _hits(hits, pit.view.count)[1:],
        )

    def _read(self, request: Request) -> bytes:
        wanted = _decode(request.body)
        pit = self._pits.get(wanted.get("pit", {}).get("id", ""))
        if pit is None:
            raise Failed(404, "search_context_missing_exception", "no such point in time")
        ((sort, _),) = wanted["sort"][0].items()
        after = wanted.get("search_after", [None])[0]
        rows = islice(_rows(pit.view, _place(pit, sort, after)), wanted.get("size", 10))
        hits = [_sorted_hit(pit, sort, place, row) for place, row in rows]
        return _hits(hits, pit.view.count if wanted.get("track_total_hits") else None)


def _place(pit: _Pit, sort: str, after: Any) -> int:
    """Where a page begins: a bucket and a place in it, as one number. By `_id` the order is the same one."""
    if after is None:
        return 0
    if sort == "_shard_doc":
        return int(after) + 1
    bucket = pit.index.rows.bucket_of(after)
    keys = [key for key, _ in pit.view.bucket(bucket)]
    return bucket * _PLACES + keys.index(after) + 1


def _rows(view: View, begin: int) -> Iterator[tuple[int, Row]]:
    first, skip = divmod(begin, _PLACES)
    for number in range(first, BUCKETS):
        for place, row in enumerate(view.bucket(number)):
            if number > first or place >= skip:
                yield number * _PLACES + place, row


def _sorted_hit(pit: _Pit, sort: str, place: int, row: Row) -> bytes:
    key = row[0]
    after = b"%d" % place if sort == "_shard_doc" else _encode(key)
    body = pit.view.body(row)
    return _hit(pit.index.name, key, body, b',"sort":[%s],%s' % (after, _version(pit.index, key, body)))


def _hit(name: str, key: str, body: bytes, more: bytes) -> bytes:
    return b'{"_index":"%s","_id":%s,"_score":null,"_source":%s%s}' % (name.encode(), _encode(key), body, more)


def _hits(hits: list[bytes], total: int | None) -> bytes:
    counted = b"" if total is None else b'"total":{"value":%d,"relation":"eq"},' % total
    return b'{"took":1,"timed_out":false,"hits":{%s"max_score":null,"hits":[%s]}}' % (counted, b",".join(hits))


def _got(index: Index, key: str) -> bytes:
    body = index.rows.get(key)
    name = _encode(key)
    if body is None:
        return b'{"_index":"%s","_id":%s,"found":false}' % (index.name.encode(), name)
    return b'{"_index":"%s","_id":%s,"found":true,"_source":%s,%s}' % (
        index.name.encode(),
        name,
        body,
        _version(index, key, body),
    )


def _version(index: Index, key: str, body: bytes) -> bytes:
    routing = index.routing.get(key)
    routed = b"" if routing is None else b',"_routing":%s' % _encode(routing)
    return b'"_seq_no":%d,"_primary_term":1%s' % (zlib.crc32(body), routed)


def _written(index: Index, action: Action) -> int:
    """Do it; the status of a success. Raises Failed."""
    if index.blocked:
        raise Failed(403, "cluster_block_exception", f"index [{index.name}] blocked by: [FORBIDDEN/8/index write]")
    key, rows = action.id, index.rows
    there = rows.get(key) if action.version is not None or action.verb == "create" else None
    if action.version is not None and (there is None or zlib.crc32(there) != action.version):
        raise Failed(409, "version_conflict_engine_exception", f"[{key}] is another version")
    if action.verb == "create" and there is not None:
        raise Failed(409, "version_conflict_engine_exception", f"[{key}] is there already")
    index.routing.pop(key, None)
    if action.verb == "delete":
        return 200 if rows.delete(key) else 404
    rows.put(key, action.body)
    if action.routing is not None:
        index.routing[key] = action.routing
    return 201
