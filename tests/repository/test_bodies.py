"""Bodies: kept once each, and given back as they were or not at all."""

from __future__ import annotations

import hashlib

import pytest

from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.entry import Blob
from tattoo_data.repository.bodies import Bodies
from tests.runs import Shelf


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_an_object_is_kept_once_and_fetched_with_the_type_it_had(shelf: Shelf) -> None:
    made = Bodies(shelf)
    first = made.keep(Blob(b"a picture", "image/png"))
    other = made.keep(Blob(b"a picture", "image/x-odd"))
    assert first.sha256 == other.sha256 == hashlib.sha256(b"a picture").hexdigest()
    assert shelf.keys() == [f"objects/{first.sha256}"]
    assert made.fetch(first) == Blob(b"a picture", "image/png")
    assert made.fetch(other) == Blob(b"a picture", "image/x-odd")


def test_an_object_that_is_kept_in_part_is_kept_again(shelf: Shelf) -> None:
    made = Bodies(shelf)
    ref = made.keep(Blob(b"a picture", "image/png"))
    shelf.put(f"objects/{ref.sha256}", Blob(b"a pic", "image/png"))
    assert made.fetch(made.keep(Blob(b"a picture", "image/png"))).body == b"a picture"


def test_an_object_that_is_gone_is_named(shelf: Shelf) -> None:
    ref = Bodies(shelf).keep(Blob(b"a picture", "image/png"))
    shelf.held.clear()
    with pytest.raises(IntegrityFailed, match=f"objects/{ref.sha256} .*it is gone"):
        Bodies(shelf).fetch(ref)


def test_an_object_with_other_bytes_is_named(shelf: Shelf) -> None:
    ref = Bodies(shelf).keep(Blob(b"a picture", "image/png"))
    shelf.put(f"objects/{ref.sha256}", Blob(b"another one", "image/png"))
    with pytest.raises(IntegrityFailed, match=f"objects/{ref.sha256} .*another hash"):
        Bodies(shelf).fetch(ref)


def test_a_body_that_was_checked_is_not_read_again(shelf: Shelf) -> None:
    made = Bodies(shelf)
    ref = made.keep(Blob(b"a picture", "image/png"))
    made.check(ref)
    shelf.held.clear()
    assert made.fetch(ref) == Blob(b"a picture", "image/png")
    with pytest.raises(IntegrityFailed, match="it is gone"):
        made.fetch(ref)
