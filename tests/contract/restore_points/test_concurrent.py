# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One restore point at a time is made of a VM: the next one waits for it."""

from __future__ import annotations

import pytest

from simulator.azure.jobs import CONCURRENT
from tests.contract.compute.azure_harness import (
    checkpoint,
    done,
    failed,
    make_lab,
    names,
    point,
    points,
)
from tests.support.lab import Lab


def _somebody_else(lab: Lab, seconds: float) -> None:
    """Another tool makes a point of the VM, in a collection of its own."""
    vm = lab.azure_vm
    done(lab.run("restore_point_collection", name="theirs", resource_group="rg-shop", source=vm))
    lab.world.switches.compute_point_takes = f"{seconds}s"
    done(point(lab, name="theirs", collection="theirs", wait=False))
    lab.world.switches.compute_point_takes = "1s"


@pytest.mark.parametrize("concurrent", ["409", "failed"])
@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point"])
def test_one_create_at_a_time(module: str, concurrent: str) -> None:
    """Another create on the VM is waited for, then ours goes on: what failed for it is removed first."""
    lab = make_lab(compute_concurrent_create=concurrent)
    # What fails counts as well, and three in an hour are all there are.
    _somebody_else(lab, 60 if concurrent == "409" else 3)
    result = checkpoint(lab, name="new") if module == "vm_checkpoint" else point(lab)
    done(result)
    assert [each.state for each in points(lab) if each.name == "new"] == ["Succeeded"]
    assert lab.seconds >= 3


@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point"])
def test_one_create_at_a_time_and_no_time(module: str) -> None:
    lab = make_lab()
    _somebody_else(lab, 3600)
    lab.advance(1)
    run = checkpoint if module == "vm_checkpoint" else point
    result = run(lab, name="new", wait_timeout="60s")
    message = failed(result, "locked")
    assert CONCURRENT[:30] in message
    assert result["changed"] is False
    assert "new" not in names(lab)
