"""Damage: what becomes of a batch whose entries are hit by faults of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.faults.messages import Answer, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """The engine gets `forwarded`, and the client what `merge` makes of the body of a good answer; or the engine
    gets nothing, and the client `answer`. `counts` are the entries that each fault took."""

    forwarded: Request | None = None
    merge: Callable[[bytes], bytes] | None = None
    answer: Answer | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    def merged(self, answer: Answer) -> Answer:
        """The engine's answer with what it never got."""
        if self.merge is None or answer.status != 200:
            return answer
        return answer.with_body(self.merge(answer.body))
