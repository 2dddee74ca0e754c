"""Writer: the application writes all through a reset and an undo, and through migrations and a rollback. In the end its
last write of every key is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tattoo_data.clock import seeded
from tests.campaigns.place import Place, writing
from tests.live import Application
from tests.tool import Result

_AUDITS = 40
_ARTISTS = 60
Key = tuple[str, str]


@dataclass(slots=True)
class Report:
    """How much was written meanwhile, how many keys the commands named, and what was lost."""

    writes: int = 0
    named: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.writes:,} writes meanwhile, {self.named:,} keys named; {len(self.wrong)} lost or wrong"
            + "".join(f"\n  {each}" for each in self.wrong)
        )


@dataclass(slots=True)
class Writer:
    """Writes one item or document after the other, and knows the last value of each: items of its own, which a reset
    removes, and the bio of artists, which it puts back."""

    live: Application
    random: Random
    items: dict[Key, str] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    count: int = 0
    failure: Exception | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Write until stopped."""
        try:
            while not self.stopped.is_set():
                self.count += 1
                (self._audit, self._artist, self._document)[self.count % 3](f"written {self.count}")
        except Exception as error:  # noqa: BLE001  the campaign tells it
            self.failure = error

    def lost(self) -> list[str]:
        """The keys whose last value is not there."""
        table = {(item["PK"], item["SK"]): item.get("bio") for item in self.live.items()}
        index = {key: document.get("bio") for key, document in self.live.documents().items()}
        return [*_missed("table", self.items, table), *_missed("index", self.documents, index)]

    def _audit(self, value: str) -> None:
        key = (f"AUDIT#{self.random.randrange(_AUDITS)}", "2026")
        self.live.put({"PK": {"S": key[0]}, "SK": {"S": key[1]}, "bio": {"S": value}})
        self.items[key] = value

    def _artist(self, value: str) -> None:
        key = (f"ARTIST#artist-{self.random.randrange(_ARTISTS) + 1:03}", "METADATA")
        self.live.dynamodb.update_item(
            TableName=self.live.table,
            Key={"PK": {"S": key[0]}, "SK": {"S": key[1]}},
            UpdateExpression="SET bio = :bio",
            ExpressionAttributeValues={":bio": {"S": value}},
        )
        self.items[key] = value

    def _document(self, value: str) -> None:
        key = f"AUDIT#{self.random.randrange(_AUDITS)}"
        self.live.opensearch.index(index=self.live.index, id=key, body={"bio": value})
        self.documents[key] = value


def run(at: Place, count: int, seed: int, tell: Callable[[str], None] = lambda text: None) -> Report:
    """`count` times: a reset and its undo while the application writes, and migrations and a rollback; then what became
    of each of its writes."""
    report = Report()
    commands = (
        (("reset", "performance-test", "--scale", "3"), ("reset", "fresh"), ("undo",)),
        (("reset", "fresh"), ("migrate", "run-all"), ("migrate", "rollback", "add-social-media")),
    )
    for number in range(count):
        for first, *others in commands:
            at.direct.ok(*first)
            with writing(Writer(Application(at.direct.environment), seeded(seed + number))) as writer:
                results = [at.tool.run(*words, "--json") for words in others]
            # Where a migration left records the later ones did not run, and there is none to roll back.
            ends = (0, 3, 13, 10) if results[0].code == 3 else (0, 3, 13)
            found = [f"{each.code}: {each.stderr}" for each in results if each.code not in ends] + writer.lost()
            found += [str(writer.failure)] if writer.failure else []
            found += _left(at) if others[0][0] == "migrate" else []
            writer.live.close()
            report.writes += writer.count
            report.named += sum(map(_named, results))
            report.wrong += [f"round {number + 1}, {others[0][0]}: {each}" for each in found]
            codes = ", ".join(str(each.code) for each in results)
            tell(f"{number + 1}/{count}: {writer.count} writes, exits {codes}; {'; '.join(found) or 'none lost'}")
    return report


def _left(at: Place) -> list[str]:
    """What is wrong once the application has stopped and what it kept back is done."""
    wrong = []
    rolled_back = at.direct.run("migrate", "rollback", "add-social-media")
    live = Application(at.direct.environment)
    if rolled_back.code not in (0, 10) or any("socialMedia" in item for item in live.items()):
        wrong.append(f"the rollback again ended with {rolled_back.code}, or left something: {rolled_back.stderr}")
    live.close()
    for words in (("run-all",), ("validate",)):
        done = at.direct.run("migrate", *words)
        if done.code:
            wrong.append(f"migrate {words[0]} ended with {done.code}: {done.stdout}{done.stderr}")
    return wrong


def _missed(store: str, wanted: Mapping[Any, str], there: Mapping[Any, Any]) -> Iterator[str]:
    for key, value in wanted.items():
        if there.get(key) != value:
            yield f"{store} {key}: {there.get(key)} is there, {value} was written last"


def _named(result: Result) -> int:
    document = result.json() if result.stdout else {}
    return len(document.get("failures", ())) + len(document.get("changedMeanwhile", ()))
