"""The page that figures are written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Series

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_HEAD = """# Performance

Written by `make bench`. Every figure is a ratio of two things measured in the same run, turn by turn, on the same
machine and engine: medians, with the spread of ours behind. Times alone say more of the machine than of the code.
"""
_ABOUT = {
    "Start-up": "The peer is a process that imports boto3, opensearch-py and click, makes the three clients and exits.",
    "Client CPU": (
        "CPU of this process (user and system) for the same content, sent to and read from the same engine. The\n"
        "peers are what a user of the libraries would write: boto3's resource API with Python values, and the helpers\n"
        "of opensearch-py. The stub is a process that answers at once, so that only the client is measured. Who waits\n"
        "for a busy engine comes back to cold caches; of a client that does less, that is a larger part."
    ),
    "Wall clock": (
        "The table with its indexes and stream, in batches and segments as the engine uses them, each on a DynamoDB\n"
        "Local just started. The floor is the same in ready bodies over urllib3, 4 in flight; its scan reads no item."
    ),
    "Sync of": (
        "`sync` as a whole process, against one raw scan of both stores, or the bare `_bulk` of the same documents\n"
        "in ready bodies. What is followed is measured from the moment it had begun until the index had all of it: it\n"
        "also reads the stream and the items, which the peer does not. (osmem takes 135 s for 10,000 documents in\n"
        "batches of 100 and 7 s in ours.)"
    ),
    "artists,": (
        "`reset performance-test` from empty stores, as a whole process. The floor is the same content in ready\n"
        "bodies, sent over urllib3 in our batch sizes, 4 in flight, the table and then the index, and one raw scan of\n"
        "both: what the engine itself takes. A command is a process that has to start first (see Start-up): that\n"
        "alone is a quarter of a raw scan of DynamoDB Local and OpenSearch. Engines and tool share two cores here,\n"
        "and of one such scan the engines use 1.45 s."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One ratio: ours to its peer, and what it should be at most."""

    what: str
    peer: str
    ours_seconds: float
    peer_seconds: float
    spread: str
    limit: float | None

    @classmethod
    def of(cls, what: str, ours: Series, peer: str, its: Series, measure: str, limit: float | None) -> Figure:
        """The ratio of the medians of two series; `measure` is `wall` or `cpu`."""
        return cls(
            what=what,
            peer=peer,
            ours_seconds=getattr(ours, measure)(),
            peer_seconds=getattr(its, measure)(),
            spread=ours.spread(measure),
            limit=limit,
        )

    @property
    def ratio(self) -> float:
        """Ours in units of the peer."""
        return self.ours_seconds / self.peer_seconds


def rows(figures: Iterable[Figure]) -> list[str]:
    """A table in Markdown."""
    lines = [
        "| what | ours (s) | spread (s) | compared with | its (s) | ratio | aim |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in figures:
        aim = f"{each.limit:g}" if each.limit else "-"
        lines.append(
            f"| {each.what} | {each.ours_seconds:.3g} | {each.spread} | {each.peer} | {each.peer_seconds:.3g} "
            f"| {each.ratio:.3g} | {aim} |"
        )
    return lines


def page(machine: str, sections: Mapping[str, list[Figure]]) -> str:
    """The page of these sections."""
    lines = [_HEAD, f"{machine}\n"]
    for title, figures in sections.items():
        about = next((text for name, text in _ABOUT.items() if name in title), "")
        lines += [f"## {title}\n", f"{about}\n", *rows(figures), ""]
    return "\n".join(lines)
