# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one look at an ARM operation says, and where the next one goes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.polling import read_status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    Forbidden,
    SignInRefused,
    TimedOut,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Status, wait
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._arm.test_client import act
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    Written,
    answer,
    link_lost,
    never_left,
    reply,
    virtual,
)

SIGNED = f"{BASE}/providers/Microsoft.ScVmm/locations/X/operationStatuses/a*b?t=1&c=MII%2b&s=Sig-_~&h=1"


def waited(*looks: Written, seconds: float = 600.0, header: str = "location") -> tuple[Status, Script]:
    """A write that was accepted, and looks until it ended."""
    server = Script(reply(202, b"", **{header: f"{BASE}/op/1"}), *looks)

    async def main() -> Status:
        async with server.http(seconds=seconds) as http:
            operation = await act(Arm(http, BASE, "client c"))
            return await wait(operation, http.deadline, 5.0, subject="vm web01", context="creating it")

    return virtual(main), server


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, {"status": "Succeeded"}, "succeeded"),
        (200, {"status": "Succeeded", "error": {}}, "succeeded"),
        (200, {"status": "Succeeded", "error": None}, "succeeded"),
        (202, {"status": "Succeeded"}, "succeeded"),
        (200, {"status": "succeeded", "properties": None}, "succeeded"),
        (200, {"properties": {"provisioningState": "Succeeded"}}, "succeeded"),
        (200, {}, "succeeded"),
        (200, None, "succeeded"),
        (200, "", "succeeded"),
        (200, " \r\n", "succeeded"),
        (204, "", "succeeded"),
        (200, [], "succeeded"),
        (200, {"properties": []}, "succeeded"),
        (200, {"status": "Failed"}, "failed"),
        (202, {"status": "Failed"}, "failed"),
        (200, {"status": "Canceled"}, "failed"),
        (200, {"status": "Cancelled"}, "failed"),
        (200, {"properties": {"provisioningState": "Failed"}}, "failed"),
        (202, {"status": "Accepted"}, "running"),
        (202, {"status": "Running", "error": {}}, "running"),
        (200, {"status": "InProgress"}, "running"),
        (200, {"status": "SomethingNew"}, "running"),
        (200, {"properties": {"provisioningState": "Updating"}}, "running"),
        (202, None, "running"),
        (202, "", "running"),
        (202, {}, "running"),
        (202, {"id": "x", "properties": {}}, "running"),
    ],
)
def test_the_body_s_word_goes_before_the_status_and_unknown_words_mean_running(
    status: int, body: Any, state: str
) -> None:
    assert read_status(answer(status, "null" if body is None else body)).state == state


@pytest.mark.parametrize(
    "body",
    ["<html>", '{"status": ', '{"status": {}, "error": {"code": 1}}', '{"error": {"code": "X"}}', '{"status": 5}'],
)
def test_a_status_that_makes_no_sense_is_no_success(body: str) -> None:
    with pytest.raises(BadResponse):
        read_status(answer(200, body))


def test_a_failure_is_reported_with_its_code_and_details_and_without_signatures() -> None:
    status = read_status(
        answer(
            200,
            {
                "status": "Failed",
                "error": {
                    "code": "VMMError",
                    "message": "see https://h/x?sig=SIG for more",
                    "details": [{"code": "1700", "message": "disk full"}],
                },
            },
            x_ms_request_id="r-1",
        )
    )
    assert (status.text, status.code, status.request_id) == ("Failed", "VMMError", "r-1")
    assert status.message == "VMMError: see https://h/x?… for more; 1700: disk full"
    assert not status.locked


@pytest.mark.parametrize(
    ("error", "locked"),
    [
        ({"code": "Conflict"}, True),
        ({"code": "X", "message": "(Error ID: 2602)"}, True),
        ({"code": "X", "message": "no"}, False),
        ({}, False),
    ],
)
def test_a_failure_over_a_lock_is_known_as_one(error: dict[str, Any], locked: bool) -> None:
    assert read_status(answer(200, {"status": "Failed", "error": error})).locked is locked
    assert not read_status(answer(202, {"status": "Running", "error": error})).locked


@pytest.mark.parametrize(
    ("percent", "shown"),
    [(50, 50), (50.5, 50), (0, 0), (100, 100), (101, None), (-1, None), ("50", None), (None, None)],
)
def test_progress_is_shown_where_it_is_a_percentage(percent: object, shown: int | None) -> None:
    assert read_status(answer(202, {"status": "Running", "percentComplete": percent})).percent == shown


def test_retry_after_counts_while_it_runs() -> None:
    assert read_status(answer(202, "null", retry_after="7")).retry_after == 7.0
    assert read_status(answer(202, {"status": "Running"}, retry_after="7")).retry_after == 7.0
    assert read_status(answer(200, "", retry_after="7")).retry_after is None
    _status, server = waited(reply(202, "null", retry_after="20"), reply(200, {"status": "Succeeded"}))
    assert server.pauses[1] == 20.0


