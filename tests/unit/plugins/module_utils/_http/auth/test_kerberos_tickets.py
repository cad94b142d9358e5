# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a ticket is asked for, by a KDC that is written here."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import SignInRefused
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import kerberos, kerberos_errors
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

WHO = kerberos_errors.Identity("svc@SIM.TEST", "S3cret", host="spf.test")


def test_a_password_that_is_refused_after_the_ticket_has_expired_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def acquire(_self: kerberos.Tickets) -> str:
        asked.append("password")
        if len(asked) > 1:
            raise kerberos_errors.explain(-1765328360, "", WHO)
        return "MEMORY:first"

    def begin(_self: kerberos.Tickets, _bindings: object) -> tuple[Any, bytes]:
        raise kerberos_errors.explain(-1765328352, "Ticket expired", WHO)

    monkeypatch.setattr(kerberos.Tickets, "_acquire", acquire)
    monkeypatch.setattr(kerberos.Tickets, "_begin", begin)

    async def main() -> set[int]:
        tickets, errors = kerberos.Tickets(WHO), []
        for _request in range(3):
            with pytest.raises(SignInRefused, match="the password or key is wrong") as caught:
                await tickets.context(None)
            errors.append(caught.value)
        return {id(error) for error in errors}

    assert len(virtual(main)) == 3
    assert asked == ["password", "password"]
