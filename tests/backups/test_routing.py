"""Routing: a digest does not tell it, and a document goes back to its own all the same."""

from __future__ import annotations

import pytest

from tattoo_data.engine.verify import Verify
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.runs.undo import UndoOptions, undo
from tests.backups.stand import Stand, State
from tests.backups.test_restore import writes

INDEX = StoreName.INDEX


@pytest.mark.parametrize(("then", "now"), [("R1", "R2"), ("R1", None), (None, "R2")])
def test_a_document_goes_back_to_its_routing(here: Stand, then: str | None, now: str | None) -> None:
    here.hold(State(documents={"zz": (b'{"a":1}', then), "other": (b'{"a":2}', None)}))
    here.snapshot("all")
    here.env.stores.index.put([Entry("zz", b'{"a":1}', now)])
    assert here.restore("all", write={"dry_run": True}).change.counts[INDEX].replaced == 1
    restored = here.restore("all", write={"verify": Verify.FULL})
    assert (writes(restored), restored.proven) == ({INDEX: (0, 1, 0)}, True)
    assert here.held()[INDEX]["zz"] == (b'{"a":1}', then)
    undo(here.env, UndoOptions())
    assert here.held()[INDEX]["zz"] == (b'{"a":1}', now)
