# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy a request goes through, for errors: httpx takes proxies from the environment."""

from __future__ import annotations

import os
import re
import typing as t
import urllib.parse
import urllib.request


class Proxy(t.NamedTuple):
    """Its host and port, without credentials, and the variable that names it."""

    address: str
    variable: str

    def __str__(self) -> str:
        return f"the proxy {self.address} ({self.variable})"


def proxy_of(scheme: str, host: str) -> Proxy | None:
    """The proxy for that host, where the environment names one."""
    if urllib.request.proxy_bypass(host):
        return None
    for name in (f"{scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            if value := os.environ.get(variable):
                return Proxy(_address(value), variable)
    return None


def refusal(proxy: Proxy | None, words: str) -> tuple[str, str, bool]:
    """What a proxy that refused the connection has said, what to do, and whether that is its last word.

    `words` are the library's: `407 Proxy Authentication Required`. Only the status is shown, the rest may be anything.
    """
    found = re.match(r"[1-5][0-9]{2}\b", words.lstrip())
    who = str(proxy) if proxy else "the proxy"
    variable = proxy.variable if proxy else "HTTPS_PROXY"
    if found is None:
        return f"{who} refused the connection", "Check the proxy settings.", False
    status = int(found[0])
    reason = f"{who} refused the connection with status {status}"
    if status == 407:
        return reason, f"Give the proxy's user and password in {variable}, or name the host in NO_PROXY.", True
    if 400 <= status < 500:
        return reason, "Have the proxy allow this host and port, or name the host in NO_PROXY.", True
    return reason, f"Check that the proxy reaches this host, or name the host in NO_PROXY ({variable} is set).", False


def _address(value: str) -> str:
    try:
        parts = urllib.parse.urlsplit(value if "://" in value else f"http://{value}")
        return f"{parts.hostname or '?'}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "?"
