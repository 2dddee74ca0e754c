"""Before-images: files of a run that are read as they were written, or not at all."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.before import BeforeImage, BlobRef
from tattoo_data.model.canonical import canonical_document, canonical_item
from tattoo_data.model.entry import Blob, StoreName
from tattoo_data.repository.before_images import BeforeImages
from tattoo_data.repository.bodies import Bodies
from tests.model.strategies import items
from tests.runs import Shelf

RUN = "20261124T103000000Z-1a2b3c"
FILE = f"runs/{RUN}/000001.jsonl.zst"
NUMBERS = ("4.50", "1E+400", "-0.0", "12345678901234567890123456789012345678", "1e-7", "0", "100")
keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
digests = st.none() | st.binary(min_size=32, max_size=32)
made = st.dictionaries(keys, st.none() | st.binary(min_size=16, max_size=16), max_size=3)
documents = st.dictionaries(keys, st.sampled_from(NUMBERS), max_size=4).map(
    lambda fields: ("{" + ",\n ".join(f"{json.dumps(key)}: {number}" for key, number in fields.items()) + "}").encode()
)
blobs = st.builds(BlobRef, st.binary(max_size=4).map(lambda body: hashlib.sha256(body).hexdigest()), keys)


def of_table(body: bytes | None, key: str, after: bytes | None, instead: bool, made: Any) -> BeforeImage:
    return BeforeImage(key, body, after, instead=instead, made=made)


def encoded(item: dict[str, Any]) -> bytes:
    return msgspec.json.encode(item)


table_images = st.builds(of_table, st.none() | items.map(encoded), keys, digests, st.booleans(), st.none() | made)
index_images = st.builds(BeforeImage, keys, st.none() | documents, digests, st.none() | keys)
object_images = st.builds(BeforeImage, keys, st.just(b'{"md5":"0","size":1}'), digests, st.none(), blobs)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def written(*images: BeforeImage, store: StoreName = StoreName.TABLE) -> tuple[BeforeImages, Shelf]:
    shelf = Shelf()
    made = BeforeImages(shelf)
    made.write(RUN, 1, store, images)
    return made, shelf


def read(made: BeforeImages) -> list[tuple[StoreName, list[BeforeImage]]]:
    return list(made.read(RUN))


def assert_refused(made: BeforeImages, name: str = FILE) -> None:
    with pytest.raises(IntegrityFailed, match=name) as caught:
        read(made)
    assert caught.value.exit_code == 12
    assert "cannot be taken back" in caught.value.hint


@given(st.lists(table_images, max_size=5))
def test_items_are_read_as_they_were_written(images: list[BeforeImage]) -> None:
    made, _ = written(*images)
    assert read(made) == ([(StoreName.TABLE, images)] if images else [])


@given(st.lists(index_images, max_size=5))
def test_documents_are_read_with_their_numbers_as_spelled_and_their_routing(images: list[BeforeImage]) -> None:
    made, _ = written(*images, store=StoreName.INDEX)
    found = [image for _, each in read(made) for image in each]
    assert [(each.key, each.after, each.routing) for each in found] == [
        (each.key, each.after, each.routing) for each in images
    ]
    for before, after in zip(images, found, strict=True):
        assert (before.body is None) is (after.body is None)
        if before.body and after.body:
            assert canonical_document(before.body) == canonical_document(after.body)
            spelled = [number for number in NUMBERS if before.body.endswith(f": {number}}}".encode())]
            assert all(after.body.endswith(f"{number}}}".encode()) for number in spelled)


@given(st.lists(object_images, max_size=5))
def test_objects_are_read_with_where_their_bytes_are(images: list[BeforeImage]) -> None:
    made, _ = written(*images, store=StoreName.IMAGES)
    assert [image for _, each in read(made) for image in each] == images


@pytest.mark.parametrize(
    "item",
    [
        b'{"PK":{"S":"AUDIT#1"},"SK":{"S":"2026"},"n":{"N":"12345678901234567890123456789012345678"}}',
        b'{"PK":{"S":"A"},"SK":{"S":"B"},"deep":{"M":{"list":{"L":[{"B":"AP8="},{"M":{"b":{"B":"AAE="}}}]}}}}',
        b'{"PK":{"S":"A"},"SK":{"S":"B"},"e":{"S":""},"ns":{"NS":["1.50","2"]},"bs":{"BS":["AP8="]},"x":{"NULL":true}}',
        '{"PK":{"S":"Ä \\u2028\\n"},"SK":{"S":"\U0001f58b"}}'.encode(),
    ],
)
def test_an_item_is_kept_byte_for_byte(item: bytes) -> None:
    made, _ = written(BeforeImage("k", item, None))
    ((_, (found,)),) = read(made)
    assert found.body == item
    assert canonical_item(found.body) == canonical_item(item)


def test_a_document_without_a_source_is_no_missing_document() -> None:
    made, _ = written(BeforeImage("a", b"null", None), BeforeImage("b", None, None), store=StoreName.INDEX)
    ((_, (found, missing)),) = read(made)
    assert (found.body, missing.body) == (b"null", None)


def test_files_are_read_in_the_order_in_which_they_were_written(shelf: Shelf) -> None:
    made = BeforeImages(shelf)
    for number in range(1, 12):
        made.write(RUN, number, StoreName.TABLE, [BeforeImage(f"k{number}", None, b"x" * 32)])
    made.write("another", 1, StoreName.TABLE, [BeforeImage("not ours", None, None)])
    assert made.files(RUN) == [f"runs/{RUN}/{number:06}.jsonl.zst" for number in range(1, 12)]
    assert [image.key for _, images in read(made) for image in images] == [f"k{number}" for number in range(1, 12)]


def test_a_run_without_files_has_no_images(shelf: Shelf) -> None:
    shelf.put(f"runs/{RUN}/run.json", Blob(b"{}", "application/json"))
    assert read(BeforeImages(shelf)) == []


def damage(shelf: Shelf, body: bytes) -> None:
    shelf.put(FILE, Blob(body, "application/zstd"))


def packed(shelf: Shelf) -> bytes:
    return shelf.held[FILE][0].body


IMAGES = (
    BeforeImage("a", b'{"PK":{"S":"A"},"SK":{"S":"B"},"n":{"N":"1.50"}}', b"x" * 32),
    BeforeImage("b", None, None),
)


def test_every_changed_byte_of_a_file_is_found() -> None:
    made, shelf = written(*IMAGES)
    body = packed(shelf)
    for place in range(len(body)):
        damage(shelf, body[:place] + bytes([body[place] ^ 0xFF]) + body[place + 1 :])
        assert_refused(made)


def test_no_changed_bit_of_a_file_gives_other_images() -> None:
    made, shelf = written(*IMAGES)
    body = packed(shelf)
    for place in range(len(body) * 8):
        changed = bytearray(body)
        changed[place // 8] ^= 1 << place % 8
        damage(shelf, bytes(changed))
        try:
            found = read(made)
        except IntegrityFailed as error:
            assert FILE in error.message
        else:
            assert found == [(StoreName.TABLE, list(IMAGES))]


def test_a_file_whose_checksum_is_switched_off_is_refused() -> None:
    made, shelf = written(*IMAGES)
    body = bytearray(packed(shelf))
    body[4] ^= 1 << 2
    damage(shelf, bytes(body))
    assert_refused(made)


@pytest.mark.parametrize("more", [b"\0", b"{}\n", zstandard.ZstdCompressor().compress(b"{}")])
def test_a_file_with_something_after_it_is_refused(more: bytes) -> None:
    made, shelf = written(*IMAGES)
    damage(shelf, packed(shelf) + more)
    assert_refused(made)


def test_a_file_that_is_cut_anywhere_is_refused() -> None:
    made, shelf = written(*IMAGES)
    body = packed(shelf)
    for length in range(len(body)):
        damage(shelf, body[:length])
        assert_refused(made)


@pytest.mark.parametrize("size", [(1 << 30) + 1, 1 << 40, 1 << 63])
def test_a_file_that_claims_to_be_huge_takes_no_memory(size: int) -> None:
    made, shelf = written(*IMAGES)
    magic, eight_bytes_of_size = b"\x28\xb5\x2f\xfd", b"\xe4"  # one segment, a checksum
    damage(shelf, magic + eight_bytes_of_size + size.to_bytes(8, "little") + packed(shelf)[6:])
    assert_refused(made)


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"null",
        b'{"store":"table","key":"k"}',
        b'{"store":"elsewhere","key":"k","after":null}',
        b'{"store":"table","key":"k","after":"no hex"}',
        b'{"store":"table","key":1,"after":null}',
        b'{"store":"images","key":"k","after":null,"object":{"sha256":"x"}}',
        b"\xff",
    ],
)
def test_lines_that_are_no_images_are_refused(shelf: Shelf, line: bytes) -> None:
    damage(shelf, zstandard.ZstdCompressor().compress(line + b"\n"))
    assert_refused(BeforeImages(shelf))


def test_a_frame_that_does_not_say_its_size_is_refused(shelf: Shelf) -> None:
    damage(shelf, zstandard.ZstdCompressor(write_content_size=False).compress(b"\n"))
    assert_refused(BeforeImages(shelf))


def test_a_file_that_went_while_it_was_read_is_named(shelf: Shelf) -> None:
    class Vanishing(Shelf):
        def get(self, key: str) -> Blob | None:
            return None

    gone = Vanishing()
    BeforeImages(gone).write(RUN, 1, StoreName.TABLE, IMAGES)
    with pytest.raises(IntegrityFailed, match=f"{FILE} .*: it is gone"):
        read(BeforeImages(gone))


def test_a_file_that_is_missing_among_others_is_named(shelf: Shelf) -> None:
    made = BeforeImages(shelf)
    for number in (1, 3):
        made.write(RUN, number, StoreName.TABLE, IMAGES)
    assert_refused(made, "000002")


def test_the_objects_of_runs_are_those_that_would_be_put_back(shelf: Shelf) -> None:
    made = BeforeImages(shelf)
    refs = [Bodies(shelf).keep(Blob(body, "image/png")) for body in (b"one", b"two", b"three")]
    for run, ref in zip(("a", "b", "c"), refs, strict=True):
        image = BeforeImage("k", b'{"md5":"0","size":3}', None, blob=ref)
        made.write(run, 1, StoreName.IMAGES, [image, BeforeImage("n", None, b"x" * 32)])
    assert made.objects_of(["a", "c"]) == {f"objects/{refs[0].sha256}", f"objects/{refs[2].sha256}"}
    assert made.objects_of([]) == set()
