"""Merge: from which side each field of a record is taken that both sides have, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tattoo_data.model.difference import spell_path
from tattoo_data.sync.conflict import UPDATED_AT, Changed, Conflict, Field, Side
from tattoo_data.sync.form import Form
from tattoo_data.sync.policy import Policy, Strategy, newer, ruling
from tattoo_data.sync.recency import Ruling

#: How many fields a sentence names.
_NAMED = 5
_CHANGED = {
    Changed.TABLE: "only the table changed ",
    Changed.INDEX: "only the index changed ",
    Changed.BOTH: "both sides changed ",
    Changed.UNKNOWN: "nobody knows which side changed ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The fields that the record is to have, None where somebody has to decide first, and why in a sentence."""

    form: Form | None
    reason: str


@dataclass(frozen=True, slots=True)
class _Taken:
    """One field, the side that it is taken from (None: nobody says so), and what a sentence says before and after its
    name."""

    field: Field
    side: Side | None
    before: str
    after: str = ""


def merge(conflict: Conflict, policy: Policy, named: Mapping[str, Side]) -> Merged:
    """The record's fields: what is `named` from the side that it names, what changed on one side from there, and the
    rest as the policy says. Without a sync point, the strategy `merge` keeps what only one side has.

    updatedAt, where it is not clear by itself, comes from the side that gives all the rest, and from the newer one
    where both give something.
    """
    winner = ruling(conflict, policy)
    taken = [_take(field, policy, winner, named) for field in conflict.fields if field.name != UPDATED_AT]
    if open_fields := [each for each in taken if each.side is None]:
        return Merged(form=None, reason=_sentence(conflict, open_fields))
    stamp = _stamp_winner(conflict, policy, winner, {each.side for each in taken if each.side})
    stamps = [_take(field, policy, stamp, named) for field in conflict.fields if field.name == UPDATED_AT]
    form = dict(conflict.table or {})
    for each in (*taken, *stamps):
        form.pop(each.field.name, None)
        if each.side is not None and (value := each.field.of(each.side)) is not None:
            form[each.field.name] = value
    return Merged(form=form, reason=_sentence(conflict, taken or stamps))


def _take(field: Field, policy: Policy, winner: Ruling, named: Mapping[str, Side]) -> _Taken:
    changed = _CHANGED[field.changed]
    if field.name in named:
        return _Taken(field, named[field.name], changed, f", and the {named[field.name]} is chosen")
    if field.changed in (Changed.TABLE, Changed.INDEX):
        return _Taken(field, Side(field.changed), changed)
    holder = Side.TABLE if field.index is None else Side.INDEX if field.table is None else None
    if policy.strategy is Strategy.MERGE and field.changed is Changed.UNKNOWN and holder:
        return _Taken(field, holder, f"only the {holder} has ")
    return _Taken(field, winner.side, changed, f", and {winner.reason}")


def _stamp_winner(conflict: Conflict, policy: Policy, winner: Ruling, giving: set[Side]) -> Ruling:
    if len(giving) == 1:
        return Ruling(side=giving.pop(), reason="it goes with the rest")
    return newer(conflict, policy) if giving or winner.side is None else winner


def _sentence(conflict: Conflict, taken: Iterable[_Taken]) -> str:
    """Why each field comes from where it does, those with one reason together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for each in taken:
        groups.setdefault((each.before, each.after), []).append(spell_path((each.field.name,)))
    clauses = "; ".join(f"{before}{_listed(names)}{after}" for (before, after), names in groups.items())
    return f"{'Without a sync point' if conflict.is_two_way else 'Since the sync point'}, {clauses}."


def _listed(names: list[str]) -> str:
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
