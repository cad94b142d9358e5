# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server's WWW-Authenticate offers, the tokens in it, and the request that asks for it."""

from __future__ import annotations

import base64
import re
import typing as t

from ..._deps import httpx

WINDOWS = ("negotiate", "ntlm", "kerberos")
# A scheme begins the header or follows a comma; a word before "=" is a parameter of the scheme before it.
_SCHEME = re.compile(r"(?:^|,)\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?=\s*(?:,|$)|\s+[^\s,=]+)(?!\s*=)")
_LONGEST = 65536


def offered(headers: t.Any) -> tuple[str, ...]:
    """The schemes in lower case, in the order of the headers; IIS sends one header for each."""
    found = [
        name.lower()
        for header in headers.get_list("www-authenticate")
        for name in _SCHEME.findall(str(header)[:_LONGEST])
    ]
    return tuple(dict.fromkeys(found))


def token(headers: t.Any, scheme: str) -> bytes | None:
    """The token that the server sends for this scheme, empty where it sends none; None where it is not offered."""
    for header in headers.get_list("www-authenticate"):
        for part in str(header)[: 2 * _LONGEST].split(","):
            name, _space, value = part.strip().partition(" ")
            if name.lower() == scheme:
                try:
                    return base64.b64decode(value.strip(), validate=True)
                except ValueError:  # or binascii.Error, which is one
                    return b""
    return None


def harmless(request: httpx.Request) -> httpx.Request:
    """A GET of the same URL without a body: it changes nothing, whatever the server makes of it."""
    left_out = {
        "authorization",
        "content-length",
        "content-type",
        "transfer-encoding",
        "x-http-method",
        "if-match",
        "prefer",
    }
    headers = [(name, value) for name, value in request.headers.raw if name.decode("latin-1").lower() not in left_out]
    return httpx.Request("GET", request.url, headers=headers, extensions=request.extensions)
