"""Validation: what is right is found right, and what is broken is found and named."""

from __future__ import annotations

from typing import Any

import msgspec

from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import item_key
from tattoo_data.selftest.bench import Bench
from tattoo_data.selftest.check import Category, Check, expect, same
from tattoo_data.stores.base import Target, scan

#: What is wrong with it, and by which rules.
_BROKEN = {
    "artistId": "selftest-broken",
    "artistName": "Nobody",
    "instagramHandle": "no handle at all",
    "styles": ["no-such-style"],
    "locationDisplay": "Nowhere",
    "geohash": "ail",
    "rating": 7,
    "reviewCount": 3,
}
_RULES = {"handle-form", "style-unknown", "geohash-form", "rating-range"}


def _catalogue(bench: Bench) -> None:
    report = bench.run("data-validator", "files", "--json", bare=True).ended(0).document()
    expect(report["summary"]["checked"] > 0, "no record of the catalogue was checked")
    same("the errors in the catalogue", report["summary"]["errors"], 0)


def _broken_file(bench: Bench) -> None:
    path = bench.folder / "broken.json"
    path.write_bytes(msgspec.json.encode({"artists": [_BROKEN]}))
    report = bench.run("data-validator", "files", str(path), "--json", bare=True).ended(4).document()
    found = {each["rule"] for each in report["findings"] if each["key"] == _BROKEN["artistId"]}
    missing = sorted(_RULES - found)
    expect(not missing, f"of a broken record these rules found nothing: {', '.join(missing)}")


def _live(bench: Bench) -> None:
    bench.hold("minimal")
    report = bench.ok("data-validator", "all", "--json").document()
    checked = report["checked"]
    expect(checked.get("table") and checked.get("index"), "no record of the live stores was checked")


def _broken_item(bench: Bench) -> None:
    bench.hold("minimal")
    body = b'{"PK":{"S":"STYLE#selftest"},"SK":{"S":"METADATA"},"styleId":{"S":"another"}}'
    bench.env.stores.table.put([Entry(item_key("STYLE#selftest", "METADATA"), body)])
    report = bench.run("data-validator", "database", "--json").ended(4).document()
    rules = _rules_of(report, item_key("STYLE#selftest", "METADATA"))
    expect({"id-differs-from-key", "required-field"} <= rules, f"of a broken item only {sorted(rules)} was found")


def _lost_document(bench: Bench) -> None:
    bench.hold("minimal")
    bench.ok("data-validator", "consistency")
    index = bench.env.stores.index
    lost = min(entry.key for entry in scan(index))
    index.delete([Target(lost)])
    index.settle()
    report = bench.run("data-validator", "consistency", "--json").ended(4).document()
    same("the rules that a lost document breaks", _rules_of(report, lost), {"document-missing"})


def _rules_of(report: Any, key: str) -> set[str]:
    return {each["rule"] for each in report["findings"] if each["key"] == key}


CHECKS = (
    Check(
        category=Category.VALIDATION,
        name="catalogue",
        proves="the records that ship are valid",
        act=_catalogue,
        target=False,
    ),
    Check(
        category=Category.VALIDATION,
        name="broken-file",
        proves="a broken record of a file is found by every rule that it breaks, exit 4",
        act=_broken_file,
        target=False,
    ),
    Check(
        category=Category.VALIDATION,
        name="live-stores",
        proves="stores that hold a reset state are valid and agree",
        act=_live,
    ),
    Check(
        category=Category.VALIDATION,
        name="broken-item",
        proves="a broken item of the table is found, exit 4",
        act=_broken_item,
    ),
    Check(
        category=Category.VALIDATION,
        name="lost-document",
        proves="a document that is missing from the index is found, exit 4",
        act=_lost_document,
    ),
)
