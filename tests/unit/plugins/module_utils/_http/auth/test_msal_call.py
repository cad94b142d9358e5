# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What msal asks for goes out once, in our client's hands, and msal gets each answer as it came."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, Union

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import MissingLibrary
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import msal_call
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.msal_call import MsalCall, require_msal
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import Response
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    link_lost,
    reply,
    slow,
    virtual,
)

URL = f"{BASE}/token"


class Played(NamedTuple):
    """What a call returned or raised, its last response, and the URLs for which a client was opened."""

    said: Any
    last: Union[Response, None]
    opened: list[str]


def played(server: Script, function: Callable[[Any], Any], redactor: Redactor, *limit: float) -> Played:
    opened: list[str] = []

    async def main() -> Played:
        async with server.http() as http:

            def opening(url: str) -> Http:
                opened.append(url)
                return http

            call = MsalCall(opening, redactor, *limit)
            assert call.last is None
            try:
                said = await call.run(function)
            except Exception as error:
                said = error
            return Played(said, call.last, opened)

    return virtual(main)


def bare(request: Any) -> dict[str, str]:
    """The headers that the client does not add to every request."""
    ours = ("host", "accept-encoding", "connection", "user-agent", "content-length")
    return {name: value for name, value in request.headers.items() if name not in ours}


