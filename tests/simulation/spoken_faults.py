# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that are answers in somebody's words: the service's own, or a stranger's."""

from __future__ import annotations

from typing import Any

from simulator.vmm.jobs import LOCKED
from simulator.wire.faults import Fault
from tests.simulation.record import Sent

SPOKEN = frozenset({"lock", "refusal", "stranger"})
PAGE = "<!DOCTYPE html><title>404 - File or directory not found.</title><p>IIS"


def spoken(given: dict[str, Any], sent: Sent) -> Fault:
    """The answer that a request gets: in OData from SPF, in ARM's words from all others."""
    if given["kind"] == "lock":
        return _odata(500, LOCKED.text()) if sent.on_spf else _arm(409, "Conflict", "Another operation is in progress.")
    if given["kind"] == "refusal":
        text = "The client has no authorization."
        return _odata(403, "Access is denied.") if sent.on_spf else _arm(403, "AuthorizationFailed", text)
    form = given["form"]
    if form == "empty":
        return Fault("status", status=404, body="")
    if form == "page" or sent.on_spf:
        return Fault("status", status=404, body=PAGE, headers={"Content-Type": "text/html"})
    return _arm(404, form, f"{form}: it was not found.")


def _odata(status: int, text: str) -> Fault:
    return Fault("status", status=status, body={"odata.error": {"code": "", "message": {"lang": "en", "value": text}}})


def _arm(status: int, code: str, text: str) -> Fault:
    return Fault("status", status=status, body={"error": {"code": code, "message": text}})
