"""Writes images under names that every file system takes, whatever their keys hold; the manifest keeps the key.

A key that is a plain path stays one. In such a path only the last part has a dot in it, so that no image is in the
way of another's folder, and no letter is a capital, for some file systems do not tell these apart. Every other key is
named by its hash, in a folder that no plain path leads into.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from tattoo_data.formats.manifest import IMAGES_FOLDER, ExportedFile
from tattoo_data.formats.output_file import OutputFile
from tattoo_data.model.entry import Blob

_PLAIN = re.compile(r"(?:[a-z0-9_-]{1,100}/){0,8}[a-z0-9_-]{1,100}(?:\.[a-z0-9_-]{1,20}){1,3}")
_HASHED = "~"


def image_path(key: str) -> str:
    """The path of an image's file, from the export's root: another one for each key."""
    if _PLAIN.fullmatch(key):
        return f"{IMAGES_FOLDER}/{key}"
    return f"{IMAGES_FOLDER}/{_HASHED}/{hashlib.sha256(key.encode()).hexdigest()}"


def write_image(root: Path, key: str, blob: Blob) -> ExportedFile:
    """Write one image."""
    with OutputFile(root, image_path(key)) as file:
        file.write(blob.body)
    written = file.exported()
    return ExportedFile(
        path=written.path, bytes=written.bytes, sha256=written.sha256, key=key, content_type=blob.content_type
    )
