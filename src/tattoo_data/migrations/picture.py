"""Picture: what an image file says of itself in its first bytes, as PNG, JPEG, GIF and WebP write them. Pure.

Where the facts are from:

- PNG: W3C, Portable Network Graphics, "PNG signature" and "IHDR Image header". The first chunk has width and height.
- JPEG: ITU-T T.81, B.1.1.3 (markers) and B.2.2 (frame header). Segments are passed over up to the frame's; a height of
  0, which is told after the first scan only (B.2.5), is taken for unknown.
- GIF: GIF89a, "Header" and "Logical Screen Descriptor".
- WebP: RFC 9649, 2.5 to 2.7 (the three forms of file) and 3.4 (lossless); RFC 6386, 9.1 (the frame of a lossy one).

Width and height are those of the stored picture: an orientation that a camera noted beside it is not applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tattoo_data.migrations.step import Picture

_Size = tuple[int, int]

#: A JPEG's frame headers: SOF0 to SOF15 without DHT, JPG and DAC, which stand between them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Markers without a segment: TEM, and the restart markers.
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
#: End of image, and start of scan: no frame header comes after them.
_LAST = frozenset({0xD9, 0xDA})


def picture_of(body: bytes) -> Picture | None:
    """What the image says of itself; None where it is none of the four formats, is cut before its size, or has none.
    The first bytes are enough: a few dozen, and of a JPEG those up to its frame header."""
    for content_type, (begins, size_of) in _FORMATS.items():
        if begins(body):
            size = size_of(body)
            if size is None or 0 in size:
                return None
            return Picture(width=size[0], height=size[1], content_type=content_type)
    return None


def _png(body: bytes) -> _Size | None:
    # Length, name, 13 bytes and checksum of the first chunk.
    if len(body) < 33 or body[8:16] != b"\x00\x00\x00\x0dIHDR":
        return None
    return int.from_bytes(body[16:20], "big"), int.from_bytes(body[20:24], "big")


def _gif(body: bytes) -> _Size | None:
    if len(body) < 13:
        return None
    return int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little")


def _jpeg(body: bytes) -> _Size | None:
    place = 2
    while place + 4 <= len(body):
        if body[place] != 0xFF:
            return None
        marker = body[place + 1]
        if marker == 0xFF:
            # Any number of these may stand before a marker.
            place += 1
        elif marker in _BARE:
            place += 2
        elif marker in _LAST:
            return None
        else:
            length = int.from_bytes(body[place + 2 : place + 4], "big")
            if marker in _FRAMES:
                return _frame(body[place + 4 : place + 2 + length])
            place += 2 + length
    return None


def _frame(segment: bytes) -> _Size | None:
    """Precision, height, width, and the number of components, whose bytes are not looked at."""
    if len(segment) < 6:
        return None
    return int.from_bytes(segment[3:5], "big"), int.from_bytes(segment[1:3], "big")


def _webp(body: bytes) -> _Size | None:
    data = body[20:30]
    match body[12:16]:
        case b"VP8 " if len(data) == 10 and not data[0] & 1 and data[3:6] == b"\x9d\x01\x2a":
            # 14 bits each; the two above them scale what is shown.
            return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF
        case b"VP8L" if len(data) >= 5 and data[0] == 0x2F:
            bits = int.from_bytes(data[1:5], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X" if len(data) == 10:
            return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    return None


#: content type -> how to tell the format, how to read its size
_FORMATS: Mapping[str, tuple[Callable[[bytes], bool], Callable[[bytes], _Size | None]]] = {
    "image/png": (lambda body: body.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    "image/jpeg": (lambda body: body.startswith(b"\xff\xd8"), _jpeg),
    "image/gif": (lambda body: body.startswith((b"GIF87a", b"GIF89a")), _gif),
    "image/webp": (lambda body: body.startswith(b"RIFF") and body[8:12] == b"WEBP", _webp),
}
