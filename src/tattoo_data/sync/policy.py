"""Policy: how it is decided what changed on both sides, or what nobody knows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from tattoo_data.errors import UnknownChoice, UsageError
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


def policy_of(
    strategy: str, prefer: str | None = None, *, plan: Path | None = None, apply: Path | None = None
) -> Policy:
    """The policy that is asked for by name, with the plan that is to be written or done. Raises `UnknownChoice`, and
    `UsageError` for options that do not fit the strategy."""
    if strategy not in list(Strategy):
        raise UnknownChoice(kind="strategy", name=strategy, known=list(Strategy))
    if prefer and prefer not in list(Side):
        raise UnknownChoice(kind="side", name=prefer, known=list(Side))
    if prefer and strategy != Strategy.MERGE:
        raise UsageError(
            what=f"--prefer is for merge, and {strategy} needs none", hint="Leave --prefer out, or resolve by merge."
        )
    if (plan or apply) and strategy != Strategy.MANUAL:
        raise UsageError(
            what=f"--plan and --apply are for manual, and {strategy} decides by itself",
            hint="Leave them out, or resolve by manual.",
        )
    if strategy == Strategy.MANUAL and bool(plan) == bool(apply):
        raise UsageError(
            what="manual needs --plan FILE, which writes the conflicts to decide, or --apply FILE, which does it",
            hint="First --plan plan.jsonl, then edit it, then --apply plan.jsonl.",
        )
    return Policy(strategy=Strategy(strategy), prefer=Side(prefer) if prefer else None)


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
