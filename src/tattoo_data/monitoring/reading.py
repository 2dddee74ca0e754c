"""Reading: what one store said when it was asked, or why that is not known, as a sample has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tattoo_data.engine.scan import Live, said_of_shared
from tattoo_data.environment import Environment
from tattoo_data.errors import TattooDataError
from tattoo_data.monitoring.sample import Requests, StoreSample
from tattoo_data.stores.base import Description
from tattoo_data.sync.pair import BROKEN

_UNREACHABLE = 14
#: What reading an entry that is none raises.
_UNREADABLE = (*BROKEN, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a store is made, and where it was scanned (`live`) what it holds; `error` is why that is not known."""

    description: Description | None = None
    live: Live | None = None
    count: int | None = None
    error: str = ""
    reachable: bool = True

    @property
    def is_refused(self) -> bool:
        """Whether its structure is another one, so that what it holds may have no key of ours."""
        return self.description is not None and bool(self.description.refused)

    @property
    def is_there(self) -> bool:
        """Whether it exists and can be read, as far as is known."""
        return self.description is not None and not self.is_refused and not self.error

    @property
    def is_whole(self) -> bool:
        """Whether all that it holds was read; a store that is not there holds nothing."""
        return self.live is not None and not self.is_refused and not self.error


def tried(look: Callable[[], Reading]) -> Reading:
    """What a look at a store gives; its error where it fails."""
    try:
        return look()
    except TattooDataError as error:
        return Reading(error=error.message, reachable=error.exit_code != _UNREACHABLE)
    except _UNREADABLE as error:
        return Reading(error=f"it holds what cannot be read: {error}")


def store_sample(env: Environment, read: Reading, requests: Requests) -> StoreSample:
    """A reading as a sample has it."""
    about = read.description
    if read.error:
        return StoreSample(reachable=read.reachable, healthy=False, requests=requests, problems=(read.error,))
    if about is None:
        absent = ("it does not exist",)
        return StoreSample(reachable=True, healthy=False, count=0, kinds={}, requests=requests, problems=absent)
    wrong = [*about.refused, *about.rebuild, *(f"{what} is missing" for what in about.missing)]
    if read.live is not None and read.live.shared:
        wrong.append(f"it holds {said_of_shared(read.live.shared)}")
    # Our own server does not say in its headers what it is, and we know it.
    engine = "ministack" if env.target.embedded and about.engine in ("DynamoDB", "S3") else about.engine
    return StoreSample(
        reachable=True,
        healthy=not wrong,
        engine=engine,
        count=read.count,
        kinds=dict(read.live.kinds) if read.live is not None and read.is_whole else None,
        requests=requests,
        problems=tuple(wrong),
    )
