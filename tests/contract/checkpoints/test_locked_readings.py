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
READS = {"spf": "VMCheckPoints", "scvmm": "virtualMachineInstances"}


@pytest.mark.parametrize("count", [1, 2, None])
@pytest.mark.parametrize("service", SERVICES)
def test_a_lost_create_is_not_sent_again_for_it(service: str, count: int | None) -> None:
    lab = make_lab(service, create_takes="60s")
    status, body = SAID[service]
    lab.world.faults.add(kind="lose_answer", method="POST", path="VMCheckPoints|createCheckpoint")

    def lock() -> None:
        lab.world.faults.add(kind="status", status=status, body=body, method="GET", path=READS[service], count=count)

    lab.before_first(lab.a_write("POST", path="heckpoint" if service == "scvmm" else "VMCheckPoints"), lock)
    result = lab.run(
        "vm_checkpoint", vm=VMS[service] if service == "spf" else lab.arm_vm, name="new", settle_time="90s"
    )
    creates = [request for request in lab.sent("POST") if "heckpoint" in request.url.path.lower()]
    assert len(creates) == 1
    if code(result) is not None:
        assert (code(result), result["error"]["retry"]) == ("outcome_unknown", "after_reading"), result["msg"]
