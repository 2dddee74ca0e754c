"""Names of images' files: every key has one of its own, on every file system."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.formats.image_writer import image_path, write_image
from tattoo_data.formats.manifest import is_inside
from tattoo_data.model.entry import Blob

ODD = [
    "../../etc/passwd",
    "/leading.png",
    "trailing/",
    "/",
    ".",
    "..",
    "a//b.png",
    "a/./b.png",
    "a/../b.png",
    ".hidden/x.png",
    "~/x.png",
    "é/ü.png",
    "e\u0301.png",
    "new\nline.png",
    "tab\t.png",
    "back\\slash.png",
    "null\0.png",
    "x" * 1024,
    "x" * 300 + ".png",
    "a/" * 500 + "x.png",
    "UPPER.PNG",
    "x$(touch y).png",
    "con.png ",
    "no-extension",
    "folder.png/x.png",
    "manifest.json",
]
keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
plain = st.from_regex(r"\A([a-z]{1,3}/){0,3}[a-z]{1,3}(\.[a-z]{1,3}){0,2}\Z")


@pytest.mark.parametrize("key", ["styles/realism-1.png", "avatars/avatar-1.png", "a.jpg", "a/b/c/d.tar.gz"])
def test_a_plain_key_is_its_path(key: str) -> None:
    assert image_path(key) == f"images/{key}"


@given(st.lists(keys | plain | st.sampled_from(ODD), unique=True))
def test_keys_have_paths_of_their_own_that_stay_inside_and_stand_in_nobodys_way(found: list[str]) -> None:
    paths = [image_path(key) for key in found]
    assert len({path.lower() for path in paths}) == len(paths)
    assert all(is_inside(path) and path.startswith("images/") for path in paths)
    folders = {str(parent) for path in paths for parent in Path(path).parents}
    assert folders.isdisjoint(paths)
    assert all(len(part.encode()) <= 255 for path in paths for part in path.split("/"))


def test_odd_keys_are_written_and_known_again(tmp_path: Path) -> None:
    written = {key: write_image(tmp_path, key, Blob(key.encode(), "image/png")) for key in ODD}
    for key, file in written.items():
        assert (tmp_path / file.path).resolve().is_relative_to(tmp_path.resolve() / "images")
        assert (tmp_path / file.path).read_bytes() == key.encode()
        assert (file.key, file.content_type, file.bytes) == (key, "image/png", len(key.encode()))
