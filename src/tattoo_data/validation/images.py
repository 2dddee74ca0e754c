"""Images: which objects of the image bucket records refer to, and which of these are there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

import msgspec

from tattoo_data.validation.records import decode_plain
from tattoo_data.validation.rule import Problem
from tattoo_data.validation.rules.stores import NO_IMAGE


class Images:
    """The keys of a bucket whose images have urls that begin with `base`, a number for each: a million of them fit."""

    def __init__(self, base: str, keys: Iterable[str]) -> None:
        self._base = base
        self._there = {hash(key) for key in keys}
        self._unused = set(self._there)
        text = re.escape(msgspec.json.encode(base)[1:-1])
        self._urls = re.compile(rb'"' + text + rb'([^"\\]*)"')

    def problems(self, body: bytes) -> Iterator[Problem]:
        """The images that a record refers to and that are not there; `body` is a document or a plain record in
        canonical bytes. Those that are there count as used from now on."""
        missing = [key for key in self._urls.findall(body) if not self._meet(key.decode())]
        if missing:
            urls = {f"{self._base}{key.decode()}" for key in missing}
            for field, value in _texts(decode_plain(body), ""):
                if value in urls:
                    yield Problem(NO_IMAGE, field, value)

    def use(self, body: bytes) -> None:
        """Count every image that a body of any form refers to as used."""
        for key in self._urls.findall(body):
            self._meet(key.decode())

    def unused(self, keys: Iterable[str]) -> Iterator[str]:
        """Those of the bucket's keys that nothing referred to."""
        return (key for key in keys if hash(key) in self._unused)

    @property
    def has_unused(self) -> bool:
        """Whether there is one that nothing referred to."""
        return bool(self._unused)

    def _meet(self, key: str) -> bool:
        """Whether an image is there under a url's path as it stands, or as a browser would ask for it."""
        for spelled in (key, unquote(re.split("[?#]", key, maxsplit=1)[0])):
            number = hash(spelled)
            if number in self._there:
                self._unused.discard(number)
                return True
        return False


def _texts(value: object, field: str) -> Iterator[tuple[str, str]]:
    """Every text in a value, with the path of its field."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield from _texts(member, f"{field}.{name}" if field else str(name))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _texts(member, f"{field}.{number}")
