# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Manager: requests, pages, errors with every detail, and which operation an answer started."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    NotFound,
    Refused,
    ResponseLost,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import response as _answer
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    link_lost,
    reply,
    virtual,
)

Result = TypeVar("Result")
GUID = "6E0D9045-0000-4000-8000-000000000001"
ERROR = {"error": {"code": "BadRequest", "message": "It says no."}}


def using(server: Script, do: Callable[[Arm], Awaitable[Result]]) -> Result:
    async def main() -> Result:
        async with server.http() as http:
            return await do(Arm(http, BASE, "client c"))

    return virtual(main)


async def act(arm: Arm, body: dict[str, Any] | None = None) -> Operation:
    return await arm.write("POST", f"{BASE}/act", body, context="creating it")


async def things(arm: Arm) -> list[dict[str, Any]]:
    return [row for _answer, rows in await arm.pages(f"{BASE}/things", context="listing") for row in rows]


async def looked_at(arm: Arm) -> str:
    """The state of what a write started, at the first look."""
    return (await (await act(arm)).poll()).state


def posted(server: Script) -> Operation:
    return using(server, act)


def listed(*pages: Any) -> list[dict[str, Any]]:
    server = Script(*(page if not isinstance(page, dict | list | str) else reply(200, page) for page in pages))
    return using(server, things)


def test_a_url_has_its_version_and_what_is_asked_for() -> None:
    async def main(arm: Arm) -> list[str]:
        return [arm.url("/a%20b", "2024-06-01"), arm.url("/a", "v", _filter="x", top="5")]

    assert using(Script(), main) == [f"{BASE}/a%20b?api-version=2024-06-01", f"{BASE}/a?api-version=v&$filter=x&top=5"]


def test_each_request_has_an_id_of_its_own() -> None:
    server = Script(reply(200, {}))

    async def main(arm: Arm) -> None:
        await arm.get(f"{BASE}/a", context="reading")
        await act(arm, {"name": "n"})
        await act(arm)

    using(server, main)
    get, post, bare = server.requests
    assert len({request.headers["x-ms-client-request-id"] for request in server.requests}) == 3
    assert {request.headers["accept"] for request in server.requests} == {"application/json"}
    assert (json.loads(post.content), post.headers["content-type"]) == ({"name": "n"}, "application/json")
    assert "content-type" not in get.headers
    assert (bare.content, "content-type" in bare.headers) == (b"", False)


@pytest.mark.parametrize("status", [201, 202, 204, 301, 404])
def test_reading_a_resource_is_a_200_or_an_error(status: int) -> None:
    with pytest.raises(CheckpointError) as caught:
        using(Script(reply(status)), lambda arm: arm.get(f"{BASE}/a", context="reading it"))
    assert caught.value.message.startswith("reading it: ")


def test_pages_are_followed_byte_for_byte_to_their_end() -> None:
    following = f"{BASE}/things?$skiptoken=a%2fB*~&x='1'"
    server = Script(
        reply(200, {"value": [{"id": "1"}], "nextLink": following}),
        reply(200, {"value": [{"id": "2"}], "nextLink": None}),
    )
    found = using(server, things)
    assert found == [{"id": "1"}, {"id": "2"}]
    assert server.sent[1] == f"GET {following}"
    assert listed({"value": [], "nextLink": ""}) == []


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (({"value": [], "nextLink": f"{BASE}/things"},), "listing: the pages do not end"),
        (({"value": [], "nextLink": "https://evil.test/"},), "on another origin (https://evil.test)"),
        (({"value": [], "nextLink": 7},), "something that is no URL"),
        (({"value": {}},), "listing: the answer holds no list of resources"),
        (({"value": ["x"]},), "listing: the answer holds no list of resources"),
        (({},), "listing: the answer holds no list of resources"),
        (([],), "listing: the answer holds no list of resources"),
        (("<html>",), "is not readable JSON"),
    ],
)
def test_pages_that_make_no_sense_are_an_error(pages: tuple[Any, ...], expected: str) -> None:
    with pytest.raises(BadResponse) as caught:
        listed(*pages)
    assert expected in caught.value.message


