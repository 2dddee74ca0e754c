"""How often each fault happens, and which happen to a request: drawn from a seed and the request's number."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from enum import StrEnum
from random import Random

#: Faults of which a request has one at most, each by its rate.
_EXCLUSIVE = ("throttled", "error500", "unavailable", "dropped")
_PER_ENTRY = ("unprocessed", "partial", "refused")
_LONGEST_DELAY = 30.0


class Moment(StrEnum):
    """When a connection is dropped: before the engine has the request, after it took it and before any byte of
    the answer, or in the middle of the answer's body."""

    BEFORE = "before"
    AFTER = "after"
    MIDDLE = "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRates:
    """Probabilities of each fault, and the seed that they are drawn from.

    | fault | per | what the client sees |
    | --- | --- | --- |
    | throttled | request | 400 ProvisionedThroughputExceededException, 429, or 503 SlowDown; nothing was done |
    | error500, unavailable | request | 500 or 503, as the service or as a gateway before it; nothing was done |
    | dropped | request | the connection breaks at one of the moments of `dropped_at` |
    | delayed | request | the request waits up to `delay_seconds` before anything else happens to it |
    | unprocessed | entry | DynamoDB: UnprocessedItems, UnprocessedKeys, or the transaction is cancelled for it |
    | partial | entry | OpenSearch: an action of `_bulk` answered with 429; S3: an Error of DeleteObjects |
    | refused | key | OpenSearch: an action of `_bulk` answered with 400; DynamoDB: ValidationException for the \
request, and with it for the whole batch or transaction |

    A request has one of throttled, error500, unavailable and dropped at most. `clock_offset_seconds` is how far
    the engine's clock is ahead.
    """

    throttled: float = 0.0
    error500: float = 0.0
    unavailable: float = 0.0
    dropped: float = 0.0
    dropped_at: tuple[Moment, ...] = tuple(Moment)
    delayed: float = 0.0
    delay_seconds: float = 0.05
    unprocessed: float = 0.0
    partial: float = 0.0
    refused: float = 0.0
    clock_offset_seconds: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        rates = {each.name: getattr(self, each.name) for each in fields(self)}
        if wrong := [name for name in (*_EXCLUSIVE, *_PER_ENTRY, "delayed") if not 0 <= rates[name] <= 1]:
            raise ValueError(f"no probability: {', '.join(wrong)}")
        if sum(rates[name] for name in _EXCLUSIVE) > 1 + 1e-9:
            raise ValueError(f"together over 1: {', '.join(_EXCLUSIVE)}")
        if not self.dropped_at or not 0 <= self.delay_seconds <= _LONGEST_DELAY:
            raise ValueError(f"connections drop at some moment, and delays are of {_LONGEST_DELAY} seconds at most")

    @classmethod
    def everything(cls, seed: int = 0) -> FaultRates:
        """Every request fails, each in one of three ways, and none reaches the engine."""
        third = 1 / 3
        return cls(throttled=third, unavailable=third, dropped=third, dropped_at=(Moment.BEFORE,), seed=seed)

    def refuses(self, key: str) -> bool:
        """Whether an entry of this key is refused, always. `key` is an item's as `item_key` spells it, or a
        document's `_id`."""
        if not self.refused:
            return False
        drawn = hashlib.sha256(f"{self.seed}/{key}".encode()).digest()[:8]
        return int.from_bytes(drawn, "big") / 2**64 < self.refused

    def random(self, number: int) -> Random:
        """The random numbers of one request: the same for the same number, whatever came before it."""
        return Random(f"{self.seed}/{number}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What happens to a request. `reset` says that a dropped connection is reset and not just closed."""

    fault: str | None
    moment: Moment
    reset: bool
    delay: float


def judge(rates: FaultRates, random: Random) -> Verdict:
    """Draw what happens to a request."""
    delay = random.random() * rates.delay_seconds if random.random() < rates.delayed else 0.0
    point, fault = random.random(), None
    for name in _EXCLUSIVE:
        rate: float = getattr(rates, name)
        if point < rate:
            fault = name
            break
        point -= rate
    return Verdict(fault=fault, moment=random.choice(rates.dropped_at), reset=random.random() < 0.5, delay=delay)
