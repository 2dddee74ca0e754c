"""Validate: what is asked for, and the report that it ends in. Read-only."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tattoo_data.catalog import Context, load
from tattoo_data.clock import Clock
from tattoo_data.model.entry import StoreName
from tattoo_data.model.records import Kind
from tattoo_data.settings import Settings
from tattoo_data.stores.base import scan
from tattoo_data.validation.baseline import read_baseline
from tattoo_data.validation.files import FILES, FileCheck, Tokens
from tattoo_data.validation.images import Images
from tattoo_data.validation.report import Findings, Report
from tattoo_data.validation.rule import Place, Problem, finding, findings
from tattoo_data.validation.rules.every import check_rules
from tattoo_data.validation.rules.stores import ABSENT, UNUSED

if TYPE_CHECKING:
    from tattoo_data.environment import Environment

#: How findings name a file of the catalogue.
CATALOGUE = "catalogue"


class What(StrEnum):
    """What is checked."""

    FILES = "files"
    DATABASE = "database"
    OPENSEARCH = "opensearch"
    CONSISTENCY = "consistency"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOptions:
    """`paths` are those of `files`; none means the catalogue that ships, and `-` is `stdin`. With `only`, just these
    rules are asked, and those of `skip` never."""

    what: What
    paths: tuple[Path, ...] = ()
    stdin: io.BufferedReader | None = None
    only: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    baseline: Path | None = None


def check_options(options: ValidateOptions) -> None:
    """Raise `UnknownChoice` for a rule that there is not, and `BadSetting` for a baseline that is none, before anything
    is opened."""
    check_rules([*options.only, *options.skip])
    if options.baseline is not None:
        read_baseline(options.baseline)


def day_of(settings: Settings, clock: Clock) -> date:
    """The day that the catalogue is checked as of: the one that is set, else today."""
    return settings.as_of or clock.today()


def validate_files(settings: Settings, as_of: date, options: ValidateOptions, env: Environment | None = None) -> Report:
    """Check files, or without any the catalogue. With `env`, images that records refer to are looked for in the
    target's bucket."""
    kept = _findings(options)
    counted: Counter[str] = Counter()
    images = _live_images(env, kept, counted) if env is not None else None
    if not options.paths:
        counted += _check_catalogue(settings, as_of, kept, images)
        return Report(what=options.what, findings=kept, checked=counted, notes=(_SHIPPED,))
    check = FileCheck(report=kept.add, tokens=_tokens(settings, as_of), images=images, stdin=options.stdin)
    for path in options.paths:
        check.path(path)
    check.finish()
    counted[FILES] = check.checked
    return Report(what=options.what, findings=kept, checked=counted, notes=tuple(check.notes))


def validate_live(env: Environment, as_of: date, options: ValidateOptions) -> Report:
    """Check the live stores, and for `all` the catalogue too. Raises where a store does not answer; one that is not
    there is a finding."""
    from tattoo_data.validation.live import Asked, check_live  # the clients of stores, which files do not need

    everything, what = options.what is What.ALL, options.what
    asked = Asked(
        records=everything or what is What.DATABASE,
        documents=everything or what is What.OPENSEARCH,
        agreement=everything or what is What.CONSISTENCY,
    )
    kept = _findings(options)
    checked, notes = check_live(env, asked, kept.add)
    if everything:
        checked += _check_catalogue(env.settings, as_of, kept)
        notes.append(_SHIPPED)
    return Report(what=options.what, findings=kept, checked=checked, notes=tuple(notes))


_SHIPPED = "files: the catalogue that ships, because no PATH was given"


def _findings(options: ValidateOptions) -> Findings:
    baseline = read_baseline(options.baseline) if options.baseline else None
    return Findings(only=options.only, skip=options.skip, baseline=baseline)


def _tokens(settings: Settings, as_of: date) -> Tokens:
    return Tokens(as_of=as_of, image_base=context_of(settings, as_of).image_base)


def context_of(settings: Settings, as_of: date) -> Context:
    """What the catalogue is resolved with."""
    return Context(as_of=as_of, images_base_url=settings.images_base_url, image_bucket=settings.image_bucket)


def _check_catalogue(settings: Settings, as_of: date, kept: Findings, live: Images | None = None) -> Counter[str]:
    """The catalogue by the same rules, with its own images or those that are live."""
    dataset = load(context_of(settings, as_of))
    images = live or Images(dataset.context.image_base, dataset.images)
    check = FileCheck(report=kept.add, tokens=_tokens(settings, as_of))
    numbers: Counter[Kind] = Counter()
    encode = msgspec.json.Encoder(decimal_format="number").encode
    for record in dataset.records.values():
        file = f"{CATALOGUE}/{record.kind.plural}.json"
        place = Place(FILES, record.id, file, 0, f"/{numbers[record.kind]}")
        numbers[record.kind] += 1
        check.fields(record.kind, record.fields, place)
        for each in findings(images.problems(encode(record.fields)), place):
            kept.add(each)
    check.finish()
    for key in images.unused(dataset.images) if live is None else ():
        kept.add(finding(Problem(UNUSED, "", key), Place(FILES, key, f"{CATALOGUE}/images/{key}")))
    return Counter({FILES: check.checked})


def _live_images(env: Environment, kept: Findings, counted: Counter[str]) -> Images | None:
    if env.stores.images.describe() is None:
        kept.add(finding(Problem(ABSENT), Place(StoreName.IMAGES.value, env.target.image_bucket)))
        return None
    keys = [entry.key for entry in scan(env.stores.images)]
    counted[StoreName.IMAGES] = len(keys)
    return Images(context_of(env.settings, date.min).image_base, keys)
