"""How an index is made: its mapping, settings and aliases from the files that elasticdump writes beside its documents.

An object or a JSON string that holds JSON, either for each of them: elasticdump writes both (formats.md 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec

from tattoo_data.formats.reading import MAX_LINE, Folder, damaged, parse_manifest

#: What follows the name of an index in the names of such files.
COMPANIONS = tuple(
    f".{kind}.json{packed}" for kind in ("mapping", "settings", "analyzer", "alias") for packed in ("", ".gz")
)

_Count = Annotated[str, msgspec.Meta(pattern=r"^\d{1,4}$")] | Annotated[int, msgspec.Meta(ge=0)]


class _Field(msgspec.Struct, frozen=True):
    properties: dict[str, _Field] = {}
    fields: dict[str, _Field] = {}


class _Numbers(msgspec.Struct, frozen=True):
    number_of_shards: _Count = 1
    number_of_replicas: _Count = 0
    analysis: dict[str, Any] = {}


class _Settings(msgspec.Struct, frozen=True):
    index: _Numbers = _Numbers()


class _About(msgspec.Struct, frozen=True):
    """What is read of an index's structure; all else is handed on as it is."""

    mappings: _Field = _Field()
    settings: _Settings = _Settings()
    aliases: dict[str, dict[str, Any]] = {}


def index_structures(files: Folder, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The structure of each index that the files `names` tell of, as `Description.structure` has it; templates are left
    out. Raises `IntegrityFailed` naming a file that is cut, damaged, or holds something else."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        for index, about in _read(files, name).items():
            if "index_patterns" not in about:
                _merge(found.setdefault(index, {}), about)
    return found


def _merge(structure: dict[str, Any], about: Mapping[str, Any]) -> None:
    """Add what one file tells of an index; settings and analyzer come from two files, and are one."""
    for part in ("mappings", "aliases"):
        structure[part] = {**structure.get(part, {}), **about.get(part, {})}
    settings = structure.setdefault("settings", {"index": {}})
    settings["index"] |= about.get("settings", {}).get("index", {})


def _read(files: Folder, name: str) -> dict[str, dict[str, Any]]:
    text = b""
    for _, line in files.open(name).lines():
        text += line
        if len(text) > MAX_LINE:
            raise damaged(name, f"it has over {MAX_LINE >> 20} MiB, and should hold how an index is made")
    if not text:
        raise damaged(name, "it is empty, and should hold how an index is made")
    value = parse_manifest(name, text)
    if isinstance(value, str):
        value = parse_manifest(name, value.encode())
    try:
        msgspec.convert(value, dict[str, _About])
        return msgspec.convert(value, dict[str, dict[str, Any]])
    except (msgspec.ValidationError, RecursionError) as error:
        raise damaged(name, f"it does not hold how an index is made ({error})") from error
