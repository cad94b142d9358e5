# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of this run that nobody may read: collected where they arise, scrubbed from everything that leaves."""

from __future__ import annotations

import base64
import typing as t
import urllib.parse

MASK = "********"
_OWN_WORDS = {"code", "retry", "status", "action", "provider", "kind"}
"""Keys whose values are words of ours, on which pipelines branch: a one-letter password must not hide them."""


class Secrets:
    """Grows while the task signs in; `scrub` is applied once, to the finished result."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, value: str | None) -> None:
        """Remember a secret in every spelling in which a server may echo it."""
        if value:
            self._values |= {value, urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value)}
            self._values.add(base64.b64encode(value.encode()).decode())

    def add_basic(self, username: str, password: str) -> None:
        """Remember a password, alone and as Basic sends it."""
        self.add(password)
        self._values.add(base64.b64encode(f"{username}:{password}".encode()).decode())

    def scrub(self, value: t.Any) -> t.Any:
        """`value` with every secret masked, through lists and dicts; keys are our own words and stay."""
        if isinstance(value, str):
            for secret in sorted(self._values, key=len, reverse=True):
                value = value.replace(secret, MASK)
            return value
        if isinstance(value, dict):
            return {key: item if key in _OWN_WORDS else self.scrub(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.scrub(item) for item in value]
        return value
