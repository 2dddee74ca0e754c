"""Decide: what item and document of an artist become, and why. Pure.

What changed on one side since the sync point is taken and a delete is a delete, whatever the strategy; a strategy
decides what changed on both sides, or what nobody knows. After a decision the document is what the item gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.sync.backward import item_from
from tattoo_data.sync.conflict import Conflict, Kind, Side
from tattoo_data.sync.form import Form, as_canonical, body_of, projected
from tattoo_data.sync.merge import merge
from tattoo_data.sync.policy import Choice, Policy, Strategy, Whole, ruling


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What item and document become, None where they go, and why in a sentence. Where somebody has to decide first,
    `is_left` is true and both stay as they are. What stays as it is is the conflict's own entry."""

    conflict: Conflict
    item: Entry | None
    document: Entry | None
    reason: str
    is_left: bool = False

    @property
    def writes(self) -> tuple[StoreName, ...]:
        """The stores in which something changes."""
        pairs = {
            StoreName.TABLE: (self.conflict.item, self.item),
            StoreName.INDEX: (self.conflict.document, self.document),
        }
        return tuple(store for store, (before, after) in pairs.items() if before != after)


def decide(conflict: Conflict, policy: Policy, choice: Choice | None = None) -> Decision:
    """What becomes of a conflict under a policy, or by somebody's `choice`, which goes before it.

    A side that is to be taken although no item can give its document is left. Raises ValueError for the choice to keep
    what both sides have.
    """
    if isinstance(choice, Whole):
        return _chosen(conflict, choice)
    if conflict.is_on_both:
        return _by_fields(conflict, policy, choice or {})
    holder = Side.TABLE if conflict.index is None else Side.INDEX
    match conflict.kind:
        case Kind.ONLY_IN_TABLE:
            return _as(conflict, holder, "Without a sync point, an item without a document gets one.")
        case Kind.ONLY_IN_INDEX:
            return _only_in_index(conflict, policy)
        case Kind.CREATED_IN_TABLE | Kind.CREATED_IN_INDEX:
            return _as(conflict, holder, f"Since the sync point, it came into the {holder}.")
        case Kind.DELETED_IN_TABLE | Kind.DELETED_IN_INDEX:
            reason = f"Since the sync point, the {holder.other} deleted it and the {holder} did not change it."
            return _as(conflict, holder.other, reason)
    return _deleted_and_changed(conflict, policy, holder)


def left(conflict: Conflict, reason: str) -> Decision:
    """That nothing is decided: both stay as they are."""
    return Decision(conflict=conflict, item=conflict.item, document=conflict.document, reason=reason, is_left=True)


def _chosen(conflict: Conflict, choice: Whole) -> Decision:
    if choice is Whole.DELETE:
        return _gone(conflict, "By hand: it is deleted.")
    if choice is Whole.KEEP:
        if conflict.is_on_both:
            raise ValueError("both sides have it: a side is to be named")
        return _as(conflict, Side.TABLE if conflict.index is None else Side.INDEX, "By hand: it is kept.")
    return _as(conflict, Side(choice), f"By hand: as the {choice} has it.")


def _only_in_index(conflict: Conflict, policy: Policy) -> Decision:
    if policy.strategy is Strategy.DYNAMO_WINS:
        return _as(conflict, Side.TABLE, "Without a sync point, the table wins, and it does not have it.")
    if policy.strategy is Strategy.OPENSEARCH_WINS:
        return _as(conflict, Side.INDEX, "Without a sync point, the index wins, and it has it.")
    return left(conflict, "Without a sync point, nobody knows whether the index got it anew or the table deleted it.")


def _deleted_and_changed(conflict: Conflict, policy: Policy, holder: Side) -> Decision:
    what = f"Since the sync point, the {holder.other} deleted it and the {holder} changed it"
    if policy.strategy is Strategy.LATEST:
        return _as(conflict, holder, f"{what}: a delete has no updatedAt, so the change stays.")
    winner = ruling(conflict, policy)
    reason = f"{what}, and {winner.reason}."
    return left(conflict, reason) if winner.side is None else _as(conflict, winner.side, reason)


def _by_fields(conflict: Conflict, policy: Policy, named: Mapping[str, Side]) -> Decision:
    if not conflict.fields:
        return _as(conflict, Side.TABLE, "All fields agree: the document is made anew from the item.")
    merged = merge(conflict, policy, named)
    return left(conflict, merged.reason) if merged.form is None else _made(conflict, merged.form, merged.reason)


def _as(conflict: Conflict, side: Side, reason: str) -> Decision:
    """Both as one side has it."""
    form = conflict.form_of(side)
    return _gone(conflict, reason) if form is None else _made(conflict, form, reason)


def _gone(conflict: Conflict, reason: str) -> Decision:
    return Decision(conflict=conflict, item=None, document=None, reason=reason)


def _made(conflict: Conflict, form: Form, reason: str) -> Decision:
    """Both with these fields, each as it is where it has them already."""
    template = conflict.item or (conflict.base.item if conflict.base else None)
    try:
        item = item_from(template, Entry(conflict.id, body_of(form)))
    except ValueError as error:
        return left(conflict, f"{reason[:-1]}, but no item can give its document: {error}.")
    document = projected(item)
    if conflict.document is not None:
        same = as_canonical(conflict.document) == document.body
        document = conflict.document if same else replace(document, routing=conflict.document.routing)
    return Decision(conflict=conflict, item=item, document=document, reason=reason)
