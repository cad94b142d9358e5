# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that look like an absence, a whole list, a time or a key, and are none: nothing is done for their sake."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code, make_lab
from tests.contract.compute.azure_harness import make_lab as azure_lab
from tests.support.lab import Lab
from tests.support.wire import Changed

PAGES = ["<html>sign in</html>", "garbage", "[]"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("service", ["spf", "scvmm"])
def test_a_lost_write_whose_reading_shows_a_page_is_open(service: str, state: str, page: str) -> None:
    lab = make_lab(service, spf_expand="ignored")
    lab.world.faults.add(kind="lose_answer", method="POST|DELETE", path="deleteCheckp|createCheckp|VMCheck")

    def filter_it() -> None:
        lab.world.faults.add(kind="status", status=200, body=page, method="GET", count=None)

    lab.before_first(lab.a_write(), filter_it)
    vm = "web01" if service == "spf" else lab.arm_vm
    result = lab.run("vm_checkpoint", vm=vm, name="baseline" if state == "absent" else "new", state=state)
    assert code(result) == "outcome_unknown"
    assert re.search(r'(creating|deleting) checkpoint "\w+".* was sent', result["msg"])


ABOUT_ANOTHER = {
    "code": "ResourceNotFound",
    "message": "The Resource 'Microsoft.Compute/virtualMachines/other99' under resource group 'rg-shop' was not found.",
}


@pytest.mark.parametrize(
    "body",
    [
        {"error": ABOUT_ANOTHER},
        {"code": "NotFound", "message": "Entity not found"},
        {"error": {"code": ["ResourceNotFound"]}},
        {"error": "ResourceNotFound"},
    ],
    ids=["another resource", "no wrapper", "a code that is no text", "an error that is no object"],
)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_404_that_does_not_say_that_the_collection_is_absent(state: str, body: dict[str, Any]) -> None:
    lab = azure_lab()
    lab.world.faults.add(kind="status", status=404, body=body, method="GET", path="restorePointCollections", count=None)
    result = lab.run("vm_checkpoint", vm=lab.azure_vm, name="new", state=state)
    assert (code(result), lab.writes()) == ("bad_answer", 0)


NO_WORD_OF_A_MACHINE: dict[str, Any] = {
    "the type": {"error": {"code": "InvalidResourceType", "message": "The resource type could not be found."}},
    "a gateway": {"code": "404", "message": "no Route matched"},
    "another machine": {
        "error": {
            "code": "ResourceNotFound",
            "message": "The Resource 'Microsoft.HybridCompute/machines/app99' under resource group 'rg-hybrid' was not "
            "found.",
        }
    },
    "the subscription": {"error": {"code": "SubscriptionNotFound", "message": "It could not be found."}},
}


@pytest.mark.parametrize("body", NO_WORD_OF_A_MACHINE.values(), ids=NO_WORD_OF_A_MACHINE)
def test_a_404_that_does_not_say_that_the_machine_is_no_vm(body: dict[str, Any]) -> None:
    lab = make_lab("scvmm")
    lab.world.faults.add(kind="status", status=404, body=body, method="GET", path="virtualMachineInstances", count=None)
    for state in ("present", "absent"):
        result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new", state=state)
        assert (code(result), lab.writes()) == ("not_found" if "Subscription" in str(body) else "bad_answer", 0)
        assert "no VM of Arc-enabled SCVMM" not in result["msg"]


@pytest.mark.parametrize("body", NO_WORD_OF_A_MACHINE.values(), ids=NO_WORD_OF_A_MACHINE)
@pytest.mark.parametrize("often", [1, 3])
def test_behind_a_create_it_is_looked_past(often: int, body: dict[str, Any]) -> None:
    lab = make_lab("scvmm")

    def deny() -> None:
        where = {"method": "GET", "path": "virtualMachineInstances"}
        lab.world.faults.add(kind="status", status=404, body=body, count=often, **where)

    lab.before_first(lab.a_write(), deny)
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new")
    assert (code(result), result["changed"], len(lab.sent())) == (None, True, 1), result["msg"]


@pytest.mark.parametrize("body", [body for name, body in NO_WORD_OF_A_MACHINE.items() if name != "the subscription"])
def test_of_several_vms_the_others_are_done(body: dict[str, Any]) -> None:
    lab = Lab()
    lab.world.faults.add(kind="status", status=404, body=body, method="GET", path="virtualMachineInstances", count=None)
    result = lab.run("vm_checkpoint", vms=[lab.arm_vm, "web01"], name="new", on_error="continue")
    assert [(each["error"] or {}).get("code") for each in result["vms"]] == ["bad_answer", None]
    assert "new" in lab.names("web01")


@pytest.mark.parametrize("beside", [{"odata.error": {"code": "", "message": {"value": "timeout"}}}, {"__next": "x"}])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_page_of_spf_that_is_not_whole(state: str, beside: dict[str, Any]) -> None:
    lab = make_lab("spf", spf_expand="ignored")
    body = {"odata.metadata": "x", "value": [], **beside}
    lab.world.faults.add(kind="replace", path=r"VMCheckPoints\?", count=None, body=body)
    result = lab.run("vm_checkpoint", vm="web01", name="baseline", state=state)
    assert (code(result), lab.writes()) == ("bad_answer", 0)
    assert "so it is not all of them" in result["msg"]


def test_a_list_of_arm_with_an_error_beside_it() -> None:
    lab = azure_lab()
    body = {"value": [], "error": {"code": "PartialResults", "message": "one region timed out"}}
    lab.world.faults.add(kind="replace", path=r"/virtualMachines\?", count=None, body=body)
    result = lab.run("vm_checkpoint_info", scope="compute")
    assert code(result) == "bad_answer"


@pytest.mark.parametrize("never", ["0001-01-01", "1601-01-01", "1753-01-01", "1899-12-30", "1900-01-01", "1970-01-01"])
def test_the_beginning_of_a_calendar_is_no_age(never: str) -> None:
    lab = make_lab("spf")

    def rewrite(document: Any) -> None:
        if isinstance(document, dict):
            for name, value in document.items():
                if name == "AddedTime" and value:
                    document[name] = f"{never}T00:00:00Z"
                rewrite(value)
        elif isinstance(document, list):
            for each in document:
                rewrite(each)

    lab.through = lambda wire: Changed(wire, "/VirtualMachines", rewrite)
    result = lab.run("vm_checkpoint", vm="web01", state="absent", select={"older_than": "300d"})
    assert (code(result), lab.writes()) == (None, 0)
    assert any("unknown age" in text for text in result["warnings"])


@pytest.mark.parametrize("field", ["ID", "StampId"])
def test_a_key_of_zeros_is_none(field: str) -> None:
    """Else a POST or DELETE would go to what nobody has."""
    lab = make_lab("spf")
    zeros = "00000000-0000-0000-0000-000000000000"

    def rewrite(document: Any) -> None:
        for row in document.get("value", []) if isinstance(document, dict) else []:
            row[field] = zeros

    lab.through = lambda wire: Changed(wire, "/VirtualMachines", rewrite)
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    sent = [json.loads(each.content) for each in lab.requests if each.method == "POST"]
    assert all(zeros not in (each["VMId"], each["StampId"]) for each in sent)
    assert code(result) == ("bad_answer" if field == "ID" else None)


@pytest.mark.parametrize(
    "before", ["https://portal.azure.com/#resource", "https://management.azure.com", "C:/Program Files/Git", "{", '"']
)
def test_an_arm_id_behind_something_is_no_name_on_spf(before: str) -> None:
    lab = Lab()
    result = lab.run("vm_checkpoint", vm=before + lab.arm_vm, name="new")
    assert (code(result), lab.requests) == ("invalid_input", [])
    assert "An ARM id begins with /subscriptions/" in result["msg"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"code": "AttachDiskWhileBeingDetached", "message": "It is being detached."}),
        (409, {"code": "OperationNotAllowed", "message": "There is already an ongoing operation on the disk."}),
        (409, {"code": "ConcurrentUpdateError", "message": "Try again."}),
        (423, {"code": "Locked", "message": "Another one is at work."}),
        (503, {"code": "RetryableErrorDueToAnotherOperation", "message": "Try again."}),
        (400, {"code": "VMRestorePointClientError", "message": "Failed since a concurrent operation was triggered."}),
        (409, {"code": "OperationNotAllowed", "message": "Another write operation is running on the VM."}),
        (400, {"code": "Failed", "details": [{"code": "AnotherOperationInProgress", "message": "Try again."}]}),
    ],
)
def test_a_lock_in_other_words_is_waited_for(status: int, error: dict[str, str]) -> None:
    lab = azure_lab()
    lab.world.faults.add(kind="status", status=status, body={"error": error}, method="PUT", path="/restorePoints/")
    result = lab.run("vm_checkpoint", vm=lab.azure_vm, name="new")
    assert (code(result), result["changed"]) == (None, True)


def test_a_lock_is_tried_again_when_the_service_says() -> None:
    lab = azure_lab()
    refusal = {"status": 409, "body": {"error": {"code": "Conflict"}}, "headers": {"Retry-After": "60"}}
    lab.world.faults.add(kind="status", method="PUT", path="/restorePoints/", count=3, **refusal)
    result = lab.run("vm_checkpoint", vm=lab.azure_vm, name="new", wait_timeout="10m")
    assert (code(result), result["changed"]) == (None, True)
    assert 180.0 <= lab.seconds < 190.0
