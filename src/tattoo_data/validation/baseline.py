"""Baselines: findings that are known already, in a file that is kept with the data.

A line each of JSON, sorted, so that a version control system shows what came and went. A finding is known by its rule,
store, key and field: lines of a file move, and a wrong value that becomes another wrong value is the same finding.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from tattoo_data.errors import BadSetting
from tattoo_data.files import write_file
from tattoo_data.validation.rule import Finding

FORMAT = 1


class _Head(msgspec.Struct):
    format: int
    about: str = "findings of tattoo-data validate that are known: validate --baseline FILE"


class _Known(msgspec.Struct, frozen=True):
    rule: str
    store: str
    key: str
    field: str
    file: str = ""


class Baseline:
    """The findings of one file."""

    def __init__(self, known: Iterable[_Known]) -> None:
        # A number each: a million of them fit.
        self._known = {hash(each) for each in known}
        self._met: set[int] = set()

    @property
    def gone(self) -> int:
        """How many of them were not met."""
        return len(self._known) - len(self._met)

    def knows(self, finding: Finding) -> bool:
        """Whether a finding is one of them."""
        number = hash(_known(finding))
        if number not in self._known:
            return False
        self._met.add(number)
        return True


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_known = msgspec.json.Decoder(_Known).decode


def read_baseline(path: Path) -> Baseline:
    """The baseline of a file. Raises `BadSetting` where there is none, or one of another format."""
    try:
        with path.open("rb") as lines:
            head = _decode_head(next(lines, b""))
            if head.format != FORMAT:
                raise _bad(path, f"it is of format {head.format}, and this tool reads {FORMAT}")
            return Baseline(_decode_known(line) for line in lines if not line.isspace())
    except OSError as error:
        raise _bad(path, error.strerror or str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _bad(path, f"it is no baseline ({error})") from error


def write_baseline(path: Path, findings: Iterable[Finding]) -> int:
    """Write a baseline of these findings, and return how many they are. Raises `BadSetting` where it cannot be
    written."""
    lines = sorted({msgspec.json.encode(_known(finding)) for finding in findings})
    head = msgspec.json.encode(_Head(format=FORMAT))
    try:
        write_file(path, b"\n".join([head, *lines, b""]))
    except OSError as error:
        raise _bad(path, error.strerror or str(error)) from error
    return len(lines)


def _known(finding: Finding) -> _Known:
    return _Known(finding.rule, finding.store, finding.key or finding.pointer, finding.field, finding.file)


def _bad(path: Path, reason: str) -> BadSetting:
    return BadSetting(name="baseline", value=str(path), source="the command line", reason=reason)
