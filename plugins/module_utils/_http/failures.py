# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a request fails below HTTP: whether it left, and what may be said of the reason."""

from __future__ import annotations

import socket

from .._core.errors import UntrustedTls
from .._core.times import show_seconds
from .._deps import httpx
from .proxies import proxy_of, refusal
from .tls import chain, explain_tls


class NeverLeft(Exception):
    """No connection: nothing was sent."""

    def __init__(self, reason: str, remedy: str = "", *, final: bool = False) -> None:
        super().__init__(reason)
        self.remedy = remedy or "Check the URL, the network and the proxy settings."
        self.final = final


class Lost(Exception):
    """Something was sent, and no complete response came back."""


def never_left(error: Exception, url: httpx.URL, bound: float | None, label: str) -> NeverLeft | UntrustedTls:
    """Why there was no connection to `url`; `bound` is how long was waited for one, in seconds."""
    untrusted = explain_tls(error, label)
    if untrusted is not None:
        return untrusted
    proxy = proxy_of(url.scheme, url.host)
    if isinstance(error, httpx.ProxyError):
        reason, remedy, final = refusal(proxy, str(error))
        return NeverLeft(reason, remedy, final=final)
    for cause in chain(error):
        if isinstance(cause, socket.gaierror):
            whose = f"the name of {proxy}" if proxy else "the host's name"
            return NeverLeft(f"{whose} cannot be resolved", final=cause.errno != socket.EAI_AGAIN)
    late = isinstance(error, httpx.ConnectTimeout)
    reason = f"no connection within {show_seconds(bound)}" if late and bound is not None else words(error)
    return NeverLeft(f"{reason} (by way of {proxy})" if proxy else reason)


def words(error: Exception) -> str:
    """What went wrong in a transport, without addresses or data."""
    known = {
        "PoolTimeout": "no free connection",
        "ConnectError": "connection refused or no route",
        "ReadTimeout": "no answer in time",
        "RemoteProtocolError": "the connection was closed before a whole answer came",
    }
    return known.get(type(error).__name__, f"the connection broke ({type(error).__name__})")
