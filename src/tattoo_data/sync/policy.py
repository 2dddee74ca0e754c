"""Policy: how it is decided what changed on both sides, or what nobody knows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tattoo_data.sync.conflict import UPDATED_AT, Conflict, Side
from tattoo_data.sync.recency import Ruling, later


class Strategy(StrEnum):
    """How it is decided what changed on both sides."""

    LATEST = "latest"
    DYNAMO_WINS = "dynamo_wins"
    OPENSEARCH_WINS = "opensearch_wins"
    MERGE = "merge"
    MANUAL = "manual"


class Whole(StrEnum):
    """What somebody may decide of a whole record: what a side has, to delete it, or to keep what only one side has."""

    TABLE = "table"
    INDEX = "index"
    DELETE = "delete"
    KEEP = "keep"


#: Somebody's decision: of the whole record, or a side for each field that is named.
Choice = Whole | Mapping[str, Side]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How to decide. `prefer` is the side that `merge` takes what changed on both from; without one `merge` leaves it.
    An updatedAt after `horizon` is not believed."""

    strategy: Strategy = Strategy.LATEST
    prefer: Side | None = None
    horizon: datetime | None = None


def ruling(conflict: Conflict, policy: Policy) -> Ruling:
    """The side that wins where both sides changed something."""
    match policy.strategy:
        case Strategy.LATEST:
            return newer(conflict, policy)
        case Strategy.DYNAMO_WINS:
            return Ruling(side=Side.TABLE, reason="the table wins")
        case Strategy.OPENSEARCH_WINS:
            return Ruling(side=Side.INDEX, reason="the index wins")
        case Strategy.MERGE if policy.prefer is not None:
            return Ruling(side=policy.prefer, reason=f"the {policy.prefer} is preferred")
        case Strategy.MERGE:
            return Ruling(side=None, reason="no side is preferred")
    return Ruling(side=None, reason="nobody has decided yet")


def newer(conflict: Conflict, policy: Policy) -> Ruling:
    """The side with the larger updatedAt."""
    table, index = ((conflict.form_of(side) or {}).get(UPDATED_AT) for side in Side)
    return later(table, index, policy.horizon)
