# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failure is a lock by what the service says, never by a name or a size in its text: nothing is sent again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import SERVICES, VMS, code, make_lab
from tests.support.lab import Lab, Result

NAMES = ("upgrade in progress", "concurrent writers", "before ConfigMgr 2602", "Azure Local (2602)", "Error 2602")
TEXTS = ("The checkpoint '{}' could not be handled. The disk is full.", "{} could not be handled. The disk is full.")
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "create": ("vm_checkpoint", {}),
    "restore": ("vm_checkpoint_restore", {}),
    "delete": ("vm_checkpoint", {"state": "absent"}),
}


def _run(lab: Lab, service: str, task: str, name: str) -> Result:
    module, options = OPTIONS[task]
    vm = VMS[service] if service == "spf" else lab.arm_vm
    return lab.run(module, vm=vm, name=name, wait_timeout="5m", **options)


@pytest.mark.parametrize("text", TEXTS, ids=["quoted", "bare"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("task", OPTIONS)
@pytest.mark.parametrize("service", SERVICES)
def test_an_operation_that_failed_is_not_sent_again(service: str, task: str, name: str, text: str) -> None:
    lab = make_lab(service, failed_create_row="left")
    if task != "create":
        lab.world.vm(VMS[service]).checkpoints[0].name = name
    for _time in range(30):
        lab.fail_next(service, task, problem=text.format(name))
    result = _run(lab, service, task, name)
    assert (code(result), len(lab.sent())) == ("operation_failed", 1), result["msg"]
    assert "The disk is full." in result["msg"]
    assert lab.seconds < 60


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (500, "There is not enough space: 2602 MB are free. (Error 20413)"),
        (400, "The VM name 2602 is invalid."),
        (409, "The checkpoint 'Azure Local (2602)' is too large. (Error ID: 10803)"),
        (409, "{} is too large."),
    ],
)
def test_a_number_in_a_refusal_of_spf_is_no_lock(status: int, said: str) -> None:
    name = "Azure Local (2602)"
    lab = make_lab("spf")
    body = {"odata.error": {"code": "", "message": {"lang": "en-US", "value": said.format(name)}}}
    lab.world.faults.add(kind="status", status=status, method="POST", path="VMCheckPoints", body=body, count=None)
    result = _run(lab, "spf", "create", name)
    assert (code(result), len(lab.sent())) == ("outcome_unknown" if status == 500 else "refused", 1), result["msg"]
    assert said.format(name).rstrip(".") in result["msg"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("PropertyChangeNotAllowed", "Changing property 'size' is not allowed: it is immutable; 2602 MB."),
        ("OperationNotAllowed", "Disk 'data in progress' has an unsupported SKU."),
        ("VMMError", "Upgrade in progress is too large."),
        ("VMMError", "Another operation is in progress. (Error ID: 10803)"),
    ],
)
def test_a_refusal_of_arc_that_sounds_like_a_lock_is_none(error: str, said: str) -> None:
    lab = make_lab("scvmm")
    body = {"error": {"code": error, "message": said}}
    lab.world.faults.add(kind="status", status=409, method="POST", path="createCheckpoint", body=body, count=None)
    result = _run(lab, "scvmm", "create", "upgrade in progress")
    assert (code(result), len(lab.sent())) == ("refused", 1), result["msg"]
