"""Round trip: every type that a store can hold comes back byte for byte from each way out and in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing

import msgspec

from tattoo_data.model.canonical import canonical_document, canonical_item, canonical_object
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.keys import item_key, record_key
from tattoo_data.model.records import Kind
from tattoo_data.selftest.bench import Bench
from tattoo_data.selftest.check import Category, Check, expect, same

_DIGITS = "12345678901234567890123456789012345678"
_SMALL = "-0.00000000000000000000000000000000000001"
#: All ten types, in canonical bytes written by hand, so that no code of ours says what they should be.
_ITEMS: Mapping[str, bytes] = {
    item_key("SELFTEST#types", "all"): (
        b'{"PK":{"S":"SELFTEST#types"},"SK":{"S":"all"},"binaries":{"BS":["/w==","AA=="]},"binary":{"B":"AP8="},'
        b'"digits":{"N":"%s"},"empty":{"S":""},"list":{"L":[{"B":"AQ=="},{"NULL":true},{"SS":["a","b"]},{"S":""}]},'
        b'"map":{"M":{"a b":{"BOOL":true},"deep":{"M":{"n":{"N":"%s"}}}}},"no":{"BOOL":false},"nothing":{"L":[]},'
        b'"numbers":{"NS":["-1","2.5"]},"strings":{"SS":["z","\xc3\xa9"]}}' % (_DIGITS.encode(), _SMALL.encode())
    ),
    record_key(Kind.ARTIST, "selftest-node", "PROFILE"): (
        b'{"PK":{"S":"ARTIST#selftest-node"},"SK":{"S":"PROFILE"},"artistName":{"S":"quo\\"te \\\\ \xe2\x80\xa8"}}'
    ),
}
_DOCUMENT = Entry(
    "selftest odd/\xe9",
    b'{"artistId":["odd"],"deep":{"list":[1,{"a":null},"\xc3\xa9"]},"digits":%s.5,"n":4.5}' % _DIGITS[:20].encode(),
    routing="selftest",
)
_PICTURE = b"\x00\x01 no picture, but every byte counts"
_OBJECT = "selftest/\xe9 1.png"
#: What a record of a file gives, attribute by attribute.
_FIELDS: Mapping[str, tuple[str, bytes]] = {
    "digits": (_DIGITS, b'{"N":"%s"}' % _DIGITS.encode()),
    "small": (_SMALL, b'{"N":"%s"}' % _SMALL.encode()),
    "empty": ('""', b'{"S":""}'),
    "nothing": ("[]", b'{"L":[]}'),
    "none": ("null", b'{"NULL":true}'),
    "yes": ("true", b'{"BOOL":true}'),
    "deep": ('{"list":[1.50,{"a":null},""]}', b'{"M":{"list":{"L":[{"N":"1.5"},{"M":{"a":{"NULL":true}}},{"S":""}]}}}'),
}
_RECORD = "selftest-record"
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _seeded_record(bench: Bench) -> None:
    from tattoo_data.seeding.seed import SeedOptions, seed

    bench.hold("clean")
    fields = ",".join(f'"{name}":{text}' for name, (text, _) in _FIELDS.items())
    known = (
        f'"artistId":"{_RECORD}","artistName":"Self Test","instagramHandle":"self.test","styles":["celtic"],'
        '"locationDisplay":"Leith, Edinburgh","geohash":"gcvwryn"'
    )
    path = bench.folder / "types.json"
    path.write_text(f'{{"artists":[{{{known},{fields}}}]}}', "utf-8")
    done = seed(bench.env, SeedOptions(scenario=str(path)))
    same("the records that seed could not write", len(done.change.failures), 0)
    (item,) = bench.env.stores.table.get([record_key(Kind.ARTIST, _RECORD)]) or [Entry("", b"{}")]
    found = _decode(canonical_item(item.body))
    for name, (_, wanted) in _FIELDS.items():
        same(f"the attribute {name}", bytes(found.get(name, b"")), wanted)
    (document,) = bench.env.stores.index.get([_RECORD]) or [Entry("", b"{}")]
    digits = bytes(_decode(canonical_document(document.body)).get("digits", b""))
    same("the document's field digits", digits, _DIGITS.encode())


def _seed_beside(bench: Bench) -> None:
    from tattoo_data.seeding.seed import SeedOptions, seed

    _hold_odd(bench)
    seed(bench.env, SeedOptions(scenario="minimal"))
    _all_there(bench, "after a seed beside it")


def _backup_and_restore(bench: Bench) -> None:
    from tattoo_data.backups.restore import RestoreOptions, restore
    from tattoo_data.backups.take import TakeOptions, take

    _hold_odd(bench)
    taken = take(bench.env, TakeOptions(name="selftest-types"))
    bench.hold("clean")
    restored = restore(bench.env, RestoreOptions(reference=taken.reference))
    same("whether restore proves its fingerprint", restored.proven, True)
    _all_there(bench, "after backup, clear and restore")


def _export_and_import(bench: Bench) -> None:
    from tattoo_data.transfer.export import ExportOptions, export
    from tattoo_data.transfer.import_files import ImportOptions, import_contents
    from tattoo_data.transfer.read import open_files, read_contents

    _hold_odd(bench)
    exported = export(bench.env, ExportOptions(folder=bench.folder / "types", stores=tuple(StoreName)))
    bench.hold("clean")
    with closing(open_files(exported.path)) as source:
        import_contents(
            bench.env,
            read_contents(source),
            ImportOptions(path=str(exported.path), rejects=bench.folder / "rejects.jsonl"),
        )
    _all_there(bench, "after export, clear and import")


def _clear_and_undo(bench: Bench) -> None:
    from tattoo_data.runs.undo import UndoOptions, undo

    _hold_odd(bench)
    bench.hold("clean")
    undo(bench.env, UndoOptions())
    _all_there(bench, "after clear and undo")


def _hold_odd(bench: Bench) -> None:
    """Write all of it as an application would, into empty stores."""
    bench.hold("clean")
    stores = bench.env.stores
    blob = Blob(_PICTURE, "image/png")
    picture = Entry(_OBJECT, _canonical_picture(), load=lambda: blob)
    entries = {StoreName.TABLE: [Entry(*each) for each in _ITEMS.items()], StoreName.INDEX: [_DOCUMENT]}
    for name, each in (entries | {StoreName.IMAGES: [picture]}).items():
        for outcome in stores[name].put(each):
            expect(outcome.error is None, f"{name} {outcome.key} is refused: {outcome.message}")
        stores[name].settle()


def _all_there(bench: Bench, when: str) -> None:
    stores = bench.env.stores
    items = {entry.key: canonical_item(entry.body) for entry in stores.table.get(list(_ITEMS))}
    for key, wanted in _ITEMS.items():
        same(f"{key} {when}", items.get(key), wanted)
    found = stores.index.get([_DOCUMENT.key], {_DOCUMENT.key: "selftest"})
    documents = [(canonical_document(entry.body), entry.routing) for entry in found]
    same(f"the document and its routing {when}", documents, [(_DOCUMENT.body, _DOCUMENT.routing)])
    pictures = [entry.load() for entry in stores.images.get([_OBJECT]) if entry.load]
    same(f"the object {when}", [(blob.body, blob.content_type) for blob in pictures], [(_PICTURE, "image/png")])


def _canonical_picture() -> bytes:
    return canonical_object(hashlib.md5(_PICTURE, usedforsecurity=False).hexdigest(), len(_PICTURE))


CHECKS = (
    Check(
        category=Category.ROUND_TRIP,
        name="seeded-record",
        proves="38 digits, empty and nested values of a file are in table and index as they stand",
        act=_seeded_record,
    ),
    Check(
        category=Category.ROUND_TRIP,
        name="seed-beside",
        proves="a seed leaves what is beside it as it is, whatever its type",
        act=_seed_beside,
    ),
    Check(
        category=Category.ROUND_TRIP,
        name="backup-restore",
        proves="all ten types, a routed document and an object come back from a backup",
        act=_backup_and_restore,
    ),
    Check(
        category=Category.ROUND_TRIP,
        name="export-import",
        proves="the same come back from an export",
        act=_export_and_import,
    ),
    Check(
        category=Category.ROUND_TRIP,
        name="clear-undo",
        proves="the same come back by undo",
        act=_clear_and_undo,
    ),
)