def test_pages_without_an_end_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_answer, "MAX_PAGES", 5)
    server = Script(*(reply(200, {"value": [{}], "nextLink": f"{BASE}/things?p={p}"}) for p in range(9)))
    with pytest.raises(BadResponse, match="the pages do not end"):
        using(server, things)
    assert len(server.requests) == 5


def test_a_page_that_cannot_be_read_is_an_error_not_an_end() -> None:
    with pytest.raises(CheckpointError, match="forbidden"):
        listed({"value": [{}], "nextLink": f"{BASE}/2"}, reply(403))


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({"location": f"{BASE}/providers/x/operationStatuses/{GUID}*AB12?t=1&s=SIG"}, GUID.lower()),
        ({"azure_asyncoperation": f"{BASE}/ops/{GUID}", "location": f"{BASE}/other"}, GUID.lower()),
        ({"location": f"{BASE}/subscriptions/{GUID}/results/7?id={GUID}"}, None),
    ],
)
def test_an_operation_is_shown_by_its_guid_never_by_its_url(headers: dict[str, str], shown: str | None) -> None:
    operation = posted(Script(reply(202, b"", x_ms_request_id="r-1", **headers)))
    assert (operation.kind, operation.id, operation.request_id) == ("arm", shown, "r-1")
    assert "SIG" not in str(operation.to_result())


def test_azure_asyncoperation_goes_before_location() -> None:
    server = Script(
        reply(202, b"", azure_asyncoperation=f"{BASE}/op", location=f"{BASE}/result"), reply(200, {"status": "Failed"})
    )

    assert using(server, looked_at) == "failed"
    assert server.sent[1] == f"GET {BASE}/op"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_without_a_way_to_look_what_came_of_it_is_left_to_reading(status: int) -> None:
    assert using(Script(reply(status)), looked_at) == "unknown"


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, {"properties": {"provisioningState": "Succeeded"}}, "succeeded"),
        (201, {"properties": {"provisioningState": "succeeded"}}, "succeeded"),
        (201, {"properties": {"provisioningState": "Creating"}}, "unknown"),
        (202, {"properties": {"provisioningState": "Succeeded"}}, "unknown"),
        (200, {"properties": []}, "unknown"),
        (200, {"status": "Succeeded"}, "unknown"),
        (200, [], "unknown"),
        (200, "<html>", "unknown"),
    ],
)
def test_only_the_resource_s_own_word_counts_instead(status: int, body: Any, state: str) -> None:
    assert using(Script(reply(status, body)), looked_at) == state


def test_an_address_elsewhere_is_not_looked_at_and_left_to_reading() -> None:
    server = Script(reply(202, b"", location="https://evil.test/op", x_ms_request_id="r-1"))

    async def main(arm: Arm) -> tuple[Operation, Status]:
        operation = await act(arm)
        return operation, await operation.poll()

    operation, status = using(server, main)
    assert (operation.id, operation.request_id, status.state) == (None, "r-1", "unknown")
    assert "another origin (https://evil.test)" in status.message
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [302, 303, 307, 408, 500, 502, 503, 504])
def test_a_write_that_ended_in_trouble_may_have_been_done(status: int) -> None:
    server = Script(reply(status, ERROR, x_ms_request_id="r-1"))
    with pytest.raises(ResponseLost) as caught:
        posted(server)
    assert (caught.value.status, caught.value.request_id) == (status, "r-1")
    assert ("redirect" if status < 400 else "It says no.") in caught.value.message
    assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "kind"), [(400, Refused), (404, NotFound), (409, Refused)])
def test_a_write_that_was_refused_changed_nothing(status: int, kind: type[CheckpointError]) -> None:
    with pytest.raises(kind) as caught:
        posted(Script(reply(status, ERROR)))
    assert not isinstance(caught.value, ResponseLost)


