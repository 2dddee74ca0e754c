"""Make every image of a portfolio an object with its metadata.

An image that is a bare url becomes an object. What an image says already stays, members that nobody knows too; missing
ones are added:

- `url`, `description`, `style`: null. An artist's styles do not tell which one a picture shows.
- `tags`: empty.
- `uploadedAt`: the record's `createdAt` where that is a date, else null. Null counts as said.
- `width`, `height`, `contentType`: what the image file says, null where there is none. Here null does not count as
  said: once the file can be read, it is filled in.
- `isMain`: true for exactly one image, the first that is marked, else the first; false for the others.

Members that are neither text nor object are left, and so is an `isMain` that is neither true nor false.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tattoo_data.migrations.step import Context, Fields
from tattoo_data.validation.rules.shared import is_date

VERSION = "1.3.0"
WRITES = ("portfolioImages",)
READS = ("createdAt",)

#: an image's member -> what the picture calls it
_FACTS: Mapping[str, str] = {"width": "width", "height": "height", "contentType": "content_type"}


def up(record: Fields, context: Context) -> Fields:
    """The record with every image of its portfolio in the new form."""
    images = record.get("portfolioImages")
    if isinstance(images, list):
        created = record.get("createdAt")
        uploaded = created if isinstance(created, str) and is_date(created) else None
        record["portfolioImages"] = _with_main([_image(each, uploaded, context) for each in images])
    return record


def _image(image: Any, uploaded: str | None, context: Context) -> Any:
    if isinstance(image, str):
        image = {"url": image}
    if not isinstance(image, dict):
        return image
    missing: Fields = {"url": None, "description": None, "style": None, "tags": [], "uploadedAt": uploaded}
    return missing | image | _facts(image, context)


def _facts(image: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """What the picture says in place of each fact that the image does not give."""
    lacking = [name for name in _FACTS if image.get(name) is None]
    url = image.get("url")
    picture = context.picture(url) if lacking and isinstance(url, str) else None
    return {name: getattr(picture, _FACTS[name], None) for name in lacking}


def _with_main(images: Sequence[Any]) -> list[Any]:
    free = [each for each in images if isinstance(each, dict) and isinstance(each.get("isMain"), bool | None)]
    main = next((image for image in free if image.get("isMain")), free[0] if free else None)
    for image in free:
        image["isMain"] = image is main
    return list(images)
