"""Back: the plan that takes a run back, key by key, only where live still is what the run wrote. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from tattoo_data.engine.plan import Part, Plan, Step, plan_of
from tattoo_data.engine.scan import Held, Live
from tattoo_data.engine.spool import Spool
from tattoo_data.model.before import BeforeImage, BlobRef
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.fingerprint import digest

Fetch = Callable[[BlobRef], Blob]
Images = Mapping[StoreName, Spool[BeforeImage]]


def plan_back(images: Images, live: Mapping[StoreName, Live], fetch: Fetch, *, force: bool = False) -> Plan:
    """What puts the before-images back. A key that is neither as the run wrote it nor as it was before is somebody
    else's and is left, unless `force`. `fetch` reads the body of an object that was there."""
    plans = {
        name: plan_of(live[name], partial(_compare, spool, live[name], fetch, force))
        for name, spool in images.items()
        if spool.count
    }
    for plan in plans.values():
        plan.rebuild = False  # content is put back, in whatever index there is
    return Plan(stores=plans)


def _compare(spool: Spool[BeforeImage], live: Live, fetch: Fetch, force: bool, place: int) -> Part:
    there = {held.key: held for held in live.held.part(place)}
    steps: list[Step] = []
    left: list[str] = []
    unchanged = 0
    for image in merged(spool.part(place)):
        held = there.get(image.key)
        now = held.digest if held else None
        entry = _entry(image, fetch)
        before = digest(live.store, entry) if entry else None
        if now == before and not _is_elsewhere(image, held):
            unchanged += 1
        elif force or now == image.after:
            steps.append(Step(image.key, now, before, entry, held.routing if held else None))
        else:
            left.append(image.key)
    return Part(steps, unchanged, tuple(left))


def _is_elsewhere(image: BeforeImage, held: Held | None) -> bool:
    """Whether a document of the same content has another routing than before, which is what the run changed."""
    return held is not None and held.digest == image.after and held.routing != image.routing


def merged(images: list[BeforeImage]) -> list[BeforeImage]:
    """One image a key: a run that was interrupted and went on wrote some keys twice. What was there first counts,
    and what was written last, attribute by attribute too; but for an image that stands instead of the one before."""
    kept: dict[str, list[BeforeImage]] = {}
    for image in images:
        of_key = kept.setdefault(image.key, [])
        if image.instead and of_key:
            of_key.pop()
        if not image.is_void:
            of_key.append(image)
    return [_joined(each) for each in kept.values() if each]


def _joined(images: list[BeforeImage]) -> BeforeImage:
    """All images of one key as one. What was made of attributes is known only where each of them says it."""
    if len(images) == 1:
        return images[0]
    known = [image.made for image in images if image.made is not None]
    made = {name: last for each in known for name, last in each.items()} if len(known) == len(images) else None
    return msgspec.structs.replace(images[0], after=images[-1].after, made=made)


def _entry(image: BeforeImage, fetch: Fetch) -> Entry | None:
    if image.body is None:
        return None
    load = partial(fetch, image.blob) if image.blob else None
    return Entry(image.key, image.body, image.routing, load)
