# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client certificate that the server does not take, told from a connection that is only lost."""

from __future__ import annotations

import ssl

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError, SignInRefused
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.certificate import Certificate
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    Reply,
    Script,
    never_left,
    reply,
)

LATE = (
    "If IIS asks for the certificate only after the handshake, which TLS 1.3 clients cannot answer here, have the "
    "binding ask within it (netsh http update sslcert … clientcertnegotiation=enable). Otherwise check that the "
    "certificate is valid, from an authority that the server trusts, and mapped to an account of SPF or uploaded to "
    "the subscription."
)
TWICE = (
    "service: the server ended the connection twice instead of answering the first request with the client "
    f"certificate. {LATE}"
)
FORBIDDEN = f"service: the server answers 403 to the client certificate. Nothing was changed. {LATE}"


def refused(server: Script, auth: Certificate) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        server.read(auth=auth)
    return caught.value


@pytest.mark.parametrize("kind", [httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError])
def test_a_server_that_ends_the_connection_twice_wants_another_certificate(kind: type[httpx.TransportError]) -> None:
    server = Script(kind("gone"))
    error = refused(server, Certificate())
    assert (error.code, str(error)) == ("sign_in_refused", TWICE)
    assert len(server.requests) == 2


def test_one_loss_may_be_chance() -> None:
    server, auth = Script(httpx.ReadError("gone"), reply()), Certificate()
    assert server.read(auth=auth).status == 200
    assert len(server.requests) == 2
    assert (auth.way, auth.signer) == ("certificate", "the certificate of spf_client_cert")


def test_a_connection_that_never_came_about_says_nothing_of_the_certificate() -> None:
    server = Script(never_left(), never_left(), never_left(), httpx.ReadError("gone"), reply())
    assert server.read(auth=Certificate()).status == 200


def test_losses_after_an_answer_are_only_losses() -> None:
    auth = Certificate()
    server = Script(reply(399), *[httpx.ReadError("gone")] * 4, reply())
    assert [server.read(auth=auth).status for _vm in range(2)] == [399, 200]


@pytest.mark.parametrize("status", [400, 404, 503])
def test_an_answer_that_refuses_is_none_that_took_the_certificate(status: int) -> None:
    auth = Certificate()
    written: list[Reply | Exception] = [reply(status)]
    if status != 503:  # which is asked again
        assert Script(*written).read(auth=auth).status == status
    error = refused(Script(*written * (status == 503), httpx.ReadError("gone")), auth)
    assert str(error) == TWICE


@pytest.mark.parametrize("before", [None, 404])
def test_a_403_to_the_first_request_is_the_certificate_s(before: int | None) -> None:
    auth = Certificate()
    if before is not None:
        assert Script(reply(before)).read(auth=auth).status == before
    error = refused(Script(reply(403)), auth)
    assert isinstance(error, SignInRefused)
    assert (str(error), error.status) == (FORBIDDEN, 403)


def test_a_403_to_a_later_request_is_that_request_s() -> None:
    auth = Certificate()
    server = Script(reply(200), reply(403), reply(404), reply(403))
    assert [server.read(auth=auth).status for _vm in range(4)] == [200, 403, 404, 403]


def test_what_tls_says_of_the_certificate_is_told_instead() -> None:
    alert = ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] required")
    alert.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    lost = httpx.ReadError("alert")
    lost.__cause__ = alert
    for losses in (0, 5):
        auth = Certificate()
        auth._losses = losses
        assert refused(Script(lost), auth).code == "untrusted_tls"