def test_each_request_is_sent_once_and_answered_as_it_came() -> None:
    server = Script(reply(200, b"one\xff", X_Id="7"), reply(418, {"two": 2}))

    def function(transport: Any) -> Any:
        first = transport.get(f"{URL}?flag", headers={"Metadata": "true", "N": 7}, verify=True)
        second = transport.post(
            f"{URL}?a=b",
            params={"c": "d e"},
            data={"grant": b"bytes", "number": 1, "none": None, "text": "ä&b"},
            headers={"Accept": "application/json"},
            allow_redirects=False,
        )
        transport.close()
        return first, second

    found = played(server, function, Redactor())
    assert found.said == (
        (200, "one\ufffd", {"x-id": "7"}),
        (418, '{"two": 2}', {}),
    )
    assert found.last is not None
    assert found.last.status == 418
    assert server.sent == [f"GET {URL}?flag", f"POST {URL}?a=b&c=d+e"]
    assert found.opened == [f"{URL}?flag", f"{URL}?a=b&c=d+e"]
    assert [bare(request) for request in server.requests] == [
        {"accept": "*/*", "metadata": "true", "n": "7"},
        {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"},
    ]
    assert [request.content for request in server.requests] == [b"", b"grant=bytes&number=1&text=%C3%A4%26b"]


def test_parameters_of_a_read_join_those_of_its_url() -> None:
    server = Script(reply(200, b"x"))
    found = played(server, lambda transport: transport.get(f"{URL}?a=b", params={"c": "d/e"}), Redactor())
    assert found.said == (200, "x", {})
    assert server.sent == [f"GET {URL}?a=b&c=d%2Fe"]


def test_a_post_without_a_form_or_headers_has_an_empty_body() -> None:
    server = Script(reply(200, b"x"))
    assert played(server, lambda transport: transport.post(URL), Redactor()).said == (200, "x", {})
    assert [(request.method, request.content) for request in server.requests] == [("POST", b"")]


@pytest.mark.parametrize(
    "url", ["http://[::1", "", "localhost", "http://", "ftp://service.test/token", "https:///token"]
)
def test_an_address_that_is_no_url_is_not_asked(url: str) -> None:
    found = played(Script(), lambda transport: transport.get(url), Redactor())
    assert isinstance(found.said, ValueError)
    assert str(found.said) == "the address of its endpoint is no URL"
    assert (found.last, found.opened) == (None, [])


@pytest.mark.parametrize("url", ["http://service.test/token", URL])
def test_http_and_https_are_asked(url: str) -> None:
    assert played(Script(reply()), lambda transport: transport.get(url), Redactor()).opened == [url]


def test_msal_is_stopped_after_six_requests() -> None:
    server = Script(reply(200, b"x"))

    def function(transport: Any) -> None:
        while True:
            transport.get(URL)

    found = played(server, function, Redactor())
    assert isinstance(found.said, ValueError)
    assert str(found.said) == "msal asks without end"
    assert len(server.requests) == 6
    assert found.last is not None
    assert (
        played(Script(reply(200, b"x")), lambda http: [http.get(URL).text for _turn in range(6)], Redactor()).said
        == ["x"] * 6
    )


@pytest.mark.parametrize("kind", [AttributeError, IndexError, KeyError, TypeError])
def test_what_msal_does_not_find_in_an_answer_makes_no_sense(kind: type[Exception]) -> None:
    def function(transport: Any) -> None:
        transport.get(URL)
        raise kind("member")

    found = played(Script(reply(201, b"x")), function, Redactor())
    assert (type(found.said), str(found.said)) == (
        ValueError,
        f"the answer is not what msal expects ({kind.__name__})",
    )
    assert found.said.__cause__ is None
    assert found.last is not None
    assert found.last.status == 201


def test_a_fault_before_any_answer_is_none_of_an_answer() -> None:
    def function(_transport: Any) -> None:
        raise KeyError("ours")

    assert isinstance(played(Script(), function, Redactor()).said, KeyError)


def test_no_token_of_an_answer_is_shown() -> None:
    redactor = Redactor()
    body = {"access_token": "access-1", "refresh_token": "refresh-1", "id_token": "identity-1", "note": "open-text"}
    played(Script(reply(400, body)), lambda transport: transport.get(URL), redactor)
    assert redactor.redact_result("access-1 refresh-1 identity-1 open-text") == f"{MASK} {MASK} {MASK} open-text"


@pytest.mark.parametrize("body", [b"<html>", ["access_token"], {"access_token": 7}, {"access_token": None}, 7])
def test_an_answer_without_tokens_hides_nothing(body: Any) -> None:
    assert played(Script(reply(200, body)), lambda transport: transport.get(URL).status_code, Redactor()).said == 200


def test_what_a_machine_or_client_proves_itself_with_is_not_shown() -> None:
    redactor = Redactor()

    def function(transport: Any) -> None:
        headers = {"Authorization": "Basic arc-key-1", "X-IDENTITY-HEADER": "app-header-1", "Secret": "ml-secret-1"}
        transport.get(URL, headers={**headers, "Metadata": "plain-text"})
        transport.post(URL, data={"client_assertion": "signed-1", "client_id": "client-1"})

    played(Script(reply(200, b"x")), function, redactor)
    assert redactor.redact_result("arc-key-1 app-header-1 ml-secret-1 plain-text") == f"{MASK} {MASK} {MASK} plain-text"
    assert redactor.redact_result("signed-1 client-1") == f"{MASK} client-1"


@pytest.mark.parametrize(("given", "limit"), [((), 60.0), ((7.0,), 7.0)])
def test_how_long_a_read_may_take(given: tuple[float, ...], limit: float) -> None:
    server = Script(slow(100_000.0), reply(200, b"x"))
    assert played(server, lambda transport: transport.get(URL).text, Redactor(), *given).said == "x"
    assert limit < server.times[1] < limit + 2


def test_a_lost_answer_is_asked_for_again_and_the_error_says_what_was_done() -> None:
    for ask in (lambda transport: transport.get(URL).text, lambda transport: transport.post(URL).text):
        assert played(Script(link_lost(), reply(503), reply(200, b"x")), ask, Redactor()).said == "x"
        found = played(Script(link_lost()), ask, Redactor())
        assert str(found.said).startswith("service: signing in: the connection broke")
        assert found.last is None


def test_a_missing_msal_is_told_in_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ImportError("no module named msal")

    monkeypatch.setattr(msal_call, "load_msal", missing)
    with pytest.raises(MissingLibrary) as caught:
        require_msal("some_option", "take another way")
    assert str(caught.value) == (
        f"some_option needs the Python package msal for the Python that runs the module, {sys.executable}: no module "
        f"named msal. Install it: {sys.executable} -m pip install 'msal>=1.29,<2'. Or take another way."
    )


def test_msal_itself_logs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    library, log = object(), logging.getLogger("msal")
    before = log.level
    monkeypatch.setattr(msal_call, "load_msal", lambda: library)
    try:
        log.setLevel(logging.DEBUG)
        assert require_msal("some_option", "take another way") is library
        assert not log.isEnabledFor(logging.CRITICAL)
    finally:
        log.setLevel(before)
