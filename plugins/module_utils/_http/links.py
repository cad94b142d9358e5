# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links to a next page or an operation, as services really send them: made sendable first, judged afterwards.

Azure lists have sent links with raw blanks, quotes and letters beyond ASCII (azure-rest-api-specs#25640), and WCF
services behind a TLS proxy tell their own scheme and inner host name (WebApi#869).
"""

from __future__ import annotations

import functools
import re
import typing as t
import urllib.parse

from .._deps import httpx

_KEPT = ":/?#[]@!$&'()*+,;=%~-._"
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ORIGIN = re.compile(r"((https?)://[^/?#]*?):(443|80)(?=[/?#]|\Z)", re.IGNORECASE)
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HOST = re.compile(r"(https?://)([^/?#]*@)?([^/?#@]*)", re.IGNORECASE)


@functools.lru_cache(maxsize=1024)
def parsed_once(url: str) -> httpx.URL:
    """A URL as httpx has it. What is polled comes again and again, and ARM's addresses of operations are long.

    Raises httpx.InvalidURL for what is no URL, TypeError for what is no text.
    """
    return httpx.URL(url)


def sendable(link: t.Any) -> t.Any:
    """`link` with what RFC 3986 forbids percent-encoded; escapes stay as they are, and a default port is no port."""
    if not isinstance(link, str):
        return link
    found = _ORIGIN.match(link)
    if found and _is_default(found):
        link = found[1] + link[found.end() :]
    return urllib.parse.quote(_ESCAPE.sub("%25", link.strip()), safe=_KEPT)


def resolved(link: str, base: str) -> str:
    """`link` as a whole URL, as seen from the URL of the request; who it leads to stays, and is still to be judged.

    Scheme and host are spelled in lower case, and a default port is no port; what stands behind them is signed, so that
    it stays byte for byte. A backslash is no part of a URL, and others take two of them for the slashes before a host:
    a link with one stays what it is, which leads nowhere.
    """
    link = link.strip()
    if "\\" in link:
        return link
    scheme, origin = base.partition(":")[0], base.partition("?")[0].split("/")[:3]
    if link.startswith("//"):
        link = f"{scheme}:{link}"
    elif link.startswith("/"):
        link = "/".join(origin) + link
    elif not _ABSOLUTE.match(link):
        link = f"{base.partition('?')[0].rpartition('/')[0]}/{link}"
    if found := _HOST.match(link):
        link = found[1].lower() + (found[2] or "") + found[3].lower() + link[found.end() :]
    found = _ORIGIN.match(link)
    return found[1] + link[found.end() :] if found and _is_default(found) else link


def below_root(link: str, root: str, entities: str) -> str | None:
    """An absolute link of an OData list on our own root; None where it does not lead to the set that is being read.

    Scheme and host are what the service thinks it is called; behind a proxy that is not how it is reached. What follows
    the service root (`.svc/` or `/vmm/`) names the set.
    """
    parts = urllib.parse.urlsplit(link)
    path, own = _behind(parts.path), _behind(f"{urllib.parse.urlsplit(root).path}/")
    if path is None:
        return None
    if own and path.lower().startswith(own.lower()):
        path = path[len(own) :]  # a root may end in the tenant's id
    path = path.strip("/")
    if path.partition("(")[0].lower() != entities.lower():
        return None
    return f"{root}/{path}{f'?{parts.query}' if parts.query else ''}"


def _is_default(origin: re.Match[str]) -> bool:
    """Whether the port of an origin is that of its scheme."""
    return (origin[2].lower(), origin[3]) in (("https", "443"), ("http", "80"))


def _behind(path: str) -> str | None:
    """What stands behind the service root in a path; None where it has none."""
    for mark in (".svc/", "/vmm/"):
        if (at := path.lower().rfind(mark)) >= 0:
            return path[at + len(mark) :]
    return None
