# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bearer token given by the user (a JWT for Windows Azure Pack, or an ARM access token); it is never renewed."""

from __future__ import annotations

import typing as t

from ..._deps import httpx
from ..client import Auth


class Bearer(Auth):
    """The token with every request to the service's own origin."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> t.Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request
