"""Follow: `kill -9` of `sync follow` at random moments, while the application makes, changes and deletes artists. Once
it was started again and caught up, the index has the last value of each."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tattoo_data.clock import Clock, seeded
from tests.campaigns.place import Place, writing
from tests.live import Application

FOLLOW = ("sync", "follow")
#: By then it has begun, and written some batches.
_LATEST_REQUEST = 80
_ARTISTS = 30
_PAUSE_SECONDS = 0.01


@dataclass(slots=True)
class Report:
    """How much was written meanwhile, how each start after a kill went on, and what was not as it should be."""

    kills: int = 0
    writes: int = 0
    caught_up: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        went_on = ", ".join(f"{name} {count}" for name, count in sorted(self.caught_up.items()))
        return (
            f"{self.kills} kills, {self.writes:,} writes meanwhile; caught up: {went_on}; {len(self.wrong)} wrong"
            + "".join(f"\n  {each}" for each in self.wrong)
        )


@dataclass(slots=True)
class Writer:
    """Writes one artist after the other, and knows the last bio of each: None where it was deleted."""

    live: Application
    template: Mapping[str, Any]
    random: Random
    last: dict[str, str | None] = field(default_factory=dict)
    count: int = 0
    failure: Exception | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Write until stopped."""
        try:
            while not self.stopped.wait(_PAUSE_SECONDS):
                self.count += 1
                artist = f"written-{self.random.randrange(_ARTISTS)}"
                if self.random.random() < 0.2:
                    self._delete(artist)
                else:
                    self._put(artist, f"written {self.count} of {self.live.table}")
        except Exception as error:  # noqa: BLE001  the campaign tells it
            self.failure = error

    def _put(self, artist: str, bio: str) -> None:
        key = {"PK": {"S": f"ARTIST#{artist}"}, "SK": {"S": "METADATA"}}
        self.live.put({**self.template, **key, "artistId": {"S": artist}, "bio": {"S": bio}})
        self.last[artist] = bio

    def _delete(self, artist: str) -> None:
        key = {"PK": {"S": f"ARTIST#{artist}"}, "SK": {"S": "METADATA"}}
        self.live.dynamodb.delete_item(TableName=self.live.table, Key=key)
        self.last[artist] = None


def run(at: Place, count: int, seed: int, tell: Callable[[str], None] = lambda text: None) -> Report:
    """Kill it `count` times."""
    random, report = seeded(seed), Report()
    at.direct.ok("reset", "minimal")
    live = Application(at.direct.environment)
    template = next(item for item in live.dynamodb.scan(TableName=live.table)["Items"] if "bio" in item)
    at.direct.ok(*FOLLOW, "--once")
    for number in range(count):
        request, answered = random.randint(1, _LATEST_REQUEST), random.random() < 0.5
        name = f"at request {request}{', answered' if answered else ''}"
        with writing(Writer(live, template, seeded(seed + number))) as writer:
            killed = at.kill(request, *FOLLOW, answered=answered)
            Clock().sleep(random.random() / 2)
        found = [] if killed else ["it ended by itself"]
        found += [str(writer.failure)] if writer.failure else []
        found += _caught_up(at, report) + list(_apart(live, writer.last))
        report.kills += killed
        report.writes += writer.count
        report.wrong += [f"{name}: {each}" for each in found]
        tell(f"{number + 1}/{count} {name}: {writer.count} writes; {'; '.join(found) or 'right'}")
    live.close()
    return report


def _caught_up(at: Place, report: Report) -> list[str]:
    """Follow until nothing new comes; what is not as it should be."""
    done = at.tool.run(*FOLLOW, "--once", "--json")
    if done.code:
        return [f"started again it ended with {done.code}: {done.stdout}{done.stderr}"]
    report.caught_up["by comparing everything" if '"compared"' in done.stdout else "from the stream"] += 1
    found = at.direct.run("sync", "detect-conflicts")
    return [f"detect-conflicts ended with {found.code}: {found.stdout}{found.stderr}"] if found.code else []


def _apart(live: Application, last: Mapping[str, str | None]) -> Iterator[str]:
    """What the index does not have as it was written last."""
    documents = live.documents()
    for artist, bio in last.items():
        there = documents.get(artist, {}).get("bio")
        if there != bio:
            yield f"{artist}: {there} is there, {bio} was written last"
