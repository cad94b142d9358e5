# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore whose request was lost, to the checkpoint on which the VM stands anyway: where it stands proves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import BROKEN, SERVICES, VMS, code, make_lab


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("fault", "settled"),
    [({"kind": "lose_request"}, False), ({"kind": "lose_answer"}, True)],
    ids=["request", "answer"],
)
def test_standing_where_it_stood_proves_no_restore(service: str, fault: dict[str, Any], settled: bool) -> None:
    lab = make_lab(service, restored_power="captured")
    vm = VMS[service] if service == "spf" else lab.arm_vm

    lab.before_first(lab.a_write(), lambda: lab.world.faults.add(nth=1, **fault))
    result = lab.run("vm_checkpoint_restore", vm=vm, name="later")
    assert len(lab.sent()) == 1
    if settled and service == "spf":  # its job is found, and tells
        assert (code(result), result["changed"]) == (None, True)
    else:
        assert code(result) == "outcome_unknown"
        assert result["error"]["retry"] == "after_reading"
    assert (lab.world.vm(VMS[service]).files["/etc/app.conf"] == BROKEN) is not settled
