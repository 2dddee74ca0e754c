"""Manifests: what is written is what is read, and what is damaged, or named wrongly, is neither."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.errors import BadSetting, IntegrityFailed, StoreError
from tattoo_data.model.entry import Blob, StoreName
from tattoo_data.repository.manifests import (
    Kind,
    Manifest,
    Manifests,
    Stored,
    StoreManifest,
    check_name,
    generated_name,
    is_generated,
    spelled,
)
from tattoo_data.repository.packs import Pack
from tests.backups.vault import BEGUN, Vault

PACK = Pack(prefix="01", name="ab" * 32, bytes=70, stored=40, count=2, fingerprint="0f" * 32)
MANIFEST = Manifest(
    name="before-test-suite",
    kind=Kind.SNAPSHOT,
    created_at=datetime(2026, 11, 22, 10, 30, 0, 123_000, UTC),
    seconds=1.5,
    by="ada@machine",
    tool="1.2.3",
    target="0123456789abcdef",
    source={"awsEndpoint": "http://localhost:4566", "embedded": True},
    as_of=date(2026, 11, 20),
    fingerprint="cd" * 32,
    drift={"table": 2, "index": 0, "images": 1},
    stores={
        StoreName.TABLE: StoreManifest(
            count=2,
            fingerprint="0f" * 32,
            packs=[PACK],
            records={"artists": 1, "other": 1},
            structure={"KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}]},
        ),
        StoreName.INDEX: StoreManifest(count=0, fingerprint="0" * 64, packs=[], structure={"mappings": {"a": None}}),
        StoreName.IMAGES: StoreManifest(count=0, fingerprint="0" * 64, packs=[], records={}),
    },
    objects=12,
)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", fullmatch=True)
BAD_NAMES = [
    "",
    ".",
    "..",
    "-x",
    "_x",
    ".x",
    "../x",
    "a/b",
    "a b",
    "a\n",
    "x$(touch y)",
    "x`touch y`",
    "a;b",
    "a@b",
    "é",
    "a\0",
    "x" * 129,
]


@pytest.fixture
def vault() -> Vault:
    return Vault()


def put(vault: Vault, fields: Mapping[str, Any] | bytes, name: str = "x") -> Stored:
    """A manifest of somebody's, under a name that fits its bytes."""
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    identity = f"2026-11-22T10-30-00-123Z-{hashlib.sha256(body).hexdigest()[:16]}"
    vault.place(f"snapshots/{name}/{identity}.json", body)
    return Stored(name=name, id=identity, modified=BEGUN)


def written(vault: Vault, manifest: Manifest = MANIFEST) -> Any:
    """The fields of a manifest as they lie in the bucket."""
    return json.loads(vault.held[Manifests(vault).write(manifest).key][0].body)


packs = st.builds(
    Pack,
    prefix=st.text("01", max_size=20),
    name=st.binary(min_size=32, max_size=32).map(bytes.hex),
    bytes=st.integers(1, 1 << 40),
    stored=st.integers(1, 1 << 40),
    count=st.integers(1, 1 << 30),
    fingerprint=st.binary(min_size=32, max_size=32).map(bytes.hex),
)
plain = st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(), st.lists, max_leaves=4)
manifests = st.builds(
    Manifest,
    name=NAMES,
    kind=st.sampled_from([kind.value for kind in Kind]),
    created_at=st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)).map(  # noqa: DTZ001  given a zone right here
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
    seconds=st.floats(0, 1e6),
    by=st.text(),
    tool=st.text(),
    target=st.text(),
    source=st.dictionaries(st.text(), plain),
    as_of=st.none() | st.dates(),
    fingerprint=st.text("0123456789abcdef", min_size=64, max_size=64),
    drift=st.dictionaries(st.sampled_from([store.value for store in StoreName]), st.integers(0)),
    stores=st.dictionaries(
        st.sampled_from(StoreName),
        st.builds(
            StoreManifest,
            count=st.integers(0),
            fingerprint=st.text("0123456789abcdef", min_size=64, max_size=64),
            packs=st.lists(packs, max_size=3),
            records=st.dictionaries(st.text(), st.integers(0)),
            structure=st.dictionaries(st.text(), plain),
        ),
    ),
    objects=st.integers(0),
)


@given(manifests)
def test_any_manifest_is_read_as_it_was_written(manifest: Manifest) -> None:
    vault = Vault()
    stored = Manifests(vault).write(manifest)
    assert Manifests(vault).read(stored) == manifest
    assert Manifests(vault).listed() == [replace(stored, modified=BEGUN)]
    assert stored.created_at == manifest.created_at


