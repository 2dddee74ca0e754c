"""Kills: `kill -9` at random moments. The same command again reaches the same state, and undo the one before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from opensearchpy import OpenSearch

from tattoo_data.clock import seeded
from tests.campaigns.place import Place

#: What is killed, each on top of the same state.
CASES: tuple[tuple[str, ...], ...] = (
    ("seed", "location-london"),
    ("seed", "style-traditional", "--only"),
    ("reset", "fresh"),
    ("reset", "clean"),
    ("reset", "performance-test", "--scale", "2"),
    ("clear", "dynamodb"),
    ("clear", "s3"),
    ("clear", "all"),
    ("seed", "minimal", "(rebuild)"),
    ("sync", "dynamo-to-os", "(stale)"),
    ("undo",),
    ("undo",),
    ("redo",),
)
_SPOILT = {
    "settings": {"number_of_replicas": 0},
    "mappings": {"dynamic": False, "properties": {"artistId": {"type": "text"}}},
}


@dataclass(slots=True)
class Report:
    """How often what was killed, how far it had got, and what was not as it should be."""

    killed: Counter[str] = field(default_factory=Counter)
    ended_before: int = 0
    interrupted: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kills = ", ".join(f"{name} {count}" for name, count in sorted(self.killed.items()))
        total = sum(self.killed.values())
        return (
            f"{total} kills ({kills}); {self.interrupted} left an interrupted run, {self.ended_before} had ended "
            f"before; {len(self.wrong)} wrong" + "".join(f"\n  {each}" for each in self.wrong)
        )


def run(at: Place, count: int, seed: int, tell: Callable[[str], None] = lambda text: None) -> Report:
    """Kill commands `count` times."""
    random = seeded(seed)
    report = Report()
    lengths: dict[tuple[str, ...], int] = {}
    states: dict[tuple[str, ...], str] = {}
    at.tool.ok("reset", "minimal")
    oldest = at.fingerprint()
    at.tool.ok("seed", "search-basic", "--only")
    base = at.fingerprint()
    for number in range(count):
        case = CASES[number % len(CASES)] if number < len(CASES) else random.choice(CASES)
        words = tuple(word for word in case if not word.startswith("("))
        if case not in lengths:
            lengths[case], states[case] = _measured(at, case, words, base)
        _prepare(at, case)
        stood = _stood(at, case, base)
        request, answered = random.randint(1, lengths[case]), random.random() < 0.5
        name = f"{' '.join(case)} at request {request} of {lengths[case]}{', answered' if answered else ''}"
        if at.kill(request, *words, answered=answered):
            report.killed[words[0]] += 1
        else:
            report.ended_before += 1
        report.interrupted += at.direct.ok("status", "--json").json()["interrupted"] is not None
        found = _again(at, case, words, states[case], stood, oldest)
        report.wrong += [f"{name}: {each}" for each in found]
        tell(f"{number + 1}/{count} {name}: {'; '.join(found) or 'right'}")
    return report


def _prepare(at: Place, case: tuple[str, ...]) -> None:
    """What stands before the command that is killed: for an undo two runs, for only the last 20 are kept; for a redo
    an undo."""
    if case[0] == "undo":
        _begin_anew(at)
    if case[0] in ("undo", "redo"):
        at.direct.ok("seed", "location-london")
    if case[0] == "redo":
        at.direct.ok("undo")
    if "(rebuild)" in case:
        _spoil_the_mapping(at)
    if "(stale)" in case:
        _make_stale(at)


def _stood(at: Place, case: tuple[str, ...], base: str) -> str:
    """The state before the command that is killed."""
    return at.fingerprint() if "(stale)" in case else base


def _measured(at: Place, case: tuple[str, ...], words: tuple[str, ...], base: str) -> tuple[int, str]:
    """How many requests the command sends when nobody kills it, and the state that it reaches."""
    _prepare(at, case)
    stood = _stood(at, case, base)
    length = at.requests(*words)
    reached = at.fingerprint()
    if case[0] != "undo":
        at.direct.ok("undo")
    assert at.fingerprint() == stood
    return length, reached


def _again(
    at: Place, case: tuple[str, ...], words: tuple[str, ...], reached: str, stood: str, oldest: str
) -> list[str]:
    """Run the same command again, and take it back; what is not as it should be."""
    wrong = []
    again = at.tool.run(*words)
    if again.code:
        wrong.append(f"the same command again ended with {again.code}: {again.stdout}{again.stderr}")
    if at.fingerprint() != reached:
        wrong.append("the same command again did not reach the same state")
    undone = at.tool.run("undo")
    if undone.code:
        wrong.append(f"undo ended with {undone.code}: {undone.stdout}{undone.stderr}")
    if at.fingerprint() != (oldest if case[0] == "undo" else stood):
        wrong.append("undo did not reach the state before")
    if case[0] == "undo":
        at.direct.ok("redo")
    if wrong or at.fingerprint() != stood or "(stale)" in case:
        _begin_anew(at)
    return wrong


def _begin_anew(at: Place) -> None:
    at.direct.ok("reset", "minimal")
    at.direct.ok("seed", "search-basic", "--only")


def _make_stale(at: Place) -> None:
    """Documents that are not what their items give, and one of no artist."""
    client = OpenSearch([at.direct.environment["OPENSEARCH_ENDPOINT"]])
    index = at.direct.environment["OPENSEARCH_INDEX"]
    hits = client.search(index=index, body={"size": 1000})["hits"]["hits"]
    for hit in hits:
        client.index(index=index, id=hit["_id"], body={**hit["_source"], "bio": "stale"})
    client.index(index=index, id="nobody", body={"artistId": "nobody"})
    client.indices.refresh(index=index)
    client.close()


def _spoil_the_mapping(at: Place) -> None:
    """The same documents in an index of another mapping: the next command builds it anew."""
    client = OpenSearch([at.direct.environment["OPENSEARCH_ENDPOINT"]])
    index = at.direct.environment["OPENSEARCH_INDEX"]
    hits = client.search(index=index, body={"size": 1000})["hits"]["hits"]
    for name in client.indices.get(index=index):
        client.indices.delete(index=name)
    client.indices.create(index=index, body=_SPOILT)
    for hit in hits:
        client.index(index=index, id=hit["_id"], body=hit["_source"])
    client.indices.refresh(index=index)
    client.close()