def test_each_look_may_name_where_the_next_goes_byte_for_byte() -> None:
    newer, newest = SIGNED.replace("t=1", "t=2"), SIGNED.replace("t=1", "t=3")
    status, server = waited(
        reply(202, "null", location=newer, azure_asyncoperation=newer),
        reply(202, {"status": "Running"}),
        reply(202, {"status": "Running"}, location=newest),
        reply(200, {"status": "Succeeded", "error": {}}),
    )
    assert status.state == "succeeded"
    assert server.sent[1:] == [f"GET {BASE}/op/1", f"GET {newer}", f"GET {newer}", f"GET {newest}"]


def test_a_poll_never_changes_its_origin() -> None:
    _status, server = waited(reply(202, "null", location=SIGNED), reply(200, {"status": "Succeeded"}))
    assert {request.url.host for request in server.requests} == {"service.test"}


@pytest.mark.parametrize("newer", ["https://evil.test/op", "https://u:p@service.test/op", "no URL", f"{BASE}/op/ 2"])
def test_a_next_look_elsewhere_goes_where_the_last_one_went(newer: str) -> None:
    """As azure-core does: the URL in hand still works, and nothing is sent to another origin."""
    status, server = waited(reply(202, "null", location=newer), reply(200, {"status": "Succeeded"}))
    assert status.state == "succeeded"
    assert server.sent[1:] == [f"GET {BASE}/op/1"] * 2


@pytest.mark.parametrize("status", [300, 302, 400, 404, 409, 410, 412, 423])
def test_a_status_that_cannot_be_read_is_not_the_operation_s_failure(status: int) -> None:
    """ARM's RPC: a 4xx there is a failure to read the status, to be tried again."""
    denied = reply(status, {"error": {"code": "X", "message": "It says no."}})
    made, server = waited(*[denied] * 5, reply(200, {"status": "Succeeded"}))
    assert (made.state, len(server.requests)) == ("succeeded", 7)
    made, server = waited(denied)
    assert (made.state, made.text) == ("unknown", "no sense")
    assert made.message == f"reading the operation's status: an answer ({status}: X: It says no.) that tells no status."
    assert 60 <= sum(server.pauses) < 75


@pytest.mark.parametrize("page", ["<html>Maintenance</html>", "", '{"message": "no such page"}'])
@pytest.mark.parametrize("status", [302, 400, 403, 404, 410])
def test_a_status_that_somebody_else_denies_is_looked_at_again(status: int, page: str) -> None:
    made, server = waited(*[reply(status, page)] * 5, reply(200, {"status": "Failed"}))
    assert (made.state, len(server.requests)) == ("failed", 7)
    made, _server = waited(reply(status, page))
    assert made.state == "unknown"
    assert f"an answer ({status}) that is not the resource manager's says nothing" in made.message


@pytest.mark.parametrize("page", ["<html>", '{"status": "InPro', '{"status": 5}'])
def test_a_page_instead_of_a_status_is_looked_past(page: str) -> None:
    status, server = waited(reply(202, "null"), *[reply(200, page)] * 5, reply(200, {"status": "Succeeded"}))
    assert (status.state, len(server.requests)) == ("succeeded", 8)


@pytest.mark.parametrize(("status", "kind"), [(401, SignInRefused), (403, Forbidden)])
def test_what_we_may_not_read_is_said(status: int, kind: type[CheckpointError]) -> None:
    with pytest.raises(kind, match=r"reading the operation's status|sign-in refused"):
        waited(reply(status, {"error": {"code": "AuthorizationFailed"}}))


@pytest.mark.parametrize("trouble", [reply(500), reply(503), reply(429), reply(408), link_lost(), never_left()])
def test_looking_goes_on_through_trouble(trouble: Written) -> None:
    status, _server = waited(*[trouble] * 9, reply(200, {"status": "Succeeded"}))
    assert status.state == "succeeded"


@pytest.mark.parametrize(
    "trouble",
    [
        reply(500),
        reply(503),
        reply(503, b"", retry_after="5000"),
        reply(429, b"", retry_after="5000"),
        link_lost(),
        never_left(),
    ],
)
def test_trouble_to_the_end_never_says_that_it_ended_or_is_safe_to_start_again(trouble: Written) -> None:
    with pytest.raises(TimedOut) as caught:
        waited(trouble)
    assert caught.value.retry == "after_reading"


ODD = [{"d": None}, {}, [], {"value": 3}, {"properties": {}}, "null", ""]


@pytest.mark.parametrize("odd", ODD, ids=str)
@pytest.mark.parametrize("end", ["Failed", "Succeeded"])
def test_an_answer_without_a_status_is_no_success_where_there_has_to_be_one(odd: Any, end: str) -> None:
    """Azure-AsyncOperation: a proxy's or another page's answer is looked past, three times in a row at most."""
    status, server = waited(
        *[reply(200, odd)] * 3,
        reply(200, {"status": "Running"}),
        *[reply(200, odd)] * 3,
        reply(200, {"status": end}),
        header="azure_asyncoperation",
    )
    assert (status.text, len(server.requests)) == (end, 9)


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_of_an_operation_that_never_tells_its_status_nothing_is_known(odd: Any) -> None:
    status, server = waited(*[reply(200, odd)] * 4, header="azure_asyncoperation")
    assert (status.state, status.text, len(server.requests)) == ("unknown", "no status", 5)


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_location_may_end_in_nothing_and_in_a_result_where_no_status_was_given(odd: Any) -> None:
    status, server = waited(reply(202, "null"), reply(200, odd))
    assert (status.state, len(server.requests)) == ("succeeded", 3)
    outcome, server = waited(reply(202, {"status": "Running"}), reply(200, odd), reply(200, {"status": "Failed"}))
    nothing = odd in ("null", "")
    assert (outcome.state, len(server.requests)) == (("succeeded", 3) if nothing else ("failed", 4))


