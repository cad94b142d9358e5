# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer's body as it arrives: unfolded in small pieces, counted, and given up as soon as it is too much.

httpx would unfold each network chunk whole: 2 KB that were packed twice became a gigabyte before anybody counted.
"""

from __future__ import annotations

import typing as t
import zlib

MAX_BODY = 32 * 1024 * 1024
"""ARM answers at most 8 MB; SPF's pages have no documented bound."""
ACCEPTED = "gzip"
"""What we ask for; anything else that is sent all the same is refused."""
_PIECE = 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class Unreadable(Exception):
    """A body that is too long, or packed in a way that cannot be followed."""


class Body:
    """Takes chunks as they come off the network, and holds no more than MAX_BODY of what they unfold to."""

    def __init__(self, headers: t.Mapping[str, str]) -> None:
        self._held = bytearray()
        self._taken = 0
        packed = [word for part in headers.get("content-encoding", "").split(",") if (word := part.strip().lower())]
        packed = [word for word in packed if word != "identity"]
        if packed and packed not in (["gzip"], ["x-gzip"]):
            raise Unreadable(f"the answer's compression ({', '.join(packed)[:40]}) was not asked for.")
        self._unpack = zlib.decompressobj(_GZIP) if packed else None
        told = headers.get("content-length", "")
        if told.isascii() and told.isdigit() and (len(told) > 18 or int(told) > MAX_BODY):
            raise self._too_long()

    def take(self, chunk: bytes) -> None:
        """One more chunk; Unreadable as soon as it is too much."""
        self._taken += len(chunk)
        if self._unpack is None:
            self._held += chunk
        else:
            self._unfold(self._unpack, chunk)
        # What is sent counts as well: packing has parts that unfold to nothing.
        if max(len(self._held), self._taken) > MAX_BODY:
            raise self._too_long()

    def content(self) -> bytes:
        """All of it, once the end has come."""
        if self._unpack is not None and self._taken and not self._unpack.eof:
            raise Unreadable("the answer's compression is broken: it has no end.")
        return bytes(self._held)

    def _unfold(self, unpack: t.Any, chunk: bytes) -> None:
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
