# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Manager: whole requests, whole lines of errors, and the lists that are asked for."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Locked,
    Unavailable,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._arm.test_client import act, things, using
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    reply,
)

BUSY = {"error": {"code": "AnotherOperationInProgress", "message": "Wait."}}
ID = "/subscriptions/0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d/resourceGroups/rg/providers/N/t/"
PORTAL = "Check that the URL leads to the service itself and not to a proxy or portal."


def failure(server: Script, do: Callable[[Arm], Awaitable[Any]]) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        using(server, do)
    return caught.value


async def got(arm: Arm) -> Any:
    return await arm.get(f"{BASE}/a", context="reading it")


async def found(arm: Arm) -> Any:
    return await arm.find(f"{BASE}/a", context="reading it")


async def asked(arm: Arm) -> Any:
    return await arm.query(f"{BASE}/a", {"query": "x"}, context="reading it")


async def listed(arm: Arm) -> Any:
    return await arm.pages(f"{BASE}/a", context="reading it")


async def looked(arm: Arm) -> Any:
    return await (await act(arm)).poll()


async def written(arm: Arm) -> Any:
    return await arm.write("PUT", f"{BASE}/a", {"b": 1}, context="reading it", headers={"If-Match": "e"})


@pytest.mark.parametrize(
    ("do", "method", "body", "more"),
    [
        (got, "GET", b"", {}),
        (found, "GET", b"", {}),
        (listed, "GET", b"", {}),
        (asked, "POST", b'{"query": "x"}', {"content-type": "application/json"}),
        (written, "PUT", b'{"b": 1}', {"content-type": "application/json", "if-match": "e"}),
    ],
)
def test_a_request_has_these_headers_and_no_other(
    do: Callable[[Arm], Awaitable[Any]], method: str, body: bytes, more: dict[str, str]
) -> None:
    server = Script(reply(200, {"value": []}))
    using(server, do)
    (sent,) = server.requests
    headers = dict(sent.headers)
    uuid.UUID(headers.pop("x-ms-client-request-id"))
    for name in ("host", "connection", "user-agent", "accept-encoding", "content-length"):
        headers.pop(name, None)
    assert (sent.method, str(sent.url), sent.content) == (method, f"{BASE}/a", body)
    assert headers == {"accept": "application/json", "x-ms-return-client-request-id": "true", **more}


def test_a_look_at_an_operation_is_a_request_like_any_other() -> None:
    server = Script(reply(202, b"", location=f"{BASE}/op"), reply(200))
    using(server, looked)
    headers = server.requests[1].headers
    assert (headers["accept"], headers["x-ms-return-client-request-id"]) == ("application/json", "true")
    assert headers["x-ms-client-request-id"] != server.requests[0].headers["x-ms-client-request-id"]


def test_what_is_there_is_answered_with() -> None:
    for do in (got, found, asked):
        assert using(Script(reply(200, {"b": 1})), do).json() == {"b": 1}
    ((page, rows),) = using(Script(reply(200, {"value": [{"b": 1}]})), listed)
    assert (page.json(), rows) == ({"value": [{"b": 1}]}, [{"b": 1}])


@pytest.mark.parametrize("do", [got, found, listed])
def test_a_lock_that_a_reading_meets_is_trouble_of_the_reading(do: Callable[[Arm], Awaitable[Any]]) -> None:
    error = failure(Script(reply(409, BUSY)), do)
    assert isinstance(error, Unavailable)
    assert str(error) == (
        "service: reading it: locked by another job: AnotherOperationInProgress: Wait. Try again when that job has "
        "ended."
    )


def test_a_lock_is_a_lock_whatever_the_status_of_the_write_s_answer() -> None:
    for status in (409, 503):
        error = failure(Script(reply(status, BUSY)), written)
        assert isinstance(error, Locked)
        assert error.remedy == "Try again when that job has ended."


