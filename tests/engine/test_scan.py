"""Scan: documents that share an `_id` are named, whatever is kept of a scan."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tattoo_data.engine.make_equal import How, make_equal, take_back
from tattoo_data.engine.plan import Desired
from tattoo_data.engine.scan import read_all
from tattoo_data.engine.spool import Spool
from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.before import BeforeImage
from tattoo_data.model.entry import StoreName
from tests.engine.sharded import Sharded, shared
from tests.engine.test_plan import Notes, desired, held, memory, pool

__all__ = ["pool"]
TABLE, INDEX, IMAGES = StoreName


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(
    ("routings", "named"),
    [(["A", "B", "C"], ("same",)), ([None, "A"], ("same",)), (["A"], ()), ([None], ()), ([], ())],
)
def test_documents_that_share_an_id_are_named(
    pool: ThreadPoolExecutor, routings: list[str | None], named: tuple[str, ...], *, keep: bool
) -> None:
    stores = memory(index=Sharded(*shared(*routings)))
    assert read_all(stores, pool, keep=keep)[INDEX].shared == named


def test_nothing_is_written_to_an_index_in_which_documents_share_an_id(pool: ThreadPoolExecutor) -> None:
    index = Sharded(*shared("A", "B"))
    stores, notes = memory(index=index), Notes()
    for wanted in (desired({1: "Ada"}), Desired(stores=[INDEX], prune=True)):
        for dry_run in (True, False):
            with pytest.raises(
                IntegrityFailed, match=r"the index idx holds several documents of one `_id`.*: same"
            ) as told:
                make_equal(stores, wanted, notes, pool, How(dry_run=dry_run))
    assert "Delete all but one of each" in told.value.hint
    images = Spool(BeforeImage, INDEX)
    images.add([BeforeImage("same", None, b"x")])
    with pytest.raises(IntegrityFailed, match="same"):
        take_back(stores, {INDEX: images}, lambda ref: pytest.fail("no body"), notes, pool, How())
    assert (notes.said, held(stores)[TABLE]) == ([], {})


def test_another_store_is_written_all_the_same(pool: ThreadPoolExecutor) -> None:
    stores = memory(index=Sharded(*shared("A", "B")))
    assert make_equal(stores, desired({1: "Ada"}, stores=[TABLE]), Notes(), pool, How()).counts[TABLE].created == 1
