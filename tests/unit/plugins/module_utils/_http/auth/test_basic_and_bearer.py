# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Basic and bearer: with the first request, to the service's own origin, in the service's own bytes."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.basic import Basic
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.bearer import Bearer
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Auth
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import Script, reply


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        (Basic("svc", "pä:ss"), "Basic " + base64.b64encode("svc:pä:ss".encode()).decode()),
        (Basic("DOMAIN\\svc", ""), "Basic " + base64.b64encode(b"DOMAIN\\svc:").decode()),
        (Bearer("e30.e30.x"), "Bearer e30.e30.x"),
    ],
)
def test_the_first_request_is_signed_already(auth: Auth, expected: str) -> None:
    server = Script(reply())
    server.read(auth=auth)
    server.write(auth=auth)
    assert [request.headers["authorization"] for request in server.requests] == [expected, expected]


@pytest.mark.parametrize("auth", [Basic("svc", "wrong"), Bearer("expired")])
def test_what_is_refused_is_not_tried_again_for_accounts_lock(auth: Auth) -> None:
    server = Script(reply(401, b"", www_authenticate="Basic"))
    assert server.read(auth=auth).status == 401
    assert len(server.requests) == 1
