"""`python -m tools.sync_doc`: write the tables of conflicts and outcomes into docs/sync.md from the code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

from tattoo_data.model.entry import Entry
from tattoo_data.model.project import document_of, item_of
from tattoo_data.model.records import Kind as RecordKind
from tattoo_data.model.records import Record
from tattoo_data.sync.conflict import Base, Conflict, Kind, Side, base_of, find
from tattoo_data.sync.decide import Decision, decide
from tattoo_data.sync.policy import Policy, Strategy

PAGE = Path(__file__).parents[1] / "docs" / "sync.md"
_END = "<!-- end -->"

#: What a side may hold. A and B change the same field, C another one; B is newer than A and C newer than B.
STATES: Mapping[str, Mapping[str, object] | None] = {
    "absent": None,
    "same": {"bio": "same", "updatedAt": "2026-01-01"},
    "A": {"bio": "A", "updatedAt": "2026-01-02"},
    "B": {"bio": "B", "updatedAt": "2026-01-03"},
    "C": {"bio": "same", "avatar": "C", "updatedAt": "2026-01-04"},
}
POLICIES: Mapping[str, Policy] = {
    "`latest`": Policy(strategy=Strategy.LATEST),
    "`dynamo_wins`": Policy(strategy=Strategy.DYNAMO_WINS),
    "`opensearch_wins`": Policy(strategy=Strategy.OPENSEARCH_WINS),
    "`merge`": Policy(strategy=Strategy.MERGE),
    "`merge --prefer table`": Policy(strategy=Strategy.MERGE, prefer=Side.TABLE),
    "`merge --prefer index`": Policy(strategy=Strategy.MERGE, prefer=Side.INDEX),
    "`manual`": Policy(strategy=Strategy.MANUAL),
}
_FOUR, _THREE = ("absent", "same", "A", "B"), ("absent", "A", "B")
#: What the sync point held -> the states that the two sides are in now.
SITUATIONS: Mapping[str, Sequence[tuple[str, str]]] = {
    "same": [*product(_FOUR, _FOUR), ("A", "C"), ("C", "A")],
    "absent": list(product(_THREE, _THREE)),
    "none": list(product(_FOUR, _FOUR)),
}
_TITLES = {
    "same": "The sync point held it, the same on both sides",
    "absent": "The sync point held nothing of it",
    "none": "Without a sync point",
}


def item(state: str) -> Entry | None:
    """The item of the example in a state."""
    fields = STATES[state]
    if fields is None:
        return None
    return item_of(Record(kind=RecordKind.ARTIST, fields={"artistId": "artist-001", **fields}))


def document(state: str) -> Entry | None:
    """The document of the example in a state."""
    found = item(state)
    return document_of(found) if found else None


def base(situation: str) -> Base | None:
    """What the sync point of a situation held."""
    return None if situation == "none" else base_of(item(situation), document(situation))


def conflict(situation: str, table: str, index: str) -> Conflict | None:
    """The conflict of two states."""
    return find(base(situation), item(table), document(index))


def after(decision: Decision) -> str:
    """The state that a decision makes of both sides."""
    if decision.is_left:
        return "left"
    for state in STATES:
        if decision.document == document(state):
            return state
    return "A and C"


def kinds() -> str:
    """The table of conflicts."""
    return "\n".join(
        ["| conflict | what it says |", "|---|---|", *(f"| `{kind}` | {kind.words} |" for kind in Kind), ""]
    )


def outcomes() -> str:
    """The tables of outcomes."""
    lines: list[str] = []
    for situation, pairs in SITUATIONS.items():
        lines += [f"### {_TITLES[situation]}", "", "| table | index | conflict | strategy | both afterwards | why |"]
        lines += ["|---|---|---|---|---|---|"]
        for table, index in pairs:
            lines += _rows(situation, table, index)
        lines.append("")
    return "\n".join(lines)


def _rows(situation: str, table: str, index: str) -> Iterator[str]:
    found = conflict(situation, table, index)
    if found is None:
        yield f"| {table} | {index} | | every one | {table} | The sides agree. |"
        return
    names: dict[tuple[str, str], list[str]] = {}
    for name, policy in POLICIES.items():
        decision = decide(found, policy)
        names.setdefault((after(decision), decision.reason), []).append(name)
    for (state, reason), strategies in names.items():
        which = "every one" if len(strategies) == len(POLICIES) else ", ".join(strategies)
        yield f"| {table} | {index} | `{found.kind}` | {which} | {state} | {reason} |"


def current(page: str) -> str:
    """The page with the tables as the code has them."""
    for begin, text in (("<!-- kinds -->\n", kinds()), ("<!-- outcomes -->\n", outcomes())):
        before, _, rest = page.partition(begin)
        _, _, rest = rest.partition(_END)
        page = f"{before}{begin}{text}{_END}{rest}"
    return page


if __name__ == "__main__":
    PAGE.write_text(current(PAGE.read_text("utf-8")), "utf-8")
