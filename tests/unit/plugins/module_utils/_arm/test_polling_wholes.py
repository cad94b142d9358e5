# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at one of ARM's operations says, and which operation a write has started, as whole values."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.polling import read_status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._arm.test_client import act, using
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    Written,
    answer,
    reply,
)

GUID = "6E0D9045-0000-4000-8000-000000000001"
OTHER = "7f0d9045-0000-4000-8000-000000000002"
ERROR = {"code": "Conflict", "message": "It exists.", "details": [{"code": "Inner", "message": "m"}]}
SAID = "Conflict: It exists.; Inner: m"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, "", Status("succeeded")),
        (202, " null ", Status("running", retry_after=7.0)),
        (202, {"status": None, "percentComplete": 5}, Status("running", retry_after=7.0)),
        (200, {"status": " Succeeded "}, Status("succeeded", "Succeeded", retry_after=7.0, request_id="r-1")),
        (200, {"status": "SucceededNot"}, Status("running", "SucceededNot", retry_after=7.0, request_id="r-1")),
        (200, {"status": "Canceled", "error": ERROR},
         Status("failed", "Canceled", SAID, "Conflict", locked=True, retry_after=7.0, request_id="r-1", details=ERROR)),
        (200, {"status": "Failed", "error": {"code": "X", "message": "see\nbelow"}},
         Status("failed", "Failed", "X: see below", "X", retry_after=7.0, request_id="r-1",
                details={"code": "X", "message": "see below"})),
        (202, {"status": "Running", "error": ERROR, "percentComplete": 12.9},
         Status("running", "Running", "", "Conflict", percent=12, retry_after=7.0, request_id="r-1")),
        (200, {"properties": {"provisioningState": "Updating", "status": "Failed"}},
         Status("running", "Updating", retry_after=7.0, request_id="r-1")),
        (200, {"properties": ["x"]}, Status("succeeded")),
        (200, {"status": "Running", "properties": {"provisioningState": "Failed"}},
         Status("running", "Running", retry_after=7.0, request_id="r-1")),
    ],
)  # fmt: skip
def test_a_status_is_one_whole_value(status: int, body: Any, expected: Status) -> None:
    assert read_status(answer(status, body, retry_after="7", x_ms_request_id="r-1")) == expected


def test_a_status_that_cannot_be_understood_is_told_in_whole() -> None:
    for body in ({"status": 5}, {"error": {"code": "X"}}, {"status": {}, "error": "x"}):
        with pytest.raises(BadResponse) as caught:
            read_status(answer(200, body))
        assert str(caught.value) == (
            "service: the operation's status cannot be understood. Check that the URL leads to the service itself and "
            "not to a proxy or portal."
        )


async def started(arm: Arm) -> Operation:
    return await act(arm)


@pytest.mark.parametrize(
    ("status", "body", "headers", "shown", "last"),
    [
        (202, b"", {"location": f"{BASE}/ops/{GUID}?q=/{OTHER}"}, GUID.lower(), Status("running", retry_after=7.0)),
        (202, b"", {"location": f"{BASE}/ops/{GUID}*{OTHER}"}, GUID.lower(), Status("running", retry_after=7.0)),
        (202, b"", {"location": f"{BASE}/{GUID}/result"}, None, Status("running", retry_after=7.0)),
        (200, {"properties": {"provisioningState": "Succeeded"}}, {}, None, Status("running")),
        (202, b"", {"location": "https://evil.test/"}, None, Status("running")),
    ],
)
def test_an_operation_that_was_started_is_one_whole_value(
    status: int, body: Any, headers: dict[str, str], shown: str | None, last: Status
) -> None:
    made = using(Script(reply(status, body, retry_after="7", x_ms_request_id="r-1", **headers)), started)
    assert (made.kind, made.id, made.last, made.request_id) == ("arm", shown, last, "r-1")
    assert made.to_result() == {"kind": "arm", "id": shown, "status": "running", "percent": None, "seconds": 0.0}


@pytest.mark.parametrize(
    ("first", "looks", "expected"),
    [
        (reply(200, {"properties": {"provisioningState": "Succeeded"}}), [], Status("succeeded")),
        (reply(200, {"properties": {"provisioningState": "SucceededNot"}}), [], Status("unknown")),
        (reply(204), [], Status("unknown")),
        (reply(202, b"", location="https://evil.test/"), [],
         Status("unknown", "no usable link", "was asked to follow an address on another origin (https://evil.test): "
                "refused; no credentials were sent there.")),
        (reply(202, b"", location=f"{BASE}/op"), [reply(299, {"status": "Failed"})], Status("failed", "Failed")),
        (reply(202, b"", azure_asyncoperation=f"{BASE}/op"), [reply(200, "", x_ms_request_id="r-2")],
         Status("running", "no status", request_id="r-2")),
        (reply(202, b"", azure_asyncoperation=f"{BASE}/op"), [reply(202, "", retry_after="7")],
         Status("running", retry_after=7.0)),
    ],
)  # fmt: skip
def test_the_first_look_is_one_whole_value(first: Written, looks: list[Written], expected: Status) -> None:
    async def look(arm: Arm) -> Status:
        return await (await act(arm)).poll()

    assert using(Script(first, *looks), look) == expected


def test_three_looks_without_a_status_are_borne_and_a_fourth_is_not() -> None:
    server = Script(reply(202, b"", azure_asyncoperation=f"{BASE}/op"), reply(200, ""))

    async def looks(arm: Arm) -> list[Status]:
        operation = await act(arm)
        return [await operation.poll() for _look in range(4)]

    assert using(server, looks) == [*[Status("running", "no status")] * 3, Status("unknown", "no status")]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("", Status("succeeded")),
        (" null\n", Status("succeeded")),
        (" {}\n", Status("running", "no status")),
        ("[]", Status("running", "no status")),
    ],
)
def test_after_a_status_an_end_without_one_is_nothing_at_all(end: str, expected: Status) -> None:
    server = Script(reply(202, b"", location=f"{BASE}/op"), reply(200, {"status": "Running"}), reply(200, end))

    async def second(arm: Arm) -> Status:
        operation = await act(arm)
        await operation.poll()
        return await operation.poll()

    assert using(server, second) == expected
