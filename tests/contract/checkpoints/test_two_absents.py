# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two controllers remove the same checkpoint at the same time: it is absent for both, and one has done it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import SERVICES, VMS, code, make_lab


@pytest.mark.parametrize("later", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("service", SERVICES)
def test_absent_is_met_for_the_one_that_comes_second(service: str, later: float) -> None:
    lab = make_lab(service)
    vm = VMS[service] if service == "spf" else lab.arm_vm
    task: dict[str, Any] = {"vm": vm, "name": "later", "state": "absent"}
    results = lab.together((0.0, "vm_checkpoint", task), (later, "vm_checkpoint", dict(task)))
    assert [code(each) for each in results] == [None, None]
    assert sorted(each["changed"] for each in results) == [False, True]
    assert [point.name for point in lab.world.vm(VMS[service]).checkpoints] == ["baseline"]
