# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory the worst answers take: run in a process of its own, which prints the growth in MiB and the code."""

from __future__ import annotations

import gzip
import itertools
import json
import sys
import zlib
from collections.abc import Iterator

from tests.hostile.server import CHUNK, Said, Stream, read
from tests.support.memory import peak_mib

MIB = 1024 * 1024


def _packed(layers: int) -> bytes:
    """Four gigabytes of white space, packed so often: one packed megabyte, over and over, whose end nobody reaches."""
    pack = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = pack.compress(b" " * MIB) + pack.flush(zlib.Z_FULL_FLUSH)
    packed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + block * 4096
    for _layer in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


def _filled(begin: bytes, piece: bytes, end: bytes, size: int = 31 * MIB) -> Iterator[bytes]:
    """A body of that size, chunk by chunk."""
    block = piece * (CHUNK // len(piece))
    yield begin
    for _turn in range((size - len(begin) - len(end)) // len(block)):
        yield block
    yield end


def said(name: str) -> Said:
    """The answer of that name."""
    if name.startswith("bomb"):
        layers = int(name.removeprefix("bomb "))
        return Said(_packed(layers), headers={"Content-Encoding": ", ".join(["gzip"] * layers)})
    error = b'<Error xmlns="http://schemas.microsoft.com/windowsazure">'
    bodies: dict[str, Iterator[bytes]] = {
        "endless": itertools.repeat(b" " * CHUNK),
        "one text": _filled(b'{"value": ["\xf0\x9f\x98\x80', b"a", b'"]}'),
        "many lists": _filled(b'{"value": [', b"[],", b"0]}"),
        "many pairs": _filled(b'{"value": [', b'{"abcdef":"ghijklm"},', b"0]}", 19 * MIB),
        "many elements": _filled(error, b"<a/>", b"</Error>"),
        "fewer elements": _filled(error, b"<a>b</a>", b"</Error>", 7 * MIB),
        "attributes": _filled(error, b'<a b="" c="" d=""/>', b"</Error>", 9 * MIB),
    }
    return Said(Stream(bodies[name]), 400 if name in ("many elements", "fewer elements", "attributes") else 200)


def main(name: str) -> None:
    """Weigh one."""
    answer = said(name)
    read("spf", Said(b"{}"))
    before = peak_mib()
    code, message, _server = read("spf", answer)
    sys.stdout.write(json.dumps({"grown": round(peak_mib() - before), "code": code, "message": message}))


if __name__ == "__main__":
    main(sys.argv[1])
