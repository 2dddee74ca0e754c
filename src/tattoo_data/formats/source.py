"""Sources: files that hold entries, whoever wrote them, behind one door."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tattoo_data.model.entry import Blob, Entry, StoreName


@dataclass(frozen=True, slots=True)
class Found:
    """One record of a file: `entry` where it can be used, else `problem` says why not. `number` is its line, or its
    element where the file is one array, from 1; `raw` is its text as far as a reader wants to see it again."""

    store: StoreName
    file: str
    number: int
    entry: Entry | None
    problem: str = ""
    raw: bytes = b""


class Source(Protocol):
    """Files that were opened and recognised by their content. Nothing in them chooses what is written where."""

    @property
    def kind(self) -> str:
        """What wrote them, in words: `tattoo-data export`, `Node export`, `AWS export`, `elasticdump`."""

    @property
    def path(self) -> str:
        """Where they were found, as the user named it."""

    @property
    def stores(self) -> Sequence[StoreName]:
        """The stores whose content they hold."""

    @property
    def notes(self) -> Sequence[str]:
        """What a reader should know, such as what the writer had lost already; complete once `read` has ended."""

    @property
    def fingerprints(self) -> Mapping[StoreName, str]:
        """The fingerprints that the files promise, of the stores for which they do."""

    @property
    def structures(self) -> Mapping[StoreName, Mapping[str, Any]]:
        """How the stores were made that the files come from (`Description.structure`), as far as the files say."""

    @property
    def routed(self) -> bool:
        """Whether its documents say with which routing they were written."""

    @property
    def lacking(self) -> Sequence[str]:
        """The files that others beside them show to be missing: what these held is in none of the records."""

    def read(self) -> Iterator[Found]:
        """Every record, each file read once. Hashes and counts are checked on the way, so that nothing may be used
        before the end is reached. Raises `IntegrityFailed`, naming file and line, where the files are not what they
        should be: a missing file, a wrong hash or count, what is no JSON. A record that is only not usable is a
        `Found` with its problem. Bodies of entries are canonical bytes."""

    def blob(self, key: str) -> Blob:
        """The body of an image among the records. Raises `IntegrityFailed` where it is not what the record says."""

    def close(self) -> None:
        """Remove what was unpacked. Idempotent."""
