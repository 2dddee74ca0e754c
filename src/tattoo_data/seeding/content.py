"""Content: a selection of the catalogue as what the live stores are to hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from tattoo_data.catalog import Context, Selection
from tattoo_data.engine.plan import Desired
from tattoo_data.environment import Environment
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.project import image_entry
from tattoo_data.model.projector import Projector


def context_of(env: Environment, as_of: date) -> Context:
    """What the catalogue's tokens are resolved with."""
    return Context(as_of=as_of, images_base_url=env.settings.images_base_url, image_bucket=env.settings.image_bucket)


def desired_of(selection: Selection, *, prune: bool) -> Desired:
    """A selection as a desired state. With `prune`, whatever is not in it goes."""
    images = {image.key: image for image in selection.images}

    def blob(key: str) -> Blob:
        return Blob(images[key].read(), images[key].content_type)

    return Desired(
        stores=tuple(StoreName),
        entries=lambda: entries_of(selection),
        prune=prune,
        move=True,
        canonical=True,
        blobs=blob,
    )


def entries_of(selection: Selection) -> Iterator[tuple[StoreName, Entry]]:
    """All that a selection gives, in canonical bytes: its images, and each record's item with its document."""
    for image in selection.images:
        yield StoreName.IMAGES, image_entry(image)
    projector = Projector()
    for record in selection.records():
        item, document = projector.item_and_document(record)
        yield StoreName.TABLE, item
        if document is not None:
            yield StoreName.INDEX, document
