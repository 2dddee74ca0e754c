"""Mend: what can be put right without guessing, as functions from a record to a record. Pure.

A mend takes nothing for granted that the record does not say itself: what is derived is derived again, what is spelled
otherwise is spelled as usual, and of two records that contradict each other the artist's is believed. It changes only
what its rule finds wrong: a value of another type, a field of another kind's and a record that is right by now stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pygeohash import encode

from tattoo_data.model.entry import Entry
from tattoo_data.model.exact import exact_fields, field_changes, item_with
from tattoo_data.model.keys import RecordKey, index_keys, record_of
from tattoo_data.model.project import record_fields
from tattoo_data.model.records import Kind
from tattoo_data.validation.geography import in_united_kingdom, is_around, is_geohash
from tattoo_data.validation.records import INDEX_KEYS, check_item
from tattoo_data.validation.rule import Rule
from tattoo_data.validation.rules import artist, cross, shared

Fields = dict[str, Any]
Mend = Callable[[Fields, RecordKey], None]
_PRECISION = 7
_HANDLE = re.compile(r"[A-Za-z0-9._]{1,30}", re.ASCII)


def _own_id(fields: Fields, record: RecordKey) -> None:
    if isinstance(fields.get(record.kind.id_field), str):
        fields[record.kind.id_field] = record.id


def _plain_handle(fields: Fields, record: RecordKey) -> None:
    handle = fields.get("instagramHandle")
    if isinstance(handle, str) and _HANDLE.fullmatch(bare := handle.strip().removeprefix("@")):
        fields["instagramHandle"] = bare


def _geohash_of_place(fields: Fields, record: RecordKey) -> None:
    """Coordinates abroad are no better than the geohash: latitude and longitude may be changed round."""
    geohash = fields.get("geohash")
    latitude, longitude = (shared.number_of(fields.get(name)) for name in ("latitude", "longitude"))
    if not isinstance(geohash, str) or not geohash or latitude is None or longitude is None:
        return
    formed = is_geohash(geohash)
    if not in_united_kingdom(latitude, longitude) or (formed and is_around(geohash, latitude, longitude)):
        return
    fields["geohash"] = encode(latitude, longitude, precision=len(geohash) if formed else _PRECISION)


def _usual_postcode(fields: Fields, record: RecordKey) -> None:
    holder = fields.get("studioInfo") if record.kind is Kind.ARTIST else fields
    if isinstance(holder, dict) and isinstance(text := holder.get("postcode"), str):
        holder["postcode"] = shared.usual_postcode(text) or text


def _each_specialty_once(fields: Fields, record: RecordKey) -> None:
    specialties = fields.get("specialties")
    if not isinstance(specialties, list):
        return
    said: set[str] = set()
    kept: list[object] = []
    for each in specialties:
        spelled = each.strip().lower() if isinstance(each, str) else None
        if spelled is None or (spelled and spelled not in said):
            kept.append(each)
        if spelled is not None:
            said.add(spelled)
    fields["specialties"] = kept


#: What mends one record, by the rule that finds it wrong.
MENDS: Mapping[str, Mend] = {
    cross.OTHER_ID.id: _own_id,
    artist.HANDLE.id: _plain_handle,
    shared.GEOHASH.id: _geohash_of_place,
    shared.ELSEWHERE.id: _geohash_of_place,
    shared.POSTCODE_SPELLING.id: _usual_postcode,
    shared.SPECIALTY.id: _each_specialty_once,
}
#: Rules of one record that are mended beside those: the keys, and what a studio lists.
KEYS: Rule = cross.INDEX_KEY
LISTS: tuple[Rule, ...] = (cross.NOT_LISTED, cross.LISTS_OTHER, cross.LISTS_NOBODY)


def mended(item: Entry, rules: Collection[str], listed: Collection[str] = (), unlisted: Collection[str] = ()) -> Entry:
    """The item of a record with everything mended that these rules find wrong in it, the keys of its indexes with what
    they are made of; the very item where nothing is to be done. A studio gets `listed` into its artists, and
    `unlisted` out of them. Raises ValueError where the item cannot be read."""
    record = record_of(item.key)
    if record is None:
        return item
    before, fields = exact_fields(item.body), exact_fields(item.body)
    for rule in rules:
        if rule in MENDS:
            MENDS[rule](fields, record)
    if record.kind is Kind.STUDIO and (listed or unlisted):
        _list(fields, set(listed), set(unlisted))
    changes = field_changes(before, fields)
    made = item_with(item, changes) if changes else item
    keys = _changed_keys(record.kind, item, made) | (_wrong_keys(record.kind, made) if KEYS.id in rules else {})
    return item_with(made, keys) if keys else made


def _list(fields: Fields, listed: set[str], unlisted: set[str]) -> None:
    artists = fields.get("artists")
    if isinstance(artists, set) and all(isinstance(each, str) for each in artists):
        fields["artists"] = (artists - unlisted) | listed or []  # a set of DynamoDB's is never empty
    elif isinstance(artists, list) or (artists is None and listed):
        kept = [each for each in artists or () if not (isinstance(each, str) and each in unlisted)]
        fields["artists"] = kept + [each for each in sorted(listed) if each not in kept]


def _changed_keys(kind: Kind, before: Entry, after: Entry) -> dict[str, dict[str, str] | None]:
    """The keys of secondary indexes whose fields were mended; one that was made otherwise of the same fields stays."""
    if before is after:
        return {}
    was, now = _index_keys(kind, before), _index_keys(kind, after)
    return {name: _typed(now.get(name)) for name in INDEX_KEYS if was.get(name) != now.get(name)}


def _wrong_keys(kind: Kind, item: Entry) -> dict[str, dict[str, str] | None]:
    """Those that are not what the record gives. Another shard than ours is as good."""
    wrong = [problem.field for problem in check_item(item).problems if problem.rule is KEYS]
    right = _index_keys(kind, item) if wrong else {}
    return {name: _typed(right.get(name)) for name in wrong}


def _index_keys(kind: Kind, item: Entry) -> dict[str, str]:
    return index_keys(kind, {kind.id_field: "", **record_fields(item.body)})


def _typed(text: str | None) -> dict[str, str] | None:
    return None if text is None else {"S": text}
