# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM's errors: each shape, every detail, and which of them means that another operation holds the resource."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.errors import (
    code_of,
    codes_of,
    error_details,
    error_of,
    policies_of,
    read_error,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.polling import read_status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError, Locked
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._arm.test_client import using
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import Script, answer

ERROR = {
    "error": {
        "code": "BadRequest",
        "message": "It says no.",
        "target": "checkpoint",
        "details": [
            {"code": "Inner", "message": "really", "details": [{"code": "Deep", "message": "truly"}]},
            "words",
            7,
        ],
        "additionalInfo": [{"type": "Policy", "info": {"b": 1, "a": 2}}, "ignored"],
    }
}


def refused(status: int, body: Any) -> CheckpointError:
    async def main(arm: Arm) -> CheckpointError:
        return arm.error(answer(status, body), context="creating it")

    return using(Script(), main)


def test_an_error_is_reported_with_every_detail() -> None:
    assert refused(400, ERROR).message == (
        "creating it: refused (400): BadRequest: It says no.; target checkpoint; Inner: really; Deep: truly; words; "
        'Policy {"a": 2, "b": 1}.'
    )


def test_what_an_inner_error_says_is_appended() -> None:
    error = {"code": "X", "message": "no", "innererror": {"message": "because", "innererror": {"message": "of that"}}}
    assert refused(400, {"error": error}).message == "creating it: refused (400): X: no; because; of that."
    assert refused(400, {"error": {"code": "X", "innerError": "in words"}}).message.endswith(": X; in words.")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"code": "TooManyRequests", "message": "slower"}, ": TooManyRequests: slower"),
        ({"error": {"code": "X"}}, ": X"),
        ({"error": {"message": " words \n"}}, ": words"),
        ({"error": {"code": "X", "message": " "}}, ": X"),
        ({"error": "invalid_grant"}, ": invalid_grant"),
        ({"error": None}, ""),
        ({"error": {}}, ""),
        ({"error": {"code": None, "message": None, "details": None, "additionalInfo": {}}}, ""),
        ({"error": {"code": 7, "message": ["x"]}}, ": 7: x"),
        ([], ""),
        ("", ""),
        ("<html><head><TITLE>\n502 Bad Gateway </TITLE></head></html>", ": 502 Bad Gateway"),
        ('{"error": ', ""),
        ("see https://h/x?sig=SIG", ""),
        ({"error": {"message": "see https://h/x?sig=SIG now"}}, ": see https://h/x?… now"),
    ],
)
def test_each_shape_of_an_error_is_understood(body: Any, said: str) -> None:
    assert refused(400, body).message == f"creating it: refused (400){said}."


def test_an_error_without_end_is_cut_off() -> None:
    deep: dict[str, Any] = {"message": "level"}
    for _level in range(30):
        deep = {"message": "level", "details": [deep]}
    assert refused(400, {"error": deep}).message.count("level") == 6
    wide = {"message": "top", "details": [{"message": "level"}] * 500}
    assert refused(400, {"error": wide}).message.count("level") == 20


@pytest.mark.parametrize(
    ("status", "error", "locked"),
    [
        (409, {"code": "Conflict"}, True),
        (409, {"code": "AnotherOperationInProgress"}, True),
        (409, {"code": "operationinprogress"}, True),
        (412, {"code": "ResourceBusy"}, True),
        (409, {"code": "X", "message": "VMM error (ID: 2602)"}, True),
        (409, {"code": "X", "details": [{"message": "Error ID: 2602"}]}, True),
        (409, {"code": "AttachDiskWhileBeingDetached"}, True),
        (409, {"code": "RetryableErrorDueToAnotherOperation"}, True),
        (409, {"code": "OperationPreempted", "message": "by a more recent one"}, True),
        (409, {"code": "OperationNotAllowed", "message": "changes were made to the VM while X was in progress"}, True),
        (409, {"code": "OperationNotAllowed", "message": "The disk is being detached; try again."}, True),
        (409, {"code": "OperationNotAllowed", "message": "Operation results in exceeding quota limits."}, False),
        (409, {"code": "OperationNotAllowed", "message": "The number of points cannot exceed 500."}, False),
        (409, {"code": "ScopeLocked", "message": "another operation in progress"}, False),
        (409, {"code": "ScopeLocked"}, False),
        (409, {"code": "ScopeLocked", "message": "2602"}, False),
        (409, {"code": "X", "message": "VM 831e819f-2602-4c1b-9c1f-77aa00000000"}, False),
        (409, {"code": "X"}, False),
        (400, {"code": "Conflict"}, False),
    ],
)
def test_locked_is_another_operation_not_an_administrator_s_lock(
    status: int, error: dict[str, Any], locked: bool
) -> None:
    assert isinstance(refused(status, {"error": error}), Locked) is locked