@pytest.mark.parametrize(
    ("do", "status", "body", "said"),
    [
        (got, 403, {"error": {"code": "AuthorizationFailed", "message": "No."}},
         "service: reading it: forbidden (403): AuthorizationFailed: No. Ask for the right that it names."),
        (got, 401, "", "service: sign-in refused (401) for client c. The server offers nothing. Check client c: it may "
         "be wrong, for another service, or have expired."),
        (got, 404, {"error": {"code": "ResourceNotFound", "message": "No."}},
         "service: reading it: not found (404): ResourceNotFound: No. Check that it still exists and that this user "
         "may see it."),
        (got, 404, {"error": {"code": "InvalidResourceType", "message": "No."}}, "service: reading it: a 404 "
         f"(InvalidResourceType: No) that is not the resource manager's word for it says nothing. {PORTAL}"),
        (got, 404, {"code": "404", "message": "no Route matched"}, "service: reading it: a 404 that is not the "
         f"resource manager's word for it says nothing. {PORTAL}"),
        (got, 404, {"error": {"code": "ResourceNotFound", "message": "The Resource 'N/t/other' was not found."}},
         "service: reading it: a 404 (ResourceNotFound: The Resource 'N/t/other' was not found) that is not the "
         f"resource manager's word for it says nothing. {PORTAL}"),
        (listed, 404, {"error": {"code": "SubscriptionNotFound", "message": "No."}},
         "service: reading it: not found (404): SubscriptionNotFound: No. Check the subscription in the id, and that "
         "this identity may see it in this cloud."),
        (listed, 404, {"error": {"code": "SubscriptionNotFoundHere", "message": "No."}},
         "service: reading it: not found (404): SubscriptionNotFoundHere: No. Check that it still exists and that this "
         "user may see it."),
        (got, 404, "<title>Gone.</title>", "service: reading it: a 404 (Gone) that is not the resource manager's word "
         f"for it says nothing. {PORTAL}"),
        (got, 404, f"<title>{'x' * 200}</title>", f"service: reading it: a 404 ({'x' * 200}) that is not the resource "
         f"manager's word for it says nothing. {PORTAL}"),
        (asked, 400, {"error": {"code": "BadRequest", "message": "No."}},
         "service: reading it: refused (400): BadRequest: No. Mend what the service names, then run the task again."),
        (listed, 200, {"value": [], "error": {"code": "X"}},
         f"service: reading it: the answer holds an error beside its list. {PORTAL}"),
        (listed, 200, {"value": [7]}, f"service: reading it: the answer holds no list of resources. {PORTAL}"),
        (listed, 200, {"value": [7], "error": {"code": "X"}},
         f"service: reading it: the answer holds no list of resources. {PORTAL}"),
        (written, 400, {"error": {"code": "SubscriptionNotFound"}},
         "service: reading it: refused (400): SubscriptionNotFound. Check the subscription in the id, and that this "
         "identity may see it in this cloud."),
    ],
)  # fmt: skip
def test_each_refusal_is_one_whole_line(do: Callable[[Arm], Awaitable[Any]], status: int, body: Any, said: str) -> None:
    assert str(failure(Script(reply(status, body)), do)) == said


def test_a_foreign_404_is_quoted_in_short() -> None:
    body = {"error": {"code": "Other", "message": "x" * 900}}
    error = failure(Script(reply(404, body)), found)
    assert error.message == (
        f"reading it: a 404 (Other: {'x' * 292}…) that is not the resource manager's word for it says nothing."
    )
    other = failure(Script(reply(404, {"error": {"code": "SubscriptionNotFoundHere", "message": "No."}})), found)
    assert other.remedy == PORTAL


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_list_that_only_helps_ends_where_it_is_denied(status: int) -> None:
    server = Script(reply(status))
    assert using(server, lambda arm: arm.hints(f"{BASE}/locks")) == []
    assert len(server.requests) == 1


def test_a_list_that_only_helps_is_taken_with_an_error_beside_it() -> None:
    server = Script(reply(200, {"value": [{"id": "1"}], "error": {"code": "X"}}))
    assert using(server, lambda arm: arm.hints(f"{BASE}/locks")) == [{"id": "1"}]


