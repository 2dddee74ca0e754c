"""DEBUG: the settings with their source and every request, on stderr; never a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tattoo_data.cli.streams import say
from tattoo_data.settings import Settings, describe

if TYPE_CHECKING:
    from tattoo_data.stores.wire import Exchange, Trace


def print_settings(settings: Settings) -> None:
    """Print every setting and where it came from."""
    for row in describe(settings):
        say(f"debug: {row.name} = {row.value}  ({row.source})\n")


def tracer() -> Trace:
    """A trace that prints each request in one line."""

    def show(exchange: Exchange) -> None:
        received = "?" if exchange.received_bytes is None else str(exchange.received_bytes)
        outcome = exchange.status if exchange.error is None else exchange.error
        say(
            f"debug: {exchange.store} {exchange.operation} attempt {exchange.attempt}: {outcome}, "
            f"{exchange.sent_bytes} bytes sent, {received} received, {exchange.seconds * 1000:.1f} ms\n"
        )

    return show


def joined(traces: Sequence[Trace]) -> Trace:
    """A trace that hands each request to several."""

    def hand(exchange: Exchange) -> None:
        for trace in traces:
            trace(exchange)

    return hand
