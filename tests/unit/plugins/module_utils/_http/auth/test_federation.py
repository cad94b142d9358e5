# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token of another identity provider stands in for the secret: whole requests to the authority and whole lines."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import LONGEST, MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.authority import Authority
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.federation import (
    Federation,
    of_file,
    of_github,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.token import Token
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    reply,
    virtual,
)

GRANTED = {"access_token": "granted-1", "expires_in": 77}
COMMON = {"grant_type": "client_credentials", "client_id": "me", "k": "v"}


def granted(
    server: Script, redactor: Redactor, *, tenant: str = "t", claims: str | None = None, remedy: str = "Mend it."
) -> Token:
    async def main() -> Token:
        async with server.http() as http:
            authority = Authority(http, BASE, tenant, "https://arm.test/.default", redactor)
            return await authority.token("me", {"k": "v"}, claims, remedy)

    return virtual(main)


def form_of(server: Script) -> Mapping[str, str]:
    (request,) = server.requests
    return dict(urllib.parse.parse_qsl(request.content.decode(), strict_parsing=True))


@pytest.mark.parametrize(
    ("tenant", "claims", "url", "form"),
    [
        ("t", None, f"{BASE}/t/oauth2/v2.0/token", {"scope": "https://arm.test/.default"}),
        ("t", '{"a":1}', f"{BASE}/t/oauth2/v2.0/token", {"scope": "https://arm.test/.default", "claims": '{"a":1}'}),
        ("adfs", None, f"{BASE}/adfs/oauth2/token", {"resource": "https://arm.test"}),
        ("adfs", '{"a":1}', f"{BASE}/adfs/oauth2/token", {"resource": "https://arm.test"}),
    ],
)
def test_a_token_request_is_one_whole_form(tenant: str, claims: str | None, url: str, form: dict[str, str]) -> None:
    server = Script(reply(200, GRANTED))
    assert granted(server, Redactor(), tenant=tenant, claims=claims) == ("granted-1", 77.0)
    assert server.sent == [f"POST {url}"]
    assert form_of(server) == {**COMMON, **form}
    headers = server.requests[0].headers
    assert (headers["content-type"], headers["accept"]) == ("application/x-www-form-urlencoded", "application/json")


def test_a_token_is_hidden_also_where_the_status_refuses_it() -> None:
    redactor = Redactor()
    with pytest.raises(CheckpointError, match="no reason given"):
        granted(Script(reply(400, GRANTED)), redactor)
    assert redactor.redact_result("granted-1") == MASK


@pytest.mark.parametrize("token", [7, "tökén-granted", None])
def test_what_is_no_token_is_not_hidden(token: Any) -> None:
    redactor = Redactor()
    with pytest.raises(CheckpointError, match="holds no usable access_token"):
        granted(Script(reply(200, {"access_token": token})), redactor)
    assert redactor.redact_result("7 tökén-granted") == "7 tökén-granted"


def test_a_refusal_has_the_remedy_of_its_way_and_names_the_client() -> None:
    with pytest.raises(CheckpointError) as caught:
        granted(Script(reply(401, {"error": "x"})), Redactor())
    assert str(caught.value) == "service: sign-in refused (401) for client me: x. Mend it."


def test_what_the_authority_fails_with_says_what_was_done() -> None:
    with pytest.raises(CheckpointError) as caught:
        granted(Script(reply(200, "<html>")), Redactor())
    assert str(caught.value) == (
        "service: signing in: the answer (200, no content type, 6 bytes) is not readable JSON. Check that the URL "
        "leads to the service itself and not to a proxy or portal."
    )


def federated(server: Script, redactor: Redactor, *assertions: str) -> list[Token]:
    left = iter(assertions)

    async def assertion() -> str:
        return next(left)

    async def main() -> list[Token]:
        async with server.http() as http:
            authority = Authority(http, BASE, "t", "https://arm.test/.default", redactor)
            made = Federation(authority, "me", assertion, redactor)
            return [await made.fetch(None if not turn else '{"a":1}') for turn in range(len(assertions))]

    return virtual(main)


def test_the_assertion_is_asked_anew_for_each_token_and_hidden() -> None:
    server, redactor = Script(reply(200, GRANTED)), Redactor()
    assert federated(server, redactor, "assertion-1", "assertion-2") == [("granted-1", 77.0)] * 2
    common = {
        "grant_type": "client_credentials",
        "client_id": "me",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "scope": "https://arm.test/.default",
    }
    assert [dict(urllib.parse.parse_qsl(request.content.decode())) for request in server.requests] == [
        {**common, "client_assertion": "assertion-1"},
        {**common, "client_assertion": "assertion-2", "claims": '{"a":1}'},
    ]
    assert redactor.redact_result("assertion-1 assertion-2") == f"{MASK} {MASK}"


def test_a_refused_assertion_is_told_in_whole() -> None:
    with pytest.raises(CheckpointError) as caught:
        federated(Script(reply(401, {"error": "x"})), Redactor(), "assertion-1")
    assert str(caught.value) == (
        "service: sign-in refused (401) for client me: x. Check tenant, client_id and the federated credential: "
        "issuer, subject and audience must equal the token's."
    )


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (500, "unavailable", "service: the pipeline issued no token (500). Run the task again later."),
        (
            499,
            "sign_in_refused",
            "service: the pipeline issued no token (499). Give the job `permissions: id-token: write`.",
        ),
    ],
)
def test_a_pipeline_that_fails_has_not_refused(status: int, code: str, told: str) -> None:
    async def main() -> str:
        async with Script(reply(status)).http() as http:
            return await of_github(http, f"{BASE}/oidc", "e30", "audience")()

    with pytest.raises(CheckpointError) as caught:
        virtual(main)
    assert (caught.value.code, str(caught.value)) == (code, told)


def of(file: Path, content: bytes) -> str:
    file.write_bytes(content)

    async def main() -> str:
        return await of_file(str(file))()

    return virtual(main)


@pytest.mark.parametrize(
    "content", [b"e30.e30.x", b"\xef\xbb\xbfe30.e30.x\r\n", b" \n e30.e30.x\n\n", b"Bearer e30.e30.x\n"]
)
def test_the_token_of_a_file(content: bytes, tmp_path: Path) -> None:
    assert of(tmp_path / "token", content) == "e30.e30.x"


def test_the_longest_token_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    assert of(file, b"x" * LONGEST) == "x" * LONGEST
    with pytest.raises(CheckpointError) as caught:
        of(file, b"x" * (LONGEST + 1))
    assert str(caught.value) == f"federated_token_file: {file} is larger than 65536 bytes."


@pytest.mark.parametrize("content", [b"", b" ", b"Bearer", b"a b", "tökén".encode(), b'"e30"'])
def test_a_file_without_a_token_is_told_in_whole(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "token"
    with pytest.raises(CheckpointError) as caught:
        of(file, content)
    assert (caught.value.code, str(caught.value)) == (
        "invalid_input",
        f"federated_token_file: {file} holds no token. It must hold the token and nothing else; check what writes it.",
    )