def test_resources_come_with_what_the_list_shows_of_each_and_by_their_whole_kind() -> None:
    rows = [{"id": f"{ID}a", "kind": "SCVMM"}, {"id": f"{ID}b", "kind": "SCVMM2"}, {"id": f"{ID}c"}]
    server = Script(reply(200, {"value": rows}))

    async def of_kind(arm: Arm) -> list[tuple[str, dict[str, Any]]]:
        pairs = await arm.resources(f"{BASE}/things", context="listing", kind="scvmm")
        return [(str(arm_id), row) for arm_id, row in pairs]

    assert using(server, of_kind) == [(f"{ID}a", rows[0])]

    async def of_any(arm: Arm) -> list[str]:
        return [arm_id.name for arm_id, _row in await arm.resources(f"{BASE}/things", context="listing")]

    assert using(server, of_any) == ["a", "b", "c"]


def test_a_next_link_as_services_really_send_it_is_made_sendable() -> None:
    server = Script(reply(200, {"value": [], "nextLink": f"{BASE}/things?t=a b"}), reply(200, {"value": [{"id": "2"}]}))
    assert using(server, things) == [{"id": "2"}]
    assert server.sent[1] == f"GET {BASE}/things?t=a%20b"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "sign-in refused (401) for client c. The server offers nothing."),
        (408, "reading the operation's status: the service failed (408)."),
        (500, "reading the operation's status: the service failed (500)."),
        (503, "reading the operation's status: the service failed (503)."),
    ],
)
def test_an_operation_s_status_that_may_not_be_read_now_is_told(status: int, said: str) -> None:
    server = Script(reply(202, b"", location=f"{BASE}/op"), reply(status, b"", retry_after="5000"))
    assert failure(server, looked).message == said


@pytest.mark.parametrize("body", [b"", {"error": {"message": "No code."}}], ids=str)
@pytest.mark.parametrize("status", [300, 404, 499])
def test_a_status_without_a_word_of_the_resource_manager_s_is_no_status(status: int, body: Any) -> None:
    error = failure(Script(reply(202, b"", location=f"{BASE}/op"), reply(status, body)), looked)
    assert str(error) == (
        f"service: reading the operation's status: an answer ({status}) that is not the resource manager's says "
        f"nothing. {PORTAL}"
    )


def test_what_is_not_in_a_group_that_is_there_can_be_created() -> None:
    body = {"error": {"code": "ResourceNotFound", "message": "It is not there."}}
    server = Script(reply(404, body))
    assert using(server, lambda arm: arm.find(f"{BASE}/a", context="reading it", grouped=True)) is None
    group = {"error": {"code": "ResourceGroupNotFound", "message": "It is not there."}}
    error = failure(Script(reply(404, group)), lambda arm: arm.find(f"{BASE}/a", context="reading it", grouped=True))
    assert str(error) == (
        "service: reading it: not found (404): ResourceGroupNotFound: It is not there. Check that it still exists and "
        "that this user may see it."
    )


def test_an_operation_s_status_that_is_forbidden_is_told_in_whole() -> None:
    body = {"error": {"code": "AuthorizationFailed", "message": "No."}}
    error = failure(Script(reply(202, b"", location=f"{BASE}/op"), reply(403, body)), looked)
    assert str(error) == (
        "service: reading the operation's status: forbidden (403): AuthorizationFailed: No. Ask for the right that it "
        "names."
    )


def test_a_path_that_leads_elsewhere_is_told_with_the_service() -> None:
    async def made(arm: Arm) -> str:
        return arm.url("/a/../b", "v")

    assert str(failure(Script(), made)) == "service: an answered id is no path of a resource."


def test_two_underscores_in_a_parameter_are_one_dollar() -> None:
    async def made(arm: Arm) -> str:
        return arm.url("/a", "v", _skip_token="x")

    assert using(Script(), made) == f"{BASE}/a?api-version=v&$skip_token=x"


def test_no_id_is_told_with_what_is_wrong_with_it() -> None:
    async def ids(arm: Arm) -> object:
        return await arm.resources(f"{BASE}/things", context="listing")

    error = failure(Script(reply(200, {"value": [{"id": "/x"}]})), ids)
    assert str(error) == (
        'service: a listed resource has no usable id: malformed ARM id: "x" stands where subscriptions belongs. '
        f"{PORTAL}"
    )
