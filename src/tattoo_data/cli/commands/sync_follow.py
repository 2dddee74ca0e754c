"""`sync follow`."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from tattoo_data.cli.options import Invocation, common, yes
from tattoo_data.cli.stopping import stopped_by_signals

if TYPE_CHECKING:
    from tattoo_data.environment import Environment
    from tattoo_data.sync.batch import Written
    from tattoo_data.sync.follow import Event

EPILOG = """\b
Touches: documents of artists, and its checkpoint. It makes no runs: what it writes follows from the table.

\b
Example:
  tattoo-data sync follow
  tattoo-data sync follow --once
  tattoo-data sync follow --json | jq -c 'select(.type == "applied") | [.records, .lagSeconds]'

\b
Exit status:
  0  it was stopped, or with --once nothing new came
  3  some documents could not be written; they are named
  10 there is no table, or it has no stream
  13 the table holds no artist
  14 a service does not answer as following begins
"""


@click.command("follow", epilog=EPILOG)
@click.option("--once", is_flag=True, help="End when nothing new comes.")
@click.option("--allow-empty", is_flag=True, help="Follow a table without an artist: the index loses all of its own.")
@yes
@common
def command(invocation: Invocation, once: bool, allow_empty: bool) -> int:
    """Keep the index in step with the table, from the table's stream, until stopped."""
    stop = threading.Event()
    with stopped_by_signals(stop):
        return _follow(invocation, stop, once=once, allow_empty=allow_empty)


def _follow(invocation: Invocation, stop: threading.Event, *, once: bool, allow_empty: bool) -> int:
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.sync.follow import FollowOptions, follow

    invocation.command = "sync follow"
    options = FollowOptions(once=once, allow_empty=allow_empty)
    with invocation.environment() as env:
        confirm(invocation, env, options.question)
        shown = _Shown(invocation, env)
        for event in follow(env, options, stop):
            shown.show(event)
        shown.end()
    return 3 if shown.failed else 0


@dataclass(slots=True)
class _Shown:
    """Shows each event, and what came of all: a line each; with `--json` an object a line."""

    invocation: Invocation
    env: Environment
    records: int = 0
    written: int = 0
    deleted: int = 0
    failed: int = 0

    def show(self, event: Event) -> None:
        from tattoo_data.sync.follow import Applied, Begun, Compared, Trouble, Waiting

        match event:
            case Begun():
                target = self.env.target
                after = "after what was followed before" if event.resumed else "from now on"
                words = f"Following {target.table} into {target.index}, {after}. Ctrl-C stops it."
                self._say("begun", words, stream=event.stream, resumed=event.resumed, target=target.document())
            case Compared():
                self._count(event.done)
                words = f"compared all {event.done.artists:,} artists, since {event.reason}: {_words(event.done)}"
                self._line("compared", words, event.done, reason=event.reason, elapsedSeconds=round(event.seconds, 3))
            case Applied():
                self.records += event.records
                self._count(event.done)
                rate = event.records / max(event.seconds, 0.001)
                words = (
                    f"{event.records:,} changes: {_words(event.done)}, {event.lag:.1f} s behind, {rate:,.0f} a second"
                )
                more = {"lagSeconds": round(event.lag, 3), "elapsedSeconds": round(event.seconds, 3)}
                self._line("applied", words, event.done, records=event.records, perSecond=round(rate, 1), **more)
            case Waiting():
                self._say("waiting", f"waiting for {event.holder}", holder=event.holder)
            case Trouble():
                self._say("trouble", f"trying again: {event.message}", message=event.message)

    def end(self) -> None:
        """Say what came of all."""
        counts = {"written": self.written, "deleted": self.deleted, "failed": self.failed}
        elapsed = self.invocation.elapsed()
        if self.invocation.output.json:
            self._object("stopped", records=self.records, **counts, elapsedSeconds=elapsed)
            return
        failed = f", {self.failed:,} failed" if self.failed else ""
        documents = f"{self.written:,} documents written, {self.deleted:,} deleted{failed}"
        self.invocation.output.event(f"Followed {self.records:,} changes in {elapsed:.1f} s: {documents}.")

    def _count(self, done: Written) -> None:
        self.written += done.written
        self.deleted += done.deleted
        self.failed += len(done.failures)

    def _line(self, kind: str, words: str, done: Written, **fields: Any) -> None:
        failures = [{"key": each.key, "error": each.error, "message": each.message} for each in done.failures]
        counts = {"artists": done.artists, "written": done.written, "deleted": done.deleted, "failures": failures}
        if self.invocation.output.json:
            self._object(kind, **fields, **counts)
            return
        self.invocation.output.event(words[0].upper() + words[1:] + ".")
        for each in done.failures:
            self.invocation.output.event(f"index {each.key}: {each.message}")

    def _say(self, kind: str, words: str, **fields: Any) -> None:
        """Something that is no result."""
        if self.invocation.output.json:
            self._object(kind, **fields)
        else:
            self.invocation.output.say(words)

    def _object(self, kind: str, **fields: Any) -> None:
        from tattoo_data.clock import timestamp

        at = timestamp(self.invocation.clock.now())
        self.invocation.output.object({"type": kind, "at": at, "command": self.invocation.command, **fields})


def _words(done: Written) -> str:
    failed = f", {len(done.failures):,} failed" if done.failures else ""
    return f"{done.written:,} documents written, {done.deleted:,} deleted{failed}"
