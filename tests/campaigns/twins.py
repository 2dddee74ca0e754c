"""Twins: two commands at once. One wins, the other ends with 11 and names holder and age; who died is taken over."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import boto3
import msgspec

from tattoo_data.clock import seeded
from tests.campaigns.place import Place
from tests.faults.messages import Seen, Service

_NAMED = re.compile(r"locked by `(reset \w+|migrate run [\w-]+)` \(pid \d+ on .+\) for \d+ s")
_STATES = ("fresh", "minimal")
#: An hour, in seconds: how far a store's clock may be from this machine's.
_HOUR = 3600.0
_WAIT_SECONDS = 60.0


@dataclass(slots=True)
class Report:
    """How often two ran at once, how often a dead holder was taken over, and what was not as it should be."""

    races: int = 0
    taken_over: int = 0
    waited_for: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.races} races, {self.taken_over} dead holders taken over at once, {self.waited_for} silent ones of "
            f"another machine after their expiry; {len(self.wrong)} wrong"
            + "".join(f"\n  {each}" for each in self.wrong)
        )


def run(at: Place, count: int, seed: int, tell: Callable[[str], None] = lambda text: None) -> Report:
    """Race `count` times; every other time with a store whose clock is an hour off. A large count also waits for
    the expiry of another machine's lock."""
    random = seeded(seed)
    report = Report()
    reached = {name: _reached(at, name) for name in _STATES}
    for number in range(count):
        offset = (0.0, _HOUR, -_HOUR)[number % 3]
        with _clock_off(at, offset):
            found = _race(at, reached)
            report.races += 1
            found += _take_over(at, random.randint(5, 40))
            report.taken_over += 1
        report.wrong += [f"race {number + 1}, clock off by {offset:.0f} s: {each}" for each in found]
        tell(f"{number + 1}/{count}: {'; '.join(found) or 'right'}")
    for _ in range(-(-count // 3)):
        report.wrong += [f"two migrations: {each}" for each in _migrations(at)]
        report.races += 1
    for offset in (_HOUR, -_HOUR) if count >= 10 else (_HOUR,):
        with _clock_off(at, offset):
            report.wrong += _foreign(at, wait=count >= 10)
            report.waited_for += count >= 10
    return report


def _reached(at: Place, name: str) -> str:
    at.direct.ok("reset", name)
    return at.fingerprint()


@contextmanager
def _clock_off(at: Place, seconds: float) -> Iterator[None]:
    from dataclasses import replace

    proxy = at.proxies[Service.S3]
    before = proxy.rates
    proxy.rates = replace(before, clock_offset_seconds=seconds)
    try:
        yield
    finally:
        proxy.rates = before


def _race(at: Place, reached: dict[str, str]) -> list[str]:
    """Start two resets; the one that writes waits at its first write for the other's end."""
    at.direct.ok("reset", "clean")
    racers = {name: at.tool.start("reset", name) for name in _STATES}
    loser, said = _raced(at, racers, ("BatchWriteItem",))
    winner = next(name for name in _STATES if name != loser)
    wrong = []
    if racers[loser].returncode != 11 or not (match := _NAMED.search(said[loser][1])) or match[1] != f"reset {winner}":
        wrong.append(f"the loser ended with {racers[loser].returncode}: {said[loser]}")
    if racers[winner].returncode != 0:
        wrong.append(f"the winner ended with {racers[winner].returncode}: {said[winner]}")
    if at.fingerprint() != reached[winner]:
        wrong.append("the stores are not as the winner left them")
    return wrong


def _migrations(at: Place) -> list[str]:
    """Start the same migrations twice, as before; the one that is kept out changes nothing when it is run again."""
    at.direct.ok("reset", "minimal")
    at.direct.ok("migrate", "run-all")
    reached = at.fingerprint()
    at.direct.ok("reset", "minimal")
    racers = {name: at.tool.start("migrate", "run-all") for name in ("one", "other")}
    loser, said = _raced(at, racers, ("PutItem", "TransactWriteItems"))
    wrong = []
    if racers[loser].returncode != 11 or not _NAMED.search(said[loser][1]):
        wrong.append(f"the loser ended with {racers[loser].returncode}: {said[loser]}")
    (winner,) = (name for name in racers if name != loser)
    if racers[winner].returncode != 0 or at.fingerprint() != reached:
        wrong.append(f"the winner ended with {racers[winner].returncode}, or elsewhere: {said[winner]}")
    again = at.direct.ok("migrate", "run-all", "--json").json()
    return wrong if again["run"] is None and at.fingerprint() == reached else [*wrong, f"it wrote again: {again}"]


def _raced(
    at: Place, racers: dict[str, subprocess.Popen[str]], writes: tuple[str, ...]
) -> tuple[str, dict[str, tuple[str, str]]]:
    """The first of two to end while the other one waits at its first write, and what both said."""
    one_ended = threading.Event()

    def hold(_: int, seen: Seen) -> None:
        if seen.operation in writes:
            one_ended.wait(_WAIT_SECONDS)

    at.proxies[Service.DYNAMODB].on_request = hold
    loser = _first_to_end(racers)
    one_ended.set()
    said = {name: process.communicate() for name, process in racers.items()}
    at.proxies[Service.DYNAMODB].on_request = None
    return loser, said


def _first_to_end(racers: dict[str, subprocess.Popen[str]]) -> str:
    ended: list[str] = []
    first = threading.Event()

    def wait(name: str) -> None:
        racers[name].wait()
        ended.append(name)
        first.set()

    for name in racers:
        threading.Thread(target=wait, args=(name,), daemon=True).start()
    first.wait()
    return ended[0]


def _take_over(at: Place, request: int) -> list[str]:
    """A holder that is killed on this machine is no obstacle."""
    at.kill(request, "reset", "fresh", answered=True)
    again = at.tool.run("reset", "minimal")
    return [] if again.code == 0 else [f"after a kill the next ended with {again.code}: {again.stderr}"]


def _foreign(at: Place, *, wait: bool) -> list[str]:
    """The lock of another machine holds until it expires, by the store's clock alone."""
    s3 = boto3.client(
        "s3",
        endpoint_url=at.direct.environment["AWS_ENDPOINT_URL_S3"],
        region_name="eu-west-2",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    bucket = at.direct.environment["BACKUP_BUCKET"]
    key = _leave_lock(at, s3, bucket)
    wrong = []
    refused = at.tool.run("reset", "fresh")
    if refused.code != 11 or "elsewhere" not in refused.stderr:
        wrong.append(f"the lock of another machine: ended with {refused.code}: {refused.stderr}")
    if wait:
        waited = at.tool.run("reset", "fresh", "--wait", "90")
        if waited.code:
            wrong.append(f"after the expiry: ended with {waited.code}: {waited.stderr}")
    else:
        s3.delete_object(Bucket=bucket, Key=key)
    s3.close()
    return wrong


def _leave_lock(at: Place, s3: object, bucket: str) -> str:
    """The lock as a command left it that was killed on another machine."""
    client: boto3.client = s3
    at.kill(12, "reset", "clean" if at.fingerprint() else "fresh", answered=True)
    (key,) = (each["Key"] for each in client.list_objects_v2(Bucket=bucket, Prefix="locks/")["Contents"])
    body = msgspec.json.decode(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    client.put_object(Bucket=bucket, Key=key, Body=msgspec.json.encode({**body, "host": "elsewhere", "boot": "other"}))
    return str(key)