def test_the_document_of_a_manifest(vault: Vault) -> None:
    assert written(vault) == {
        "format": 1,
        "kind": "snapshot",
        "name": "before-test-suite",
        "createdAt": "2026-11-22T10:30:00.123Z",
        "takenSeconds": 1.5,
        "by": "ada@machine",
        "tool": "1.2.3",
        "target": "0123456789abcdef",
        "source": {"awsEndpoint": "http://localhost:4566", "embedded": True},
        "asOf": "2026-11-20",
        "fingerprint": "cd" * 32,
        "drift": {"table": 2, "index": 0, "images": 1},
        "objectBytes": 12,
        "stores": {
            "table": {
                "count": 2,
                "fingerprint": "0f" * 32,
                "records": {"artists": 1, "other": 1},
                "structure": {"KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}]},
                "packs": [
                    {
                        "prefix": "01",
                        "name": "ab" * 32,
                        "bytes": 70,
                        "storedBytes": 40,
                        "count": 2,
                        "fingerprint": "0f" * 32,
                    }
                ],
            },
            "index": {
                "count": 0,
                "fingerprint": "0" * 64,
                "records": {},
                "structure": {"mappings": {"a": None}},
                "packs": [],
            },
            "images": {"count": 0, "fingerprint": "0" * 64, "records": {}, "structure": {}, "packs": []},
        },
    }


def test_the_name_of_a_manifest_tells_the_time_and_the_hash_of_its_bytes(vault: Vault) -> None:
    stored = Manifests(vault).write(MANIFEST)
    (key,) = vault.under()
    digits = hashlib.sha256(vault.held[key][0].body).hexdigest()[:16]
    assert key == stored.key == f"snapshots/before-test-suite/2026-11-22T10-30-00-123Z-{digits}.json"
    assert stored.reference == f"before-test-suite@2026-11-22T10-30-00-123Z-{digits}"


def test_a_moment_in_another_zone_is_named_in_utc(vault: Vault) -> None:
    there = MANIFEST.created_at.astimezone(timezone(timedelta(hours=-8)))
    assert Manifests(vault).write(replace(MANIFEST, created_at=there)).id.startswith("2026-11-22T10-30-00-123Z")


def test_the_same_manifest_twice_is_one(vault: Vault) -> None:
    first, second = (Manifests(vault).write(MANIFEST) for _ in range(2))
    assert (first, len(vault.under())) == (second, 1)


def test_something_else_in_its_place_is_not_overwritten(vault: Vault) -> None:
    stored = Manifests(vault).write(MANIFEST)
    vault.place(stored.key, b"something else")
    with pytest.raises(StoreError, match="something else is there already"):
        Manifests(vault).write(MANIFEST)
    assert vault.held[stored.key][0].body == b"something else"


def test_versions_of_one_name_stand_beside_each_other_the_newest_first(vault: Vault) -> None:
    made = [
        Manifests(vault).write(replace(MANIFEST, name=name, created_at=MANIFEST.created_at + timedelta(seconds=number)))
        for number, name in enumerate(["b", "a", "c", "a"])
    ]
    assert [each.key for each in Manifests(vault).listed()] == [each.key for each in reversed(made)]


def test_what_is_no_manifest_is_passed_over(vault: Vault) -> None:
    stored = Manifests(vault).write(MANIFEST)
    for key in (
        "snapshots/",
        "snapshots/x",
        "snapshots/x.json",
        "snapshots/x/",
        "snapshots/x/y.json",
        "snapshots/../2026-11-22T10-30-00-123Z-0123456789abcdef.json",
        "snapshots/x/2026-11-22T10-30-00-123Z-0123456789abcdef",
        "snapshots/x/2026-11-22T10-30-00-123Z-0123456789abcdef.json.json",
        "snapshots/x/2026-11-22T10-30-00-123Z-0123456789ABCDEF.json",
        "snapshots/x/2026-13-22T10-30-00-123Z-0123456789abcdef.json",
        "snapshots/x/2026-02-30T10-30-00-123Z-0123456789abcdef.json",
        "snapshots/x/y/2026-11-22T10-30-00-123Z-0123456789abcdef.json",
        "packs/2026-11-22T10-30-00-123Z-0123456789abcdef.json",
    ):
        vault.place(key, b"{}")
    assert [each.key for each in Manifests(vault).listed()] == [stored.key]


def test_a_manifest_that_is_gone_is_named(vault: Vault) -> None:
    stored = Manifests(vault).write(MANIFEST)
    vault.held.clear()
    with pytest.raises(IntegrityFailed, match=f"^{stored.key} in the backup bucket cannot be used: it is gone"):
        Manifests(vault).read(stored)


def test_any_byte_of_a_manifest_may_flip_and_it_is_noticed(vault: Vault) -> None:
    stored = Manifests(vault).write(MANIFEST)
    whole = vault.held[stored.key][0].body
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        vault.place(stored.key, bytes(flipped))
        with pytest.raises(IntegrityFailed, match="its bytes have another hash than its name says"):
            Manifests(vault).read(stored)
    for cut in (b"", whole[:-1], whole[:100], whole + b"\n"):
        vault.place(stored.key, cut)
        with pytest.raises(IntegrityFailed, match=stored.key):
            Manifests(vault).read(stored)


@pytest.mark.parametrize("unknown", [0, 2, 99, "1", None])
def test_a_format_that_is_not_known_is_refused_by_its_name(vault: Vault, unknown: object) -> None:
    stored = put(vault, written(vault) | {"format": unknown})
    with pytest.raises(IntegrityFailed, match=f"format {unknown}, and this tool reads format 1") as failed:
        Manifests(vault).read(stored)
    assert failed.value.hint == "A newer tattoo-data wrote it: use that one."


def test_a_field_that_is_not_known_yet_is_no_harm(vault: Vault) -> None:
    fields = written(vault)
    stored = put(vault, {**fields, "later": 1, "stores": {k: {**v, "more": 2} for k, v in fields["stores"].items()}})
    assert Manifests(vault).read(stored) == replace(MANIFEST, name="x")


def test_a_manifest_that_was_copied_has_the_name_of_its_place(vault: Vault) -> None:
    body = vault.held[Manifests(vault).write(MANIFEST).key][0].body
    assert Manifests(vault).read(put(vault, body, "copy")).name == "copy"


@pytest.mark.parametrize(
    "change",
    [
        {"stores": None},
        {"stores": []},
        {"stores": {"tables": {}}},
        {"stores": {"table": {}}},
        {"createdAt": "yesterday"},
        {"createdAt": 5},
        {"asOf": "2026-99-99"},
    ],
)
def test_a_manifest_whose_fields_are_none_is_refused(vault: Vault, change: Mapping[str, Any]) -> None:
    with pytest.raises(IntegrityFailed, match="it cannot be read"):
        Manifests(vault).read(put(vault, written(vault) | change))


@pytest.mark.parametrize("missing", ["format", "kind", "createdAt", "target", "stores", "fingerprint", "drift"])
def test_a_manifest_that_lacks_a_field_is_refused(vault: Vault, missing: str) -> None:
    fields = written(vault)
    del fields[missing]
    with pytest.raises(IntegrityFailed, match="it cannot be read"):
        Manifests(vault).read(put(vault, fields))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff"])
def test_what_is_no_document_is_refused(vault: Vault, body: bytes) -> None:
    with pytest.raises(IntegrityFailed, match="it cannot be read"):
        Manifests(vault).read(put(vault, body))


def test_deleting_takes_away_just_what_is_named(vault: Vault) -> None:
    first, second = (
        Manifests(vault).write(replace(MANIFEST, seconds=float(number), created_at=MANIFEST.created_at))
        for number in range(2)
    )
    Manifests(vault).delete([first])
    assert vault.under() == [second.key]
    Manifests(vault).delete([first])


def test_a_manifest_that_the_store_does_not_delete_is_not_counted_as_gone(vault: Vault) -> None:
    stored = Manifests(vault).write(MANIFEST)
    vault.refuses = {stored.key}
    with pytest.raises(StoreError, match=f"{stored.key} failed in delete_objects: not yours"):
        Manifests(vault).delete([stored])


# Names.


@given(NAMES)
def test_a_name_is_itself(name: str) -> None:
    assert check_name(name) == name
    vault = Vault()
    assert Manifests(vault).write(replace(MANIFEST, name=name)).key in vault.under("snapshots/")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadSetting, match="a name begins with a letter or digit") as refused:
        check_name(name)
    assert refused.value.exit_code == 2
    with pytest.raises(BadSetting):
        replace(MANIFEST, name=name)


