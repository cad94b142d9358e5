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

from .._core.urls import plain_origin
from .._deps import httpx

_KEPT = ":/?#[]@!$&'()*+,;=%~-._"
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ODD = re.compile(r"[\\\x00-\x1f\x7f]")
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


@functools.lru_cache(maxsize=1024)
def parsed_once(url: str) -> httpx.URL:
    """A URL as httpx has it. What is polled comes again and again, and ARM's addresses of operations are long.

    Raises httpx.InvalidURL for what is no URL, TypeError for what is no text.
    """
    return httpx.URL(url)


def sendable(link: t.Any, base: str) -> t.Any:
    """A list's `link` as a whole URL, as seen from `base`; who it leads to stays, and is still to be judged.

    What RFC 3986 forbids is percent-encoded, escapes stay as they are, and scheme, host and port get their plain form.
    A link that others may read as one to another host, for a backslash or a control character, stays what it is.
    """
    if not isinstance(link, str):
        return link
    link = link.strip()
    is_relative = not _ABSOLUTE.match(link) and not _ODD.search(link.partition("?")[0])
    link = urllib.parse.quote(_ESCAPE.sub("%25", link), safe=_KEPT)
    try:
        return plain_origin(urllib.parse.urljoin(base, link) if is_relative else link)
    except ValueError:  # it has half an IPv6 address for a host
        return link


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
    elif link.startswith("?"):
        link = base.partition("?")[0] + link
    elif not _ABSOLUTE.match(link):
        link = f"{base.partition('?')[0].rpartition('/')[0]}/{link}"
    return plain_origin(link)


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


def _behind(path: str) -> str | None:
    """What stands behind the service root in a path; None where it has none."""
    for mark in (".svc/", "/vmm/"):
        if (at := path.lower().rfind(mark)) >= 0:
            return path[at + len(mark) :]
    return None
