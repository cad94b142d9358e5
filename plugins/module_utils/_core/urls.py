# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One spelling of where a URL leads, so that what is the same origin looks the same. Pure."""

from __future__ import annotations

import re

_HOST = re.compile(r"(https?://)([^/?#]*@)?([^/?#@]*)", re.IGNORECASE)
_PORT = re.compile(r"((https?)://[^/?#]*?):(443|80)(?=[/?#]|\Z)", re.IGNORECASE)


def plain_origin(url: str) -> str:
    """`url` with scheme and host in lower case and without a default port; the rest stays byte for byte."""
    if found := _HOST.match(url):
        url = found[1].lower() + (found[2] or "") + found[3].lower() + url[found.end() :]
    port = _PORT.match(url)
    is_default = port is not None and (port[2], port[3]) in (("https", "443"), ("http", "80"))
    return port[1] + url[port.end() :] if port is not None and is_default else url