def test_finding_is_a_resource_or_the_proof_that_there_is_none() -> None:
    async def found(arm: Arm) -> bool:
        return await arm.find(f"{BASE}/a", context="reading it") is not None

    assert using(Script(reply(200, {})), found)
    for code in ("NotFound", "ResourceNotFound", "ParentResourceNotFound", "ResourceGroupNotFound"):
        assert not using(Script(reply(404, {"error": {"code": code, "message": "It is not there."}})), found)
    for status in (400, 401, 403, 503, 204):
        with pytest.raises(CheckpointError):
            using(Script(reply(status)), found)


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"<html>not here</html>",
        *({"error": {"code": c}} for c in ("SubscriptionNotFound", "InvalidResourceType")),
    ],
)
def test_a_404_that_somebody_else_has_written_proves_nothing(body: Any) -> None:
    async def found(arm: Arm) -> bool:
        return await arm.find(f"{BASE}/a", context="reading it") is not None

    with pytest.raises(BadResponse, match="that is not the resource manager's word for it says nothing"):
        using(Script(reply(404, body)), found)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (reply(200, {"value": [{"id": "1"}, "x"], "nextLink": None}), [{"id": "1"}]),
        (reply(200, {"value": None}), []),
        (reply(200, []), []),
        (reply(400), []),
        (reply(403), []),
        (reply(404), []),
    ],
)
def test_hints_are_taken_where_they_may_be_seen(said: Reply, expected: list[Any]) -> None:
    server = Script(said)
    assert using(server, lambda arm: arm.hints(f"{BASE}/locks")) == expected
    assert len(server.requests) == 1


def test_hints_are_taken_from_all_pages() -> None:
    first = reply(200, {"value": [{"id": "1"}], "nextLink": f"{BASE}/locks?page=2"})
    server = Script(first, reply(200, {"value": [{"id": "2"}]}))
    assert using(server, lambda arm: arm.hints(f"{BASE}/locks")) == [{"id": "1"}, {"id": "2"}]
    assert using(Script(first, reply(403)), lambda arm: arm.hints(f"{BASE}/locks")) == [{"id": "1"}]
    with pytest.raises(BadResponse, match="do not end"):
        using(Script(first, first, first), lambda arm: arm.hints(f"{BASE}/locks"))
    astray = reply(200, {"value": [], "nextLink": "https://evil.test"})
    with pytest.raises(BadResponse, match="another origin"):
        using(Script(astray), lambda arm: arm.hints(f"{BASE}/locks"))


def test_trouble_is_no_hint() -> None:
    with pytest.raises(CheckpointError, match="reading locks"):
        using(Script(reply(500)), lambda arm: arm.hints(f"{BASE}/locks"))


def test_a_question_that_is_a_post_is_repeated_like_a_read() -> None:
    server = Script(reply(503), link_lost(), reply(200, {"data": []}))
    said = using(server, lambda arm: arm.query(f"{BASE}/resources", {"query": "x"}, context="asking"))
    assert said.json() == {"data": []}
    assert server.sent == [f"POST {BASE}/resources"] * 3
    assert json.loads(server.requests[-1].content) == {"query": "x"}
    with pytest.raises(CheckpointError, match="asking: forbidden"):
        using(Script(reply(403)), lambda arm: arm.query(f"{BASE}/resources", {}, context="asking"))


def test_a_write_may_carry_conditions() -> None:
    server = Script(reply(200))

    async def main(arm: Arm) -> None:
        await arm.write("PATCH", f"{BASE}/vm", {}, context="swapping", headers={"If-Match": '"e1"'})

    using(server, main)
    assert server.sent == [f"PATCH {BASE}/vm"]
    assert server.requests[0].headers["if-match"] == '"e1"'
    assert server.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["", "x", ".evil.test/x", "@evil.test/x", "/a/../b", "/a/./b", "/.."])
