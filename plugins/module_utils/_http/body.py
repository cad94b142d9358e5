# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A response's body as it arrives: decompressed in small pieces, counted, and refused as soon as it is too long.

httpx decompresses each network chunk in one go: 2 KB that were compressed twice became a gigabyte uncounted.
"""

from __future__ import annotations

import typing as t
import zlib

MAX_BODY = 32 * 1024 * 1024
"""ARM answers at most 8 MB; SPF's pages have no documented bound."""
ACCEPTED = "gzip"
"""The compression that requests accept; a response in any other is refused."""
_PIECE = 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class Unreadable(Exception):
    """A body that is too long, or whose compression cannot be read."""


class Body:
    """Takes chunks from the network and holds at most MAX_BODY of their decompressed content."""

    def __init__(self, headers: t.Mapping[str, str]) -> None:
        self._held = bytearray()
        self._taken = 0
        packed = [word for part in headers.get("content-encoding", "").split(",") if (word := part.strip().lower())]
        packed = [word for word in packed if word != "identity"]
        if packed and packed not in (["gzip"], ["x-gzip"]):
            raise Unreadable(f"the answer's compression ({', '.join(packed)[:40]}) was not asked for.")
        self._unpack = zlib.decompressobj(_GZIP) if packed else None
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > MAX_BODY):
            raise self._too_long()

    def take(self, chunk: bytes) -> None:
        """Add one chunk; Unreadable as soon as the body is too long."""
        self._taken += len(chunk)
        if self._unpack is None:
            self._held += chunk
        else:
            self._decompress(self._unpack, chunk)
        # The compressed length counts too: some parts of a gzip stream decompress to nothing.
        if max(len(self._held), self._taken) > MAX_BODY:
            raise self._too_long()

    def content(self) -> bytes:
        """The complete body; Unreadable where its compression has no end."""
        if self._unpack is not None and self._taken and not self._unpack.eof:
            raise Unreadable("the answer's compression is broken: it has no end.")
        return bytes(self._held)

    def _decompress(self, unpack: t.Any, chunk: bytes) -> None:
        try:
            while chunk and len(self._held) <= MAX_BODY:
                self._held += unpack.decompress(chunk, _PIECE)
                chunk = unpack.unconsumed_tail
        except zlib.error:
            raise Unreadable("the answer's compression is broken.") from None
        if unpack.unused_data:
            raise Unreadable("the answer's compression is broken: something follows its end.")

    def _too_long(self) -> Unreadable:
        return Unreadable(f"the answer is longer than {MAX_BODY // 1024 // 1024} MiB; reading stopped.")