def test_a_refused_sign_in_says_how_we_signed_in() -> None:
    assert "sign-in refused (401) for client c" in refused(401, {}).message


def test_a_second_create_at_once_is_a_lock_on_azure_too() -> None:
    said = "There is already a concurrent 'Create RestorePoint' operation running on the VM"
    assert isinstance(refused(409, {"error": {"code": "X", "message": said}}), Locked)


def test_the_result_holds_the_whole_error() -> None:
    assert refused(400, ERROR).to_result()["details"] == ERROR["error"]
    long = {"error": {"message": "m", "details": [{"code": f"C{count}", "message": "x" * 90} for count in range(60)]}}
    error = refused(400, long)
    assert len(error.message) == 1000
    assert error.details == long["error"]


@pytest.mark.parametrize("body", [{"error": None}, {"error": {}}, {"error": "words"}, [], ""])
def test_an_error_without_structure_has_no_details(body: Any) -> None:
    assert refused(400, body).details is None


def test_the_whole_error_is_clean_and_bounded() -> None:
    dirty = {"message": "see https://h/x?sig=SIG\nnow", "additionalInfo": [{"k\x1b": [1, None, True, 2.5]}]}
    details = refused(400, {"error": dirty}).details
    assert details == {"message": "see https://h/x?… now", "additionalInfo": [{"k": [1, None, True, 2.5]}]}
    wide = refused(400, {"error": {"details": [{"code": "C", "message": "m"}] * 5000}}).details
    assert wide is not None
    assert len(wide["details"]) < 400
    assert "…" in str(wide["details"][-1])
    deep: dict[str, Any] = {"code": "the bottom"}
    for _level in range(20):
        deep = {"details": [deep]}
    shown = str(refused(400, {"error": deep}).details)
    assert "the bottom" not in shown
    assert "…" in shown


def test_a_failed_operation_s_status_holds_the_whole_error() -> None:
    status = read_status(answer(200, {"status": "Failed", "error": ERROR["error"]}))
    assert status.details == ERROR["error"]
    assert read_status(answer(200, {"status": "Succeeded", "error": {"code": "left over"}})).details is None


def _violation(**info: str) -> dict[str, Any]:
    return {"additionalInfo": [{"type": "PolicyViolation", "info": info}]}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, ""),
        ([], ""),
        ({"code": "X"}, ""),
        ({"code": "RequestDisallowedByPolicy"}, "a policy"),
        ({"code": "RequestDisallowedByPolicyOfMine"}, ""),
        ({"code": "X", "additionalInfo": [{"type": "Other", "info": {"policyAssignmentName": "a"}}, "x"]}, ""),
        (
            _violation(policyAssignmentDisplayName="A", policyAssignmentName="a", policyDefinitionDisplayName="R"),
            'policy assignment "A" (rule "R")',
        ),
        (_violation(policyAssignmentName="a", policyDefinitionName="r"), 'policy assignment "a" (rule "r")'),
        (
            {"code": "RequestDisallowedByPolicy", "details": [_violation(policyAssignmentName="a")] * 2},
            'policy assignment "a" (rule "none")',
        ),
    ],
)
def test_the_policies_that_refuse_are_named_once(error: Any, said: str) -> None:
    assert policies_of(error) == said