def test_a_path_that_leads_elsewhere_makes_no_url(path: str) -> None:
    async def made(arm: Arm) -> str:
        return arm.url(path, "2024-01-01")

    with pytest.raises(BadResponse, match="no path of a resource"):
        using(Script(), made)


def test_a_list_s_ids_are_read_in_any_case_and_by_kind() -> None:
    found = "/Subscriptions/0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d/resourceGroups/rg/providers/N/t/n"

    async def ids(arm: Arm) -> list[str]:
        found = await arm.resources(f"{BASE}/things", context="listing", kind="scvmm")
        return [str(each) for each, _row in found]

    rows = [{"id": found, "kind": "SCVMM"}, {"id": 7, "kind": "VMware"}, {"id": "x"}]
    assert using(Script(reply(200, {"value": rows})), ids) == [found.replace("/Sub", "/sub")]
    for wrong in (None, 7, "x", "/subscriptions/1/resourceGroups/rg/providers/N/t/n", [found], f"{found}/../x"):
        with pytest.raises(BadResponse, match="a listed resource has no usable id"):
            using(Script(reply(200, {"value": [{"id": wrong, "kind": "scvmm"}]})), ids)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_what_an_answer_to_a_write_says_was_made_or_replaced(method: str, status: int) -> None:
    server = Script(reply(status))
    made = using(server, lambda arm: arm.write(method, f"{BASE}/a", {}, context="writing"))
    assert (made.created, made.replaced) == (status == 201, (method, status) == ("PUT", 200))
    assert server.requests[0].extensions["timeout"]["read"] == 90.0
    assert server.requests[0].headers["x-ms-return-client-request-id"] == "true"


@pytest.mark.parametrize("status", [203, 205, 206, 299])
def test_any_other_success_of_a_write_is_none(status: int) -> None:
    with pytest.raises(BadResponse, match=rf"creating it: an unexpected answer \({status}\)"):
        posted(Script(reply(status)))


GROUP = "/subscriptions/s/resourceGroups/rg"
NO_GROUP = {"error": {"code": "ResourceGroupNotFound", "message": "It is not there."}}


@pytest.mark.parametrize(
    ("first", "grouped", "found"),
    [
        (f"{GROUP}/a", False, "BadResponse"),
        (f"{GROUP.upper()}/a", True, "BadResponse"),
        (f"{GROUP}2/a", False, "none"),
        (f"{GROUP}2/a", True, "NotFound"),
        ("/subscriptions/s/a", False, "none"),
    ],
)
def test_a_group_that_was_just_read_is_not_gone(first: str, grouped: bool, found: str) -> None:
    async def main(arm: Arm) -> str:
        await arm.get(f"{BASE}{first}", context="reading")
        try:
            said = await arm.find(f"{BASE}{GROUP}/b?api-version=1", context="finding", grouped=grouped)
        except CheckpointError as error:
            return type(error).__name__
        return "none" if said is None else "there"

    assert using(Script(reply(200, {}), reply(404, NO_GROUP)), main) == found


