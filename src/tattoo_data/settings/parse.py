"""Parsers: how the text of a setting becomes its value. Each raises ValueError with the reason in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from tattoo_data.guard import is_aws

FIRST_DAY, LAST_DAY = date(1000, 1, 1), date(8999, 12, 31)

Parser = Callable[[str], Any]


def matching(pattern: str, what: str) -> Parser:
    """Text that a pattern matches as a whole; `what` says what it is, for the error."""
    compiled = re.compile(pattern)

    def parse(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"it is no {what}")
        return text

    return parse


def index_name(text: str) -> str:
    """The name of an index, by the rules of OpenSearch's create index API."""
    if not re.fullmatch(r"(?![_+-])[^A-Z\s\"*\\<|,>/?#:]{1,255}", text) or text in (".", ".."):
        raise ValueError('it is no index name: lower case, no leading _ - +, none of " * \\ < | , > / ? # :')
    return text


def url(text: str) -> str:
    """An http or https URL without query and fragment."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"it is no URL: {error}") from None
    if parts.scheme not in ("http", "https") or not (parts.hostname or "").strip():
        raise ValueError("it is no http or https URL with a host")
    if parts.query or parts.fragment:
        raise ValueError("an endpoint has no query and no fragment")
    return text.rstrip("/")


def aws_url(text: str) -> str:
    """A URL without a path: botocore puts the bucket there."""
    endpoint = url(text)
    if urlsplit(endpoint).path:
        raise ValueError("an AWS endpoint has no path")
    return endpoint


def search_url(text: str) -> str:
    """A URL; without a scheme, as AWS gives its endpoints, https on AWS's names and http else."""
    if "://" not in text:
        host = text.partition("/")[0].partition(":")[0].lower()
        text = ("https://" if is_aws(host) else "http://") + text
    return url(text)


def webhook_url(text: str) -> str:
    """An http or https URL, whose path and query may be a secret."""
    if any(not "!" <= character <= "~" for character in text) or "\\" in text:
        raise ValueError("it is no URL: it holds more than plain ASCII")
    url(text.partition("?")[0])
    if "@" in urlsplit(text).netloc:
        raise ValueError("a user name before the host hides where a URL goes")
    return text


def day(text: str) -> date:
    """A date such as 2026-11-22, with years to either side for the days that count from it."""
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError("it is no date such as 2026-11-22") from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise ValueError(f"it is no day from {FIRST_DAY} to {LAST_DAY}")
    return found


def truthy(text: str) -> bool:
    """Anything but empty, 0 and false, as DEBUG is used everywhere."""
    return text.strip().lower() not in ("", "0", "false")


def switch(text: str) -> bool:
    """1, true, yes or 0, false, no."""
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.strip().lower() not in known:
        raise ValueError("it is neither true nor false")
    return known[text.strip().lower()]


def whole_number(low: int, high: int) -> Parser:
    """A whole number from `low` to `high`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"it is no whole number from {low} to {high}")
        return int(text)

    return parse


def one_of(*names: str) -> Parser:
    """One of a few words."""

    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(f"it is none of {', '.join(names)}")
        return text

    return parse


BUCKET = matching(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "bucket name (3 to 63 of a-z, 0-9, - and .)")
TEXT = matching(r"[^\x00-\x1f]+", "text")
