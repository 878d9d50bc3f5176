"""How much an endpoint may send: every body is counted while it is read, unpacked, and cut off."""

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import httpx2

from lamas.llm.answer_parts import MalformedReplyError

MOST_BYTES = 1 << 20
"""Of a body that is no answer: an error, a list of models."""
BYTES_PER_TOKEN = 4096
"""A streamed token takes some 300 bytes; twenty alternatives beside it some 2,000."""
CHARACTERS_PER_TOKEN = 128
"""The longest tokens of the usual vocabularies: runs of spaces."""
SPARE_CHARACTERS = 1 << 16
_PIECE = 1 << 16
_ZIPPED = frozenset({"gzip", "x-gzip", "deflate"})


def answer_bytes(max_tokens: int) -> int:
    """Bytes that the answer to a request for `max_tokens` may take at most."""
    return MOST_BYTES + BYTES_PER_TOKEN * max_tokens


def answer_characters(max_tokens: int) -> int:
    """Characters that its text may have at most, thoughts included."""
    return SPARE_CHARACTERS + CHARACTERS_PER_TOKEN * max_tokens


class _Unpacker(Protocol):
    """The part of zlib's decompressor used here."""

    @property
    def unconsumed_tail(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


async def count_body(response: httpx2.Response) -> None:
    """An HTTP client's hook: at most `MOST_BYTES` of the response are read, unless more is allowed.

    Reading on raises MalformedReplyError.
    """
    encoding = response.headers.pop("content-encoding", "identity").strip().lower()
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _CountedBody(response.stream, encoding)


def allow(response: httpx2.Response, most_bytes: int) -> None:
    """Let so many bytes of the response be read, counted once they are unpacked."""
    if isinstance(response.stream, _CountedBody):
        response.stream.most_bytes = most_bytes


class _CountedBody(httpx2.AsyncByteStream):
    def __init__(self, body: httpx2.AsyncByteStream, encoding: str) -> None:
        self.most_bytes = MOST_BYTES
        self._body = body
        self._encoding = encoding
        self._seen = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        unpacker = _unpacker(self._encoding)
        async for piece in self._body:
            for part in _unpacked(piece, unpacker):
                self._seen += len(part)
                if self._seen > self.most_bytes:
                    raise MalformedReplyError(
                        f"the body is longer than {self.most_bytes} bytes, many times what the "
                        "limit of tokens allows"
                    )
                yield part

    async def aclose(self) -> None:
        await self._body.aclose()


def _unpacker(encoding: str) -> _Unpacker | None:
    if encoding in ("", "identity"):
        return None
    if encoding not in _ZIPPED:
        raise MalformedReplyError(
            f"the body is packed as {encoding[:40]!r}, which nobody asked for"
        )
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)


def _unpacked(piece: bytes, unpacker: _Unpacker | None) -> Iterator[bytes]:
    """The piece in parts of a bounded size, however much it unpacks to."""
    if unpacker is None:
        yield piece
        return
    try:
        while piece:
            yield unpacker.decompress(piece, _PIECE)
            piece = unpacker.unconsumed_tail
    except zlib.error as error:
        raise MalformedReplyError(f"the packed body is damaged ({error})") from None
