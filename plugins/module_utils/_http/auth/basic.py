# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Basic authentication (SPF behind IIS): sent with the first request, as SPF's own clients do."""

from __future__ import annotations

import typing as t

from ..._deps import httpx
from ..client import Auth


class Basic(Auth):
    """User name and password with every request to the service's own origin."""

    def __init__(self, username: str, password: str) -> None:
        self._basic = httpx.BasicAuth(username.encode(), password.encode())

    def auth_flow(self, request: httpx.Request) -> t.Generator[httpx.Request, httpx.Response, None]:
        yield from self._basic.auth_flow(request)