def test_policies_are_looked_for_six_levels_deep_and_named_in_short() -> None:
    error = _violation(policyAssignmentName="a")
    for _level in range(5):
        error = {"details": [error]}
    assert policies_of(error).startswith('policy assignment "a"')
    assert policies_of({"details": [error]}) == ""
    assert len(policies_of(_violation(policyAssignmentName="a" * 900))) == 500


def _deep(levels: int) -> Any:
    value: Any = "the bottom"
    for _level in range(levels):
        value = [value]
    return {"a": value}


def test_a_whole_error_has_24_levels_and_1000_parts() -> None:
    assert "the bottom" in str(error_details(_deep(23)))
    assert "the bottom" not in str(error_details(_deep(24)))
    wide = error_details({"a": ["x"] * 998}) or {}
    assert wide["a"] == ["x"] * 998
    wide = error_details({"a": ["x"] * 2000}) or {}
    assert wide["a"] == [*["x"] * 998, "…"]
    names = error_details({str(number): "x" for number in range(2000)}) or {}
    assert len(names) == 1000
    long = error_details({"k" * 900: "v" * 9000}) or {}
    assert [(len(name), len(text)) for name, text in long.items()] == [(200, 4000)]


def test_inner_errors_are_counted_with_the_details_around_them() -> None:
    inner: Any = {"message": "the bottom"}
    for _level in range(4):
        inner = {"innererror": inner}
    assert read_error({"innererror": inner})[1] == "the bottom"
    assert read_error({"details": [{"innererror": inner}]})[1] == ""


def test_an_error_s_further_information_is_short() -> None:
    _code, text = read_error({"additionalInfo": [{"type": "T", "info": {"a": "x" * 900}}]})
    assert (text[:10], len(text)) == ('T {"a": "x', 402)
    assert read_error({"code": "C", "details": ["words", 7, None]}) == ("C", "C; words")


@pytest.mark.parametrize(
    ("page", "title"),
    [
        (b"<html><TITLE lang='en'>Bad\xff</title>", "Bad\ufffd"),
        (b"<title>" + b"x" * 200 + b"</title>", "x" * 200),
        (b"<title>" + b"x" * 201 + b"</title>", ""),
        (b" " * 65520 + b"<title>x</title>", "x"),
        (b" " * 65521 + b"<title>x</title>", ""),
        (b"<html>", ""),
    ],
)
def test_the_title_of_a_gateway_s_page(page: bytes, title: str) -> None:
    assert error_of(answer(502, page)) == title


def test_the_code_behind_an_error_is_the_outermost_one_in_lower_case_and_no_word_of_its_text() -> None:
    group = {"code": "ResourceGroupNotFound", "message": "SubscriptionNotFound"}
    assert code_of(CheckpointError("x", details={**group, "details": [{"code": "Inner"}]})) == "resourcegroupnotfound"
    assert code_of(CheckpointError("SubscriptionNotFound", details={"message": "SubscriptionNotFound"})) == ""
    assert code_of(CheckpointError("SubscriptionNotFound")) == ""


def test_an_error_is_in_its_wrapper_or_where_that_will_do_it_is_all_there_is() -> None:
    wrapped, bare = {"error": {"code": "X"}}, {"code": "X"}
    assert [error_of(answer(404, body)) for body in (wrapped, bare)] == [{"code": "X"}, {"code": "X"}]
    assert [error_of(answer(404, body), wrapped=True) for body in (wrapped, bare)] == [{"code": "X"}, ""]


@pytest.mark.parametrize("around", ["details", "innererror", "innerError"])
def test_codes_are_told_six_levels_deep_in_lower_case(around: str) -> None:
    error: Any = {"code": "L7"}
    for level in reversed(range(7)):
        error = {"code": f"L{level}", around: [error] if around == "details" else error}
    assert codes_of(error) == ["l0", "l1", "l2", "l3", "l4", "l5"]
