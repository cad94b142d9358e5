# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a run: collected where they are read or issued, and masked in everything that leaves it.

A server may echo a secret as it was sent, percent-encoded, escaped for XML, HTML or JSON, or in base64. What is not
looked for, and why: docs/decisions/0008.
"""

from __future__ import annotations

import base64
import html
import re
import typing as t
import urllib.parse
from contextlib import contextmanager
from contextvars import ContextVar

MASK = "********"
LONGEST = 65536
"""Characters of the longest token that is accepted; servers take headers of 16 or 32 KiB."""
_SHORT = 4
"""Secrets of fewer characters are masked in the finished result only, as they are, percent-encoded and in base64."""
_LAYERS = 5
"""How many times over an echo may have been escaped."""
_OWN_WORDS = {"code", "retry", "status", "action", "provider", "kind", "sign_in"}
"""Keys whose values are words of ours, on which pipelines branch: a one-letter password must not mask them."""
_OTHERS_WORDS = {"tags", "details"}
"""Keys below which nothing is ours."""
_SIGNING = {"sig", "c", "s", "h"}
"""The parameters that sign a URL: `sig` of a SAS, the others of Azure's status URLs (recorded)."""
_SIGNATURE = re.compile(r"\bsig=((?:[\w+/]\s{0,40}){43}=|[^\s&\"'<>]{8,})|(?<=[?&;])[csh]=([^\s&\"'<>]{20,})", re.I)
"""A signature that this run was not given: a SAS has 44 characters of base64, which may be wrapped."""
_FOREIGN = re.compile(
    r"\beyJ[\w-]{6,}\.eyJ[\w-]{6,}\.[\w-]*"
    r"|\bbearer\s+([\w.~+/-]{20,}=*)|\bbasic\s+([a-z0-9+/]{16,}=*)"
    r"|(?<=://)[^/\s:@]+:([^/\s@]+)(?=@)"
    r"|(?:password|passwd|\bpwd|client_secret|accountkey|sharedaccesskey)\s*=\s*([^\s;&,\"'<>]{4,})"
    r"|[\"']\w*(?:password|secret)[\"']\s*:\s*[\"']([^\"']{4,})",
    re.I,
)
"""A secret that was not ours, in a service's words: a JSON web token, what signs a request, a password in a URL, a
connection string, a form or JSON.
"""
_OF_FOREIGN = ("=", "@", "eyj", "bearer", "basic", "password", "secret")
"""Without one of these, in any case, there is none: most texts are not searched."""
_JSON_ESCAPE = re.compile(r"""(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]""")
_CODED = re.compile(r"[%&\\]")
_GAPS = re.compile(r"[\s+]+")


class Redactor:
    """What must not be shown. It grows while the run signs in."""

    def __init__(self) -> None:
        self._short: set[str] = set()
        self._exact: set[str] = set()
        self._decoded: set[str] = set()

    def add(self, value: str | None) -> None:
        """Remember a secret in each spelling in which a server may echo it."""
        if not value or value in self._exact | self._short:
            return
        octets = value.encode()
        encoded = base64.b64encode(octets).decode()
        spellings = {value, encoded}
        if len(value) < _SHORT:
            self._short |= spellings | {urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value)}
            return
        spellings |= {encoded.rstrip("="), base64.urlsafe_b64encode(octets).decode().rstrip("=")}
        self._exact |= spellings
        self._decoded |= {seen for each in spellings if len(seen := _folded(_decoded(each)).strip()) >= _SHORT}

    def add_basic(self, username: str, password: str) -> None:
        """Remember a password, alone and as Basic sends it."""
        self.add(password)
        self.add(base64.b64encode(f"{username}:{password}".encode()).decode())

    def add_signed(self, url: str) -> None:
        """Remember what signs a URL that is followed."""
        for name, values in urllib.parse.parse_qs(url.partition("?")[2]).items():
            for value in values:
                if name.lower() in _SIGNING and len(value) >= 8:
                    self.add(value)

    @contextmanager
    def active(self) -> t.Iterator[None]:
        """While it lasts, redact() masks these secrets."""
        before = _active.set(self)
        try:
            yield
        finally:
            _active.reset(before)

    def redact(self, text: str) -> str:
        """`text` with every secret and every URL's signature masked, and what looks like somebody else's secret.

        It is decoded where only that shows one.
        """
        text = _masked(text, self._exact)
        decoded = _decoded(text)
        if "=" in decoded and (unsigned := _SIGNATURE.sub(_unsigned, decoded)) != decoded:
            text = decoded = unsigned
        folded = decoded.lower()
        if any(each in folded for each in _OF_FOREIGN) and (other := _FOREIGN.sub(_unsigned, decoded)) != decoded:
            text = decoded = other
        folded = _folded(decoded)
        masked = _masked(folded, self._decoded)
        return text if masked == folded else masked

    def redact_result(self, value: t.Any) -> t.Any:
        """`value` with every secret masked, through lists and dicts. Keys are ours and stay, except those of tags and
        of a service's own error.
        """
        return self._result(value, ours=True)

    def _result(self, value: t.Any, *, ours: bool) -> t.Any:
        if isinstance(value, str):
            return _masked(self.redact(value), self._short)
        if isinstance(value, dict):
            return {
                key if ours else self.redact(key): item
                if ours and key in _OWN_WORDS
                else self._result(item, ours=ours and key not in _OTHERS_WORDS)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self._result(item, ours=ours) for item in value]
        return value


_active: ContextVar[Redactor | None] = ContextVar("_active", default=None)


def redact(text: str) -> str:
    """`text` without the secrets of the run. It comes before folding and cutting: a part of a secret is one too."""
    redactor = _active.get()
    return redactor.redact(text) if redactor else text


def redact_start(text: str, length: int) -> str:
    """About the first `length` characters of `text`, without secrets; no secret is cut in two where it ends."""
    seen = redact(text[: length + LONGEST])
    return seen[:-LONGEST] if len(text) > length + LONGEST else seen


def _masked(text: str, secrets: t.Iterable[str]) -> str:
    if found := [each for each in secrets if each in text]:
        for secret in sorted(found, key=len, reverse=True):
            text = text.replace(secret, MASK)
    return text


def _unsigned(found: re.Match[str]) -> str:
    return found[0][: -len(found[found.lastindex or 0])] + MASK


def _folded(text: str) -> str:
    """`text` with each run of white space and plus signs as one space: forms and lines are written either way."""
    return _GAPS.sub(" ", text)


def _decoded(text: str) -> str:
    """`text` with percent signs, entities and JSON's backslashes undone, layer by layer."""
    for _layer in range(_LAYERS):
        if not _CODED.search(text):  # as most texts are
            break
        text = _JSON_ESCAPE.sub(_character, html.unescape(urllib.parse.unquote(text)))
    return text


def _character(found: re.Match[str]) -> str:
    if found[0].startswith("\\u"):
        return bytes.fromhex(found[0].replace("\\u", "")).decode("utf-16-be", "replace")
    return " " if found[0][1] in "bfnrt" else found[0][1]
