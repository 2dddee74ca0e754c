"""Plan file: the conflicts that somebody is to decide, as a file to edit, and the decisions read back from it.

JSON Lines: a header, then a line for each conflict, its decision first. Only decisions are read back; the rest of a
line says what they are about, so that one which was made about other values is recognised.

    {"type":"sync-plan","format":1,"help":"..."}
    {"decision":null,"id":"artist-001","kind":"changed-in-both","name":"Ada","fields":{"bio":{"changed":"both",
        "table":"One","index":"Two","base":"None"}},"digests":{"table":"<sha256>","index":"<sha256>"}}

A decision is `table` or `index` (the record as that side has it), `delete`, `keep` where only one side has the record,
or a side for each field: `{"bio":"index"}`. A value that a side or the base does not have is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tattoo_data.errors import UsageError
from tattoo_data.formats.usable import same_names
from tattoo_data.model.canonical import canonical_document, canonical_json
from tattoo_data.model.fingerprint import digest_canonical
from tattoo_data.sync.conflict import UPDATED_AT, Changed, Conflict, Field, Side
from tattoo_data.sync.decide import Decision, decide, left
from tattoo_data.sync.form import body_of
from tattoo_data.sync.policy import Choice, Policy, Whole

FORMAT = 1
_TYPE = "sync-plan"
_HELP = (
    "Put a decision in place of null: table or index (as that side has it), delete, keep (where only one side has it), "
    'or a side for each field, like {"bio":"index"}. What stays null is left as it is.'
)
_NAMES = ("decision", "id", "kind", "name", "fields", "digests")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_fields = msgspec.json.Decoder(dict[str, dict[str, msgspec.Raw]]).decode
_decode_any = msgspec.json.Decoder(float_hook=str).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One line: what was decided (None: nothing yet), and in canonical bytes what it was decided about."""

    choice: Choice | None
    about: bytes


#: Id -> what its line says.
Plan = Mapping[str, Planned]


def write(conflicts: Iterable[Conflict]) -> Iterator[bytes]:
    """The lines of a plan in which nothing is decided yet."""
    yield _encode({"type": _TYPE, "format": FORMAT, "help": _HELP}) + b"\n"
    for conflict in conflicts:
        yield _encode({"decision": None, **_about(conflict)}) + b"\n"


def read(lines: Iterable[bytes], source: str) -> Plan:
    """The decisions of a plan; `source` is how errors call it. Raises `UsageError`, which names the line, the id and
    what would be right, for whatever is not exactly a plan with decisions in it."""
    plan: dict[str, Planned] = {}
    header = False
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if not text:
            continue
        try:
            members = _object(text)
            if header:
                _add(plan, members, text)
            else:
                _check_header(members)
                header = True
        except ValueError as error:
            raise UsageError(what=f"{source}, line {number}: {error}", hint="Mend it; nothing was written.") from None
    if not header:
        raise UsageError(what=f"{source} is empty", hint="A plan begins with the line that it was written with.")
    return plan


def decide_by(plan: Plan, conflict: Conflict, policy: Policy) -> Decision:
    """What becomes of a conflict by a plan. What the plan does not decide goes by the policy; what it decided about
    other values than those that are there now is left."""
    planned = plan.get(conflict.id)
    if planned is None or planned.choice is None:
        return decide(conflict, policy)
    about = _about(conflict)
    if planned.about != canonical_document(_encode(about)):
        same = msgspec.json.decode(planned.about).get("digests") == about["digests"]
        reason = "what it is about was edited, and only decisions are read" if same else "it is another conflict by now"
        return left(conflict, f"The plan decides on it, but {reason}.")
    return decide(conflict, policy, planned.choice)


def _about(conflict: Conflict) -> dict[str, Any]:
    """All of a conflict's line but the decision."""
    forms = {side: conflict.form_of(side) for side in Side}
    names = [form["artistName"] for form in forms.values() if form and "artistName" in form]
    return {
        "id": conflict.id,
        "kind": conflict.kind,
        **({"name": msgspec.Raw(names[0])} if names else {}),
        "fields": {field.name: _shown(field) for field in conflict.fields},
        "digests": {
            side: digest_canonical(conflict.id, body_of(form)).hex() for side, form in forms.items() if form is not None
        },
    }


def _shown(field: Field) -> dict[str, Any]:
    values = {"table": field.table, "index": field.index, "base": field.base}
    return {"changed": field.changed} | {who: msgspec.Raw(value) for who, value in values.items() if value is not None}


def _object(text: bytes) -> dict[str, msgspec.Raw]:
    try:
        members = _decode(text)
        canonical = canonical_document(text)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON object; a plan has one on each line") from None
    if not same_names(text, canonical):
        raise ValueError("an object in it has the same name twice")
    return members


def _check_header(members: Mapping[str, msgspec.Raw]) -> None:
    if "type" not in members or bytes(members["type"]) != canonical_json(_TYPE):
        raise ValueError(f'it is no plan: the first line has "type":"{_TYPE}"')
    if bytes(members.get("format", b"null")) != canonical_json(FORMAT):
        said = bytes(members.get("format", b"missing")).decode()
        raise ValueError(f"its format is {said}, and this version reads {FORMAT}")


def _add(plan: dict[str, Planned], members: dict[str, msgspec.Raw], text: bytes) -> None:
    record_id = _decode_any(members["id"]) if "id" in members else None
    if not isinstance(record_id, str):
        raise ValueError("it has no id")
    if record_id in plan:
        raise ValueError(f"{record_id}: it is there twice")
    if unknown := sorted(members.keys() - set(_NAMES)):
        raise ValueError(f"{record_id}: {unknown[0]!r} is not known; there is {', '.join(_NAMES)}")
    if missing := [name for name in _NAMES if name not in members and name != "name"]:
        raise ValueError(f"{record_id}: {missing[0]} is missing")
    try:
        choice = _choice(members)
    except ValueError as error:
        raise ValueError(f"{record_id}: {error}") from None
    del members["decision"]
    plan[record_id] = Planned(choice=choice, about=canonical_document(_encode(members)))


def _choice(members: Mapping[str, msgspec.Raw]) -> Choice | None:
    decision = _decode_any(members["decision"])
    on_both = len(_decode(members["digests"])) == len(Side)
    allowed = [whole.value for whole in Whole if whole is not Whole.KEEP or not on_both]
    if decision is None:
        return None
    if isinstance(decision, dict) and on_both:
        return _by_field(decision, _decode_fields(members["fields"]))
    if decision not in allowed:
        said = decision if isinstance(decision, str) else bytes(members["decision"]).decode()
        more = " or a side for each field" if on_both else ""
        raise ValueError(f"the decision {said!r} is not known; there is {', '.join(allowed)}{more}")
    return Whole(decision)


def _by_field(decision: Mapping[str, object], fields: Mapping[str, Mapping[str, msgspec.Raw]]) -> dict[str, Side]:
    chosen: dict[str, Side] = {}
    for name, side in decision.items():
        if name not in fields:
            raise ValueError(f"the field {name!r} is no part of it; there is {', '.join(fields)}")
        if side not in tuple(Side):
            raise ValueError(f"the side {side!r} of {name} is not known; there is {', '.join(Side)}")
        chosen[name] = Side(str(side))
    for name, field in fields.items():
        clashes = bytes(field.get("changed", b"")) in (canonical_json(Changed.BOTH), canonical_json(Changed.UNKNOWN))
        if clashes and name != UPDATED_AT and name not in chosen:
            raise ValueError(f"nothing is decided on the field {name!r}, which changed on both sides")
    return chosen