@pytest.mark.parametrize(
    ("body", "message", "remedy"),
    [
        (
            {"error": {"code": "SubscriptionNotFound", "message": "No such subscription."}},
            "finding: a 404 (SubscriptionNotFound: No such subscription) that is not the resource manager's word for "
            "it says nothing.",
            "Check the subscription in the id, and that this identity may see it in this cloud.",
        ),
        (
            "",
            "finding: a 404 that is not the resource manager's word for it says nothing.",
            "Check that the URL leads to the service itself and not to a proxy or portal.",
        ),
        (
            {"code": "NotFound", "message": "unwrapped"},
            "finding: a 404 that is not the resource manager's word for it says nothing.",
            "Check that the URL leads to the service itself and not to a proxy or portal.",
        ),
        (
            {"error": {"code": 404, "message": "a number"}},
            "finding: a 404 (404: a number) that is not the resource manager's word for it says nothing.",
            "Check that the URL leads to the service itself and not to a proxy or portal.",
        ),
        (
            {"error": {"code": "NotFound", "message": "Resource /subscriptions/s/resourceGroups/other is not found."}},
            "finding: a 404 (NotFound: Resource /subscriptions/s/resourceGroups/other is not found) that is not the "
            "resource manager's word for it says nothing.",
            "Check that the URL leads to the service itself and not to a proxy or portal.",
        ),
    ],
)
def test_a_404_that_proves_nothing_is_told_in_whole(body: Any, message: str, remedy: str) -> None:
    with pytest.raises(BadResponse) as caught:
        using(Script(reply(404, body)), lambda arm: arm.find(f"{BASE}{GROUP}/b?v=1", context="finding"))
    assert (caught.value.message, caught.value.remedy) == (message, remedy)


def test_a_policy_is_named_in_the_remedy() -> None:
    body = {"error": {"code": "RequestDisallowedByPolicy", "message": "No."}}
    with pytest.raises(CheckpointError) as caught:
        posted(Script(reply(403, body)))
    assert caught.value.remedy == (
        "No right is missing: a policy forbids this. Ask for an exemption, or change what the policy names."
    )
    assert caught.value.details == body["error"]


def test_an_operation_that_somebody_else_denies_is_told_in_whole() -> None:
    async def look(arm: Arm) -> None:
        operation = await act(arm)
        await operation.poll()

    with pytest.raises(BadResponse) as caught:
        using(Script(reply(202, b"", location=f"{BASE}/op"), reply(404)), look)
    assert caught.value.message == (
        "reading the operation's status: an answer (404) that is not the resource manager's says nothing."
    )


def test_no_id_is_told_in_whole() -> None:
    async def ids(arm: Arm) -> object:
        return await arm.resources(f"{BASE}/things", context="listing")

    with pytest.raises(BadResponse) as caught:
        using(Script(reply(200, {"value": [{"id": "/x"}]})), ids)
    assert caught.value.message.startswith("a listed resource has no usable id: malformed ARM id: ")


VM_ID = "/subscriptions/s/resourceGroups/RG/providers/N/vms/a"
LOCKS = "/providers/Microsoft.Authorization/locks/"


def locks_of(*scopes: str) -> dict[str, Any]:
    return {"value": [{"id": f"{scope}{LOCKS}{number}"} for number, scope in enumerate(scopes)]}


def test_locks_are_those_on_the_resource_or_above_it_read_once_a_minute() -> None:
    listed_locks = locks_of(
        VM_ID.upper(),
        VM_ID.partition("/providers")[0],
        "/subscriptions/s",
        f"{VM_ID}b",
        f"{VM_ID}/extensions/x",
        "/subscriptions/s/resourceGroups/RG/providers/N/vms/c",
    )
    listed_locks["value"] += [{"id": None}, {"id": LOCKS}, {"id": "elsewhere"}, {}]
    server = Script(reply(200, listed_locks))

    async def main(arm: Arm) -> list[Any]:
        seen: list[Any] = [[lock["id"].rpartition("/")[2] for lock in await arm.locks([VM_ID])]]
        for pause in (0.0, 59.0, 1.0):
            await trio.sleep(pause)
            await arm.locks([VM_ID.lower()])
            seen.append(len(server.requests))
        arm.forget_locks()
        await arm.locks([VM_ID, f"{VM_ID}/x"])
        seen.append(len(server.requests))
        await arm.locks(["/subscriptions/s/resourceGroups/other/providers/N/vms/a", VM_ID])
        seen.append(len(server.requests))
        return seen

    assert using(server, main) == [["2", "1", "0"], 1, 1, 2, 3, 4]
    assert server.sent[0] == f"GET {BASE}/subscriptions/s/resourcegroups/rg{LOCKS[:-1]}?api-version=2020-05-01"
