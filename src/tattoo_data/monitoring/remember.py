"""Remembering: the ledger of the target that the settings name, told on through the sinks that they name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tattoo_data.clock import Clock
from tattoo_data.monitoring.ledger import Bounds, Deliver, Ledger, open_ledger
from tattoo_data.monitoring.sinks import Sinks, open_sinks
from tattoo_data.repository.runs import target_id
from tattoo_data.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The ledger of a target, and the sinks that get what happens to its alerts."""

    ledger: Ledger
    sinks: Sinks


@contextmanager
def remembering(
    settings: Settings, clock: Clock, say: Callable[[str], None], *, aloud: bool = False
) -> Iterator[Remembered]:
    """What is kept of the target, from the state folder alone: no store is asked. `say` gets what could not be kept or
    delivered; with `aloud` also every event.

    Raises what `open_ledger` and `open_sinks` raise.
    """
    with (
        open_sinks(settings, clock, say, aloud=aloud) as sinks,
        _ledger(settings, clock, say, sinks.deliver) as ledger,
    ):
        yield Remembered(ledger=ledger, sinks=sinks)


def recalling(settings: Settings, clock: Clock, say: Callable[[str], None]) -> AbstractContextManager[Ledger]:
    """The ledger alone, for what only reads it or acknowledges: nothing happens that a sink would have to tell. Raises
    what `open_ledger` raises."""
    return _ledger(settings, clock, say, None)


def _ledger(
    settings: Settings, clock: Clock, say: Callable[[str], None], deliver: Deliver | None
) -> AbstractContextManager[Ledger]:
    target = target_id(settings.region, settings.table, settings.index, settings.image_bucket)
    bounds = Bounds(
        raw_hours=settings.history_raw_hours, minute_days=settings.history_minute_days, rows=settings.history_rows
    )
    return open_ledger(settings.home, target, clock, settings.monitoring, say, bounds=bounds, deliver=deliver)


def target_document(settings: Settings) -> dict[str, object]:
    """The target as settings and state folder tell it; an address that nobody knows without asking is None."""
    from tattoo_data import stack  # most of what needs a ledger needs no stack, which takes longer to load

    named = settings.named()
    aws, s3, search = named.dynamodb or None, named.s3 or None, named.opensearch
    if named.embedded:
        servers = stack.running(stack.options_of(settings))
        aws = s3 = servers.aws_endpoint if servers else None
        search = servers.opensearch_endpoint if servers else None
    return {
        "awsEndpoint": aws,
        "s3Endpoint": s3,
        "opensearchEndpoint": search,
        "region": settings.region,
        "table": settings.table,
        "index": settings.index,
        "imageBucket": settings.image_bucket,
        "backupBucket": settings.backup_bucket,
        "embedded": named.embedded,
    }