def test_a_generated_name_is_told_in_both_spellings() -> None:
    name = generated_name(datetime(2024, 1, 15, 10, 30, tzinfo=UTC))
    assert name == "backup-2024-01-15T10-30-00-000Z"
    assert check_name(name) == name
    for spelling in (name, "backup-20240115T103000000Z"):
        assert spelled(spelling) == name
        assert is_generated(spelling)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001  given a zone right here
def test_every_generated_name_is_spelled_as_it_is_stored(moment: datetime) -> None:
    name = generated_name(moment.replace(tzinfo=UTC))
    short = name.removeprefix("backup-").replace("-", "")
    assert spelled(name) == spelled(f"backup-{short}") == name
    assert is_generated(name)


@pytest.mark.parametrize(
    "name",
    [
        "backup",
        "backup-2024",
        "backup-2024-01-15",
        "backup-2024-01-15T10-30-00Z",
        "my-backup-2024-01-15T10-30-00-000Z",
        "backup-2024-01-15T10-30-00-000Z-2",
        "backup-2024-01-15T10-30-00-000z",
    ],
)
def test_another_name_is_spelled_as_it_is(name: str) -> None:
    assert spelled(name) == name
    assert not is_generated(name)


def test_a_blob_of_a_manifest_is_json(vault: Vault) -> None:
    stored = Manifests(vault).write(MANIFEST)
    blob, _ = vault.held[stored.key]
    assert blob == Blob(blob.body, "application/json")
    assert blob.body.startswith(b'{\n "format": 1,\n'), "people look at it"
