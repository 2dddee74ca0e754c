"""Pictures: what a step is told of the images of the live bucket, each read once. Read-only."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from urllib.parse import unquote

from tattoo_data.environment import Environment
from tattoo_data.migrations.picture import picture_of
from tattoo_data.migrations.step import Context, Picture

#: Of so many images the facts are remembered: a step asks for those of one record more than once.
_KNOWN = 10_000


def live_context(env: Environment, as_of: date) -> Context:
    """The context of a step on live stores."""
    return Context(as_of=as_of, picture=_Pictures(env).of_url)


class _Pictures:
    def __init__(self, env: Environment) -> None:
        self._images = env.stores.images
        self._base = f"{env.settings.images_base_url}/{env.settings.image_bucket}/"
        self._exists: bool | None = None
        self.of_url = lru_cache(maxsize=_KNOWN)(self._read)

    def _read(self, url: str) -> Picture | None:
        """The facts of the image behind a url of the live bucket. None for any other, and for one that is not there."""
        if not url.startswith(self._base):
            return None
        if self._exists is None:
            self._exists = self._images.describe() is not None
        key = unquote(url.removeprefix(self._base))
        found = self._images.get([key]) if self._exists and key else []
        return picture_of(found[0].load().body) if found and found[0].load else None
