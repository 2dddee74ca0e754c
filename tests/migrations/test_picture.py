"""Pictures: the size of images as Pillow writes them, of every form, and of what is cut or none."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tattoo_data.catalog import Context, load
from tattoo_data.migrations.picture import picture_of
from tattoo_data.migrations.step import Picture
from tests.migrations.steps.records import DAY

TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
_EXIF = Image.Exif()
_EXIF[0x0112] = 6  # turned by a quarter
_EXIF[0x010E] = "ink " * 500
#: More than a byte holds, so that a size which is cut is another one.
SIZE = (300, 400)
FRAMES = [Image.new("RGB", SIZE, colour) for colour in ("red", "green")]
#: Everything that differs in the bytes before the size.
FORMS: list[tuple[str, str, dict[str, Any]]] = [
    ("PNG", "RGB", {}),
    ("PNG", "P", {}),
    ("PNG", "RGBA", {"save_all": True, "append_images": FRAMES}),
    ("JPEG", "RGB", {}),
    ("JPEG", "L", {"progressive": True}),
    ("JPEG", "CMYK", {}),
    ("JPEG", "RGB", {"exif": _EXIF, "icc_profile": b"\xff\xc0" * 40_000, "comment": b"ink"}),
    ("GIF", "P", {}),
    ("GIF", "RGB", {"save_all": True, "append_images": FRAMES, "comment": b"ink"}),
    ("WEBP", "RGB", {}),
    ("WEBP", "RGB", {"lossless": True}),
    ("WEBP", "RGBA", {}),
    ("WEBP", "RGBA", {"lossless": True, "exif": _EXIF}),
    ("WEBP", "RGB", {"save_all": True, "append_images": FRAMES}),
]
forms = pytest.mark.parametrize(("kind", "mode", "options"), FORMS)


def written(kind: str, mode: str, options: dict[str, Any], size: tuple[int, int] = SIZE) -> bytes:
    body = io.BytesIO()
    Image.new(mode, size).save(body, kind, **options)
    return body.getvalue()


def picture(kind: str, width: int, height: int) -> Picture:
    return Picture(width=width, height=height, content_type=TYPES[kind])


@forms
def test_an_image_says_its_size(kind: str, mode: str, options: dict[str, Any]) -> None:
    assert picture_of(written(kind, mode, options)) == picture(kind, *SIZE)


@forms
def test_what_is_cut_says_nothing_or_the_same(kind: str, mode: str, options: dict[str, Any]) -> None:
    body = written(kind, mode, options)
    whole = picture(kind, *SIZE)
    lengths = [*range(min(len(body), 600)), *range(600, len(body), 997), len(body)]
    said = [picture_of(body[:length]) for length in lengths]
    first = said.index(whole)
    assert lengths[first] >= 13
    assert said[:first] == [None] * first
    assert said[first:] == [whole] * (len(said) - first)


@given(
    st.sampled_from([form for form in FORMS if "save_all" not in form[2] and "icc_profile" not in form[2]]),
    st.integers(1, 300),
    st.integers(1, 300),
)
def test_any_size_is_read(form: tuple[str, str, dict[str, Any]], width: int, height: int) -> None:
    assert picture_of(written(*form, (width, height))) == picture(form[0], width, height)


@pytest.mark.parametrize(
    ("kind", "width", "height"),
    [("PNG", 70_000, 1), ("PNG", 1, 70_000), ("JPEG", 65_500, 1), ("GIF", 65_535, 1), ("WEBP", 16_383, 1)],
)
def test_a_large_size_is_read(kind: str, width: int, height: int) -> None:
    mode = "P" if kind == "GIF" else "RGB"
    assert picture_of(written(kind, mode, {}, (width, height))) == picture(kind, width, height)


_JPEG = b"\xff\xd8\xff\xe0\x00\x04JF"
_FRAME = b"\x00\x0b\x08\x00\x1e\x00\x28\x01\x01\x11\x00"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (_JPEG + b"\xff\xc0" + _FRAME, True),
        # Fill bytes before a marker, markers without a segment, tables that are called nearly like a frame.
        (_JPEG + b"\xff\xff\xff\xc2" + _FRAME, True),
        (_JPEG + b"\xff\x01\xff\xd0\xff\xc0" + _FRAME, True),
        (_JPEG + b"\xff\xc4" + _FRAME + b"\xff\xc1" + _FRAME, True),
        (_JPEG + b"\xff\xc4" + _FRAME, False),
        (_JPEG + b"\xff\xc8" + _FRAME, False),
        (_JPEG + b"\xff\xcc" + _FRAME, False),
        # A scan or the end before the frame; no marker; a length that cannot be.
        (_JPEG + b"\xff\xda" + _FRAME + b"\xff\xc0" + _FRAME, False),
        (_JPEG + b"\xff\xd9\xff\xc0" + _FRAME, False),
        (_JPEG + b"\x00\xff\xc0" + _FRAME, False),
        (_JPEG + b"\xff\xe1\x00\x00\xff\xc0" + _FRAME, False),
        (_JPEG + b"\xff\xc0\x00\x07" + _FRAME[2:], False),
        # A height that is told only after the scan.
        (_JPEG + b"\xff\xc0" + _FRAME.replace(b"\x00\x1e", b"\x00\x00"), False),
        (b"\xff\xd8", False),
    ],
)
def test_a_jpeg_is_read_up_to_its_frame(body: bytes, wanted: bool) -> None:
    assert picture_of(body) == (picture("JPEG", 40, 30) if wanted else None)


_WEBP = b"RIFF\x00\x00\x00\x00WEBP"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"GIF88a" + b"\x01" * 20,
        b"GIF89a\x00\x00\x01\x00" + b"\x00" * 20,
        b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0dIDAT" + b"\x01" * 30,
        b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0dIHDR" + b"\x00" * 30,
        b"\x89PNG\n\x1a\n" + b"\x00\x00\x00\x0dIHDR" + b"\x01" * 30,
        _WEBP + b"ALPH\x0a\x00\x00\x00" + b"\x01" * 10,
        _WEBP + b"VP8 \x0a\x00\x00\x00\x00\x00\x00\x9d\x01\x2b\x28\x00\x1e\x00",
        _WEBP + b"VP8 \x0a\x00\x00\x00\x01\x00\x00\x9d\x01\x2a\x28\x00\x1e\x00",
        _WEBP + b"VP8L\x05\x00\x00\x00\x2e\x27\x40\x07\x00\x00\x00",
        b"RIFF\x00\x00\x00\x00WAVEVP8X\x0a\x00\x00\x00" + b"\x00" * 10,
        b"BM" + b"\x01" * 60,
        b"<svg xmlns='http://www.w3.org/2000/svg' width='40' height='30'/>",
        b"<html><body>404</body></html>",
    ],
)
def test_what_is_no_picture_says_nothing(body: bytes) -> None:
    assert picture_of(body) is None


def test_a_scaled_webp_is_as_large_as_it_is_stored() -> None:
    body = _WEBP + b"VP8 \x0a\x00\x00\x00\x00\x00\x00\x9d\x01\x2a\x28\x40\x1e\x80"
    assert picture_of(body) == picture("WEBP", 40, 30)


@given(st.sampled_from([b"", b"\xff\xd8", b"GIF89a", b"\x89PNG\r\n\x1a\n", _WEBP + b"VP8X", _JPEG]), st.binary())
def test_no_bytes_make_it_fail(begin: bytes, rest: bytes) -> None:
    found = picture_of(begin + rest)
    assert found is None or (found.width > 0 and found.height > 0)


def test_the_images_of_the_catalogue_are_read() -> None:
    images = load(Context(as_of=DAY, images_base_url="http://localhost:4566", image_bucket="images")).images
    for image in images.values():
        with Image.open(io.BytesIO(image.read())) as opened:
            wanted = Picture(width=opened.width, height=opened.height, content_type=image.content_type)
        assert picture_of(image.read()) == wanted
