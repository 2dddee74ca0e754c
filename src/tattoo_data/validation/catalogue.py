"""The catalogue as validation knows it: what ships."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from tattoo_data.catalog import Context, load
from tattoo_data.model.records import Kind


def catalogue_has(kind: Kind, record_id: str) -> bool:
    """Whether a record of this id ships."""
    return (kind, record_id) in _ids()


@lru_cache(maxsize=1)
def _ids() -> frozenset[tuple[Kind, str]]:
    # Ids depend on no day and no address.
    context = Context(as_of=date(2000, 1, 1), images_base_url="http://localhost", image_bucket="images")
    return frozenset(load(context).records)
