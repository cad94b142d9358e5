# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of this run that nobody may read: collected where they arise, hidden from everything that leaves.

A server may echo a secret in another spelling than it was sent in. So a text is looked at as it stands, decoded with
white space folded, and as its letters and digits alone (`_spellings`). How loosely a secret is looked for depends on
its length: three characters are found as they were sent, base64 or percent-encoded; four in any escaping; eight in any
case and punctuation, inside other base64 too; of twenty-four the beginning is enough, for what is echoed is often cut.
"""

from __future__ import annotations

import base64
import re
import typing as t
import urllib.parse

from .redaction_forms import Reading, Span, bare, decoded, folded, read_bare, read_decoded, read_folded

MASK = "********"
_ESCAPED, _BARE, _LONG = 4, 8, 24
_BEGINNING = 16
_OWN_WORDS = {"code", "retry", "status", "action", "provider", "kind"}
"""Keys whose values are words of ours, on which pipelines branch: a one-letter password must not hide them."""
_OTHERS_WORDS = {"tags", "details"}
"""Keys below which nothing is ours."""
_SIGNED = {"sig", "c", "s", "h"}
"""What signs a URL: `sig` of a SAS, the others of Azure's status URLs (recorded)."""
_EDGE = re.compile("[0-9A-Za-z]")
_SIGNATURE = re.compile(r"\bsig=((?:[\w+/]\s{0,40}){43}=|[^\s&\"'<>]{8,})|(?<=[?&;])[csh]=([^\s&\"'<>]{20,})", re.I)
"""A signature that nobody told us of: a SAS' is 44 characters of base64, wrapped or not."""


class _Sought(t.NamedTuple):
    """A secret in one reading, and what of it that reading leaves out at its ends."""

    text: str
    before: str = ""
    after: str = ""


class Secrets:
    """Grows while the task signs in. `hide` serves texts before they are cut, `scrub` the finished result."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._values: set[str] = set()
        self._folded: dict[str, set[_Sought]] = {}
        self._bare: dict[str, set[_Sought]] = {}

    def add(self, value: str | None) -> None:
        """Remember a secret in every spelling in which a server may echo it."""
        if not value or value in self._known:
            return
        self._known.add(value)
        octets = value.encode()
        encoded = base64.b64encode(octets).decode()
        self._values |= {value, urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value), encoded}
        if len(value) < _ESCAPED:
            return
        self._values |= {encoded.rstrip("="), base64.urlsafe_b64encode(octets).decode().rstrip("=")}
        meant = decoded(value)
        _put(self._folded, _Sought(folded(meant)), _ESCAPED)
        for spelling in (value, meant):
            sought = _Sought(bare(spelling), _edge(spelling), _edge(spelling[::-1])[::-1])
            _put(self._bare, sought, _BARE)
        _put(self._bare, _Sought(bare(encoded), after="=="), _BARE)
        for part in _within_base64(octets):
            _put(self._bare, _Sought(bare(part)), _BARE)

    def add_basic(self, username: str, password: str) -> None:
        """Remember a password, alone and as Basic sends it."""
        self.add(password)
        self.add(base64.b64encode(f"{username}:{password}".encode()).decode())

    def add_signed(self, url: str) -> None:
        """Remember what signs a URL that is followed."""
        for name, values in urllib.parse.parse_qs(url.partition("?")[2]).items():
            for value in values:
                if name.lower() in _SIGNED and len(value) >= _BARE:
                    self.add(value)

    def hide(self, text: str) -> str:
        """`text` with every secret of four characters or more, and every URL's signature, masked however spelled."""
        meant = decoded(text)
        signed = "=" in meant and _SIGNATURE.search(meant)
        if not (signed or _any_in(self._bare, bare(meant)) or _any_in(self._folded, folded(meant))):
            return text
        reading = read_decoded(text)
        found = [each.span(1 if each[1] else 2) for each in _SIGNATURE.finditer(reading.text)]
        found += _found(self._folded, read_folded(reading), reading)
        found += _found(self._bare, read_bare(reading), reading)
        for start, end in reversed(_joined([(reading.spans[a][0], reading.spans[b - 1][1]) for a, b in found])):
            text = text[:start] + MASK + text[end:]
        return text

    def scrub(self, value: t.Any) -> t.Any:
        """`value` with every secret masked, through lists and dicts. Keys are our own words and stay, but for those of
        tags and of a service's own error.
        """
        return self._scrub(value, sorted(self._values, key=len, reverse=True), ours=True)

    def _scrub(self, value: t.Any, exactly: list[str], *, ours: bool) -> t.Any:
        if isinstance(value, str):
            value = self.hide(value)
            for secret in exactly:
                value = value.replace(secret, MASK)
            return value
        if isinstance(value, dict):
            return {
                key if ours else self.hide(key): item
                if ours and key in _OWN_WORDS
                else self._scrub(item, exactly, ours=ours and key not in _OTHERS_WORDS)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self._scrub(item, exactly, ours=ours) for item in value]
        return value


def _edge(text: str) -> str:
    """What stands before the first letter or digit."""
    return _EDGE.split(text, maxsplit=1)[0]


def _put(known: dict[str, set[_Sought]], sought: _Sought, least: int) -> None:
    """Under what is searched for: the whole of it, of a long one its beginning."""
    if len(sought.text) >= least:
        first = sought.text[:_BEGINNING] if len(sought.text) >= _LONG else sought.text
        known.setdefault(first, set()).add(sought)


def _any_in(known: t.Iterable[str], text: str) -> bool:
    return any(first in text for first in known)


def _found(known: dict[str, set[_Sought]], view: Reading, whole: Reading) -> t.Iterator[Span]:
    """Where in `whole` a secret stands that is seen in a `view` of it."""
    for first, candidates in known.items():
        start = view.text.find(first)
        while start >= 0:
            reach = {sought: _shared(view.text, start, sought.text) for sought in candidates}
            best = max(reach, key=lambda sought: reach[sought])
            end = start + reach[best]
            left, right = view.spans[start][0], view.spans[end - 1][1]
            left -= _more(best.before[::-1], whole.text[:left][::-1])
            if reach[best] == len(best.text):
                right += _more(best.after, whole.text[right:])
            yield left, right
            start = view.text.find(first, end)


def _shared(text: str, start: int, sought: str) -> int:
    """How many characters of `sought` stand at `start`."""
    end = len(sought)
    while not text.startswith(sought[:end], start):
        end -= 1
    return end


def _more(wanted: str, there: str) -> int:
    """How much of `there` is what the view left out of the secret; what is no ASCII may be anything else by now."""
    count = 0
    for one, other in zip(wanted, there, strict=False):
        if one != other and (one.isascii() or other.isascii()):
            break
        count += 1
    return count


def _joined(spans: list[Span]) -> list[Span]:
    """The same places in order, those that overlap or touch as one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _within_base64(octets: bytes) -> t.Iterator[str]:
    """What of the base64 of a text holds `octets` alone, whatever stands before and after them in that text."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + octets).decode()
        yield encoded[-(-8 * offset // 6) : 8 * (offset + len(octets)) // 6]
