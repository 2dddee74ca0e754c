"""HTTP/1.1 on a socket: messages read whole, with their headers as they were spelled, and written in one piece."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from io import BufferedIOBase

from tests.faults.messages import Headers, header

_LINE = 65_537
#: A body up to this size is sent together with its head: one packet less, and one wake-up less of the other side.
_SMALL = 262_144


class Broken(Exception):
    """The other side ended in the middle of a message, or a message is no HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """First line and headers of a message."""

    start: str
    headers: Headers

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in header(self.headers, "transfer-encoding").lower()

    @property
    def closing(self) -> bool:
        """Whether the sender closes the connection after this message and its answer."""
        said = header(self.headers, "connection").lower()
        return "close" in said or ("HTTP/1.0" in self.start and "keep-alive" not in said)


def read_head(file: BufferedIOBase) -> Head | None:
    """The head of the next message; None where the other side ended before any of it. Raises Broken."""
    start = file.readline(_LINE)
    if not start:
        return None
    headers: list[tuple[str, str]] = []
    while (line := _line(file).strip()) != "":
        name, colon, value = line.partition(":")
        if not colon:
            raise Broken(f"no header: {line!r}")
        headers.append((name, value.strip()))
    return Head(start=start.decode("latin-1").rstrip("\r\n"), headers=tuple(headers))


def read_body(file: BufferedIOBase, head: Head, *, to_end: bool = False) -> bytes:
    """The body of a message; `to_end` for an answer, which may go on until the connection is closed. Raises Broken."""
    if head.chunked:
        return _chunks(file)
    length = header(head.headers, "content-length")
    if length:
        return _exactly(file, int(length))
    return file.read() if to_end else b""


def send(connection: socket.socket, start: str, headers: Headers, body: bytes) -> None:
    """Send a message whose body is framed already."""
    lines = (start, *(f"{name}: {value}" for name, value in headers), "", "")
    head = "\r\n".join(lines).encode("latin-1")
    if len(body) <= _SMALL:
        connection.sendall(head + body)
        return
    connection.sendall(head)
    connection.sendall(body)


def in_chunks(body: bytes) -> bytes:
    """A body framed as one chunk."""
    return (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"


def _chunks(file: BufferedIOBase) -> bytes:
    chunks: list[bytes] = []
    while size := int(_line(file).partition(";")[0], 16):
        chunks.append(_exactly(file, size))
        _line(file)
    while _line(file).strip():  # trailers
        pass
    return b"".join(chunks)


def _line(file: BufferedIOBase) -> str:
    line = file.readline(_LINE)
    if not line.endswith(b"\n"):
        raise Broken
    return line.decode("latin-1")


def _exactly(file: BufferedIOBase, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise Broken
    return data