@pytest.mark.parametrize(
    "code",
    [
        "Conflict",
        "AnotherOperationInProgress",
        "OperationInProgress",
        "OperationPreempted",
        "ResourceBusy",
        "RetryableError",
        "RetryableErrorDueToAnotherOperation",
        "AttachDiskWhileBeingDetached",
    ],
)
def test_codes_of_another_operation_by_themselves(code: str) -> None:
    status = read_status(answer(200, {"status": "Failed", "error": {"code": code}}))
    assert (status.locked, status.code) == (True, code)
    assert not read_status(answer(200, {"status": "Running", "error": {"code": code}})).locked


@pytest.mark.parametrize(
    "said",
    [
        "in progress",
        "another operation",
        "concurrent",
        "changes were made",
        "changes are being made",
        *(
            f"being {done}"
            for done in (
                "attached",
                "created",
                "deallocated",
                "deleted",
                "detached",
                "modified",
                "moved",
                "started",
                "updated",
            )
        ),
    ],
)
def test_words_of_another_operation(said: str) -> None:
    error = {"code": "OperationNotAllowed", "message": f"The disk: {said.upper()}."}
    assert read_status(answer(200, {"status": "Failed", "error": error})).locked


@pytest.mark.parametrize(
    ("percent", "shown"),
    [(0, 0), (42.9, 42), (100, 100), (-1, None), (101, None), ("42", None), (None, None)],
)
def test_a_percentage_is_one_or_nothing(percent: Any, shown: int | None) -> None:
    assert read_status(answer(200, {"status": "Running", "percentComplete": percent})).percent == shown


def test_a_word_for_a_state_is_shown_in_short_and_only_a_failure_has_a_message() -> None:
    error = {"code": "C", "message": "m"}
    running = read_status(answer(200, {"status": "x" * 99, "error": error}, retry_after="7"))
    assert (len(running.text), running.message, running.code, running.retry_after) == (60, "", "C", 7.0)
    assert read_status(answer(202, "", retry_after="7")).retry_after == 7.0
    assert read_status(answer(200, "", retry_after="7")).retry_after is None


SAME = [
    "https://service.test:443/op/2?s=%2f",
    "https://Service.Test/op/2?s=%2f",
    "HTTPS://service.test/op/2?s=%2f",
    "/op/2?s=%2f",
]


@pytest.mark.parametrize("link", SAME)
@pytest.mark.parametrize("header", ["location", "azure_asyncoperation"])
def test_the_same_origin_in_another_spelling_is_followed(header: str, link: str) -> None:
    server = Script(reply(202, b"", **{header: link}), reply(202, "null"), reply(200, {"status": "Succeeded"}))

    async def main() -> Status:
        async with server.http() as http:
            operation = await act(Arm(http, BASE, "client c"))
            return await wait(operation, http.deadline, 5.0, subject="vm web01", context="creating it")

    assert virtual(main).state == "succeeded"
    assert server.sent[1:] == [f"GET {BASE}/op/2?s=%2f"] * 2


@pytest.mark.parametrize("link", SAME)
def test_the_next_look_follows_it_too(link: str) -> None:
    status, server = waited(reply(202, "null", location=link), reply(200, {"status": "Succeeded"}))
    assert (status.state, server.sent[2]) == ("succeeded", f"GET {BASE}/op/2?s=%2f")


@pytest.mark.parametrize(
    ("operation", "location"),
    [(f"{BASE}/op/2", "https://evil.test/op"), ("https://evil.test/op", f"{BASE}/op/2"), ("//evil.test", "/op/2")],
)
def test_of_two_links_the_one_that_may_be_followed_serves(operation: str, location: str) -> None:
    server = Script(
        reply(202, b"", azure_asyncoperation=operation, location=location), reply(200, {"status": "Failed"})
    )

    async def main() -> str:
        async with server.http() as http:
            return (await (await act(Arm(http, BASE, "client c"))).poll()).state

    assert virtual(main) == "failed"
    assert server.sent[1:] == [f"GET {BASE}/op/2"]


def test_where_neither_may_be_followed_the_first_says_why() -> None:
    server = Script(reply(202, b"", azure_asyncoperation="https://evil.test/a", location="https://else.test/b"))

    async def main() -> Status:
        async with server.http() as http:
            return await (await act(Arm(http, BASE, "client c"))).poll()

    status = virtual(main)
    assert (status.state, "evil.test" in status.message, len(server.requests)) == ("unknown", True, 1)
