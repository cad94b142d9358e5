# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock that is answered to a reading behind a write says nothing of the write: it is not sent again for it."""

from __future__ import annotations

import pytest

from simulator.vmm.jobs import LOCKED
from tests.contract.checkpoints.scenarios import SERVICES, VMS, code, make_lab

SAID = {
    "spf": (500, {"odata.error": {"code": "", "message": {"lang": "en-US", "value": LOCKED.text()}}}),
    "scvmm": (409, {"error": {"code": "Conflict", "message": "Another operation is in progress."}}),
}
READS = {"spf": ("VMCheckPoints", "Jobs", "VirtualMachines"), "scvmm": ("virtualMachineInstances", "operationStatuses")}


@pytest.mark.parametrize("count", [1, 2, None])
@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize(("service", "read"), [(service, read) for service in SERVICES for read in READS[service]])
def test_a_create_is_not_sent_again_for_it(service: str, read: str, lost: bool, count: int | None) -> None:
    """Seeds 1040 and 8002."""
    lab = make_lab(service, create_takes="60s")
    status, body = SAID[service]
    creates = {"spf": "VMCheckPoints", "scvmm": "createCheckpoint"}[service]
    if lost:
        lab.world.faults.add(kind="lose_answer", method="POST", path=creates)

    def lock() -> None:
        lab.world.faults.add(kind="status", status=status, body=body, method="GET", path=read, count=count)

    lab.before_first(lab.a_write("POST", path=creates), lock)
    result = lab.run(
        "vm_checkpoint", vm=VMS[service] if service == "spf" else lab.arm_vm, name="new", wait_timeout="9m"
    )
    assert len(lab.sent("POST", path=creates)) == 1
    if code(result) is not None:
        assert code(result) in ("outcome_unknown", "timed_out"), result["msg"]
        assert result["error"]["retry"] == "after_reading"
