# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token of a pipeline's job: whole requests to GitHub Actions and Azure Pipelines, and whole lines."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.federation import (
    of_azure_pipelines,
    of_github,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    Written,
    reply,
    virtual,
)

KEYS = {"github": "value", "azure": "oidcToken"}


def asked(kind: str, server: Script, path: str = "/oidc", given: str = "a b/c") -> str:
    """The token that a job of that kind of pipeline gets for an audience or a service connection."""

    async def main() -> str:
        async with server.http() as http:
            make = of_github if kind == "github" else of_azure_pipelines
            return await make(http, BASE + path, "of-the-job", given)()

    return virtual(main)


def refused(kind: str, said: Written) -> tuple[str, str]:
    with pytest.raises(CheckpointError) as caught:
        asked(kind, Script(said))
    return caught.value.code, str(caught.value)


def headers_of(server: Script, *names: str) -> list[str | None]:
    (request,) = server.requests
    return [request.headers.get(name) for name in names]


@pytest.mark.parametrize(("path", "query"), [("/oidc", "?"), ("/oidc?api-version=2.0", "&")])
def test_github_is_asked_for_an_audience(path: str, query: str) -> None:
    server = Script(reply(200, {"value": "e30.e30.x"}))
    assert asked("github", server, path) == "e30.e30.x"
    assert server.sent == [f"GET {BASE}{path}{query}audience=a%20b%2Fc"]
    assert headers_of(server, "authorization", "accept") == [
        "Bearer of-the-job",
        "application/json; api-version=2.0",
    ]


@pytest.mark.parametrize(("path", "query"), [("/oidc", "?"), ("/oidc?a=1", "&")])
def test_azure_pipelines_is_asked_for_a_service_connection(path: str, query: str) -> None:
    server = Script(reply(200, {"oidcToken": "e30.e30.x"}))
    assert asked("azure", server, path) == "e30.e30.x"
    assert server.sent == [f"POST {BASE}{path}{query}api-version=7.1&serviceConnectionId=a+b%2Fc"]
    assert server.requests[0].content == b""
    assert headers_of(server, "authorization", "content-type", "x-tfs-fedauthredirect") == [
        "Bearer of-the-job",
        "application/json",
        "Suppress",
    ]


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("github", "Give the job `permissions: id-token: write`."),
        ("azure", "Check service_connection_id, and that SYSTEM_ACCESSTOKEN is mapped."),
    ],
)
@pytest.mark.parametrize("status", [201, 204, 401])
def test_a_job_that_gets_no_token_is_told_in_whole(status: int, kind: str, remedy: str) -> None:
    said = reply(status, {KEYS[kind]: "e30.e30.x"})
    assert refused(kind, said) == (
        "sign_in_refused",
        f"service: the pipeline issued no token ({status}). {remedy}",
    )


@pytest.mark.parametrize("kind", ["github", "azure"])
@pytest.mark.parametrize("said", [{}, [], "e30", {"value": "", "oidcToken": 7}, {"value": None, "oidcToken": "a\n"}])
def test_an_answer_without_a_token_is_told_in_whole(said: Any, kind: str) -> None:
    assert refused(kind, reply(200, f'"{said}"' if isinstance(said, str) else said)) == (
        "bad_answer",
        f"service: the pipeline's answer holds no usable {KEYS[kind]}. Check that the URL leads to the service itself "
        "and not to a proxy or portal.",
    )


@pytest.mark.parametrize(
    ("kind", "what"),
    [("github", "asking GitHub Actions for a token"), ("azure", "asking Azure Pipelines for a token")],
)
def test_what_was_asked_is_told_where_the_answer_cannot_be_read(kind: str, what: str) -> None:
    assert refused(kind, reply(200, "<html>")) == (
        "bad_answer",
        f"service: {what}: the answer (200, no content type, 6 bytes) is not readable JSON. Check that the URL leads "
        "to the service itself and not to a proxy or portal.",
    )
