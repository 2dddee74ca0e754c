"""Every rule, by id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tattoo_data.errors import UnknownChoice
from tattoo_data.model.records import Kind
from tattoo_data.validation.rule import Rule
from tattoo_data.validation.rules import artist, cross, files, shared, stores, studio, style
from tattoo_data.validation.rules.entity import Entity

ENTITIES: Mapping[Kind, Entity] = {
    Kind.ARTIST: artist.ARTIST,
    Kind.STUDIO: studio.STUDIO,
    Kind.STYLE: style.STYLE,
}
_RECORDS = (
    shared.REQUIRED,
    shared.TYPE,
    shared.RANGE,
    shared.DATE,
    artist.HANDLE,
    artist.URL,
    shared.RATING_RANGE,
    shared.UNREVIEWED,
    shared.UNRATED,
    shared.PAIR,
    shared.COORDINATES,
    shared.ABROAD,
    shared.GEOHASH,
    shared.ELSEWHERE,
    shared.POSTCODE,
    shared.POSTCODE_SPELLING,
    studio.ADDRESS,
    shared.SPECIALTY,
    studio.HOURS,
    style.STYLE_ID,
    style.DIFFICULTY,
    style.POPULARITY,
    artist.OLD,
    shared.UNKNOWN,
)
#: What a group of rules is about -> its rules.
GROUPS: Mapping[str, tuple[Rule, ...]] = {
    "One record": _RECORDS,
    "Between records and keys": cross.RULES,
    "The live stores": stores.RULES,
    "Files": files.RULES,
}
RULES: Mapping[str, Rule] = {rule.id: rule for group in GROUPS.values() for rule in group}


def check_rules(ids: Iterable[str]) -> frozenset[str]:
    """The rules of these ids. Raises `UnknownChoice` for one that there is not."""
    for rule in (given := list(ids)):
        if rule not in RULES:
            raise UnknownChoice(kind="rule", name=rule, known=RULES)
    return frozenset(given)


def markdown() -> str:
    """The tables of all rules, for the documentation."""
    lines: list[str] = []
    for title, rules in GROUPS.items():
        lines += [f"### {title}", "", "| rule | severity | of | what is wrong | why it matters |"]
        lines += ["|---|---|---|---|---|", *map(_row, rules), ""]
    return "\n".join(lines)


def _row(rule: Rule) -> str:
    return f"| `{rule.id}` | {rule.severity} | {', '.join(rule.of)} | {rule.message} | {rule.reason} |"
