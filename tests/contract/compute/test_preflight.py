# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a restore point is named before anything is sent, with the remedy."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from simulator.documents.azure_seeding import plant_lock
from tests.contract.compute.azure_harness import (
    GOOD,
    HOME,
    azure_vm,
    checkpoint,
    collection,
    document,
    done,
    failed,
    guest,
    make_lab,
    names,
    point,
    restore,
)
from tests.support.lab import Lab

DATA: dict[str, Any] = {"lun": 0, "files": GOOD["0"]}
# The VM's members, what is said, whether excluding the disk helps.
NEVER: dict[str, tuple[dict[str, Any], str]] = {
    "unmanaged OS disk": ({"os_disk": {"kind": "unmanaged"}}, "unmanaged"),
    "ephemeral OS disk": ({"os_disk": {"kind": "ephemeral"}}, "ephemeral"),
    "unmanaged data disk": ({"data_disks": [{**DATA, "kind": "unmanaged"}]}, "LUN 0"),
    "shared data disk": ({"data_disks": [{**DATA, "max_shares": 2}]}, "shared"),
}


def _make_lab(of_vm: dict[str, Any]) -> Lab:
    compute = document(**of_vm)
    compute["collections"][0]["points"] = []
    return make_lab(compute)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("case", NEVER)
def test_disks_that_cannot_be_captured(case: str, check: bool) -> None:
    of_vm, said = NEVER[case]
    lab = _make_lab(of_vm)
    for result in (checkpoint(lab, check=check, name="x"), point(lab, check=check)):
        message = failed(result, "vm_state")
        assert said in message
        assert "Nothing was changed" in message
        assert result["error"]["remedy"]
    assert lab.sent() == []


def test_an_excluded_disk_is_no_obstacle() -> None:
    for case in ("unmanaged data disk", "shared data disk"):
        lab = _make_lab(NEVER[case][0])
        result = point(lab, exclude_disks=["lun0"])
        if case == "shared data disk":
            assert done(result)["restore_point"]["usable"] is True
        else:  # it has no id by which a point could leave it out
            message = failed(result, "invalid_input")
            assert "exclude_disks: 'lun0' is an unmanaged disk" in message
            assert "Convert it" in message
            assert lab.sent() == []


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["lun0", "lun0"], "exclude_disks: lun0 is named twice (lun0)."),
        (["0", "shop01_DataDisk_0"], "exclude_disks: lun0 is named twice (shop01_DataDisk_0)."),
        (["os", "0"], "exclude_disks: names all disks of shop01."),
    ],
)
def test_disks_that_cannot_be_left_out_so(given: list[str], expected: str, check: bool) -> None:
    lab = make_lab()
    assert expected in failed(point(lab, check=check, exclude_disks=given), "invalid_input")
    assert lab.sent() == []


def test_what_exists_needs_no_room() -> None:
    """Obstacles to a create are none to keeping, removing or restoring."""
    compute = document(data_disks=[{**DATA, "write_accelerator": True}])
    lab = make_lab(compute)
    azure_vm(lab).power = "deallocated"
    assert done(checkpoint(lab, name="before"))["changed"] is False
    done(restore(lab))
    assert guest(lab) == GOOD
    assert done(checkpoint(lab, name="before", state="absent"))["changed"] is True


@pytest.mark.parametrize("check", [True, False])
def test_a_lock_against_every_change(check: bool) -> None:
    lab = make_lab()
    plant_lock(lab.world.azure, {"level": "ReadOnly", "name": "hands-off"})
    for result in (
        checkpoint(lab, check=check, name="x"),
        checkpoint(lab, check=check, name="before", state="absent"),
        restore(lab, check=check),
    ):
        message = failed(result, "vm_state")
        assert "hands-off" in message
        assert "removed" in message
    assert lab.sent() == []
    assert done(checkpoint(lab, check=check, name="before"))["changed"] is False
    assert len(done(lab.run("vm_checkpoint_info", vm=lab.azure_vm))["checkpoints"]) == 1


@pytest.mark.parametrize("scope", ["subscription", "group", "vm"])
def test_locks_above_and_on_the_vm(scope: str) -> None:
    lab = make_lab()
    subscription = f"/subscriptions/{lab.world.azure.subscription_id}"
    scopes = {"subscription": subscription, "group": "rg-shop", "vm": lab.azure_vm}
    plant_lock(lab.world.azure, {"level": "ReadOnly", "name": "hands-off", "scope": scopes[scope]})
    assert "hands-off" in failed(restore(lab, check=True), "vm_state")
    assert lab.sent() == []


def test_locks_that_may_not_be_read_are_met_when_they_bite() -> None:
    lab = make_lab()
    plant_lock(lab.world.azure, {"level": "ReadOnly", "name": "hands-off"})
    lab.world.faults.add(kind="status", status=403, path="Microsoft.Authorization/locks", count=None)
    result = checkpoint(lab, name="x")
    assert "ScopeLocked" in failed(result, "refused")
    assert "scope" in result["error"]["message"]
    assert names(lab) == ["before"]


def test_locks_are_read_once_a_minute_not_at_every_look() -> None:
    lab = make_lab(compute_vm_takes="150s")
    moments: list[float] = []

    def watch() -> None:
        moments.append(lab.clock() - lab.base)

    lab.before_each(lambda request: request.url.path.endswith("/Microsoft.Authorization/locks"), watch)
    done(restore(lab))
    assert 2 <= len(moments) <= 1 + lab.seconds / 60
    assert all(later - earlier >= 60 for earlier, later in pairwise(moments))


def test_of_many_vms_in_a_group_one_asks_for_its_locks() -> None:
    lab = make_lab()
    asked: list[str] = []
    lab.heard = lambda request: asked.append(request.url.path) if request.url.path.endswith("/locks") else None
    done(lab.run("vm_checkpoint", check=True, vms=[lab.azure_vm, azure_vm(lab, "shop02").id], name="x", concurrency=2))
    assert len(asked) == len(set(asked)) > 0


@pytest.mark.parametrize("check", [True, False])
def test_locks_for_the_resource_modules(check: bool) -> None:
    lab = make_lab()
    plant_lock(lab.world.azure, {"level": "ReadOnly", "name": "hands-off"})
    for result in (
        point(lab, check=check),
        point(lab, check=check, name="before", state="absent"),
        collection(lab, check=check, tags={"a": "b"}),
        collection(lab, check=check, state="absent", force=True),
        collection(lab, check=check, name="another", source=lab.azure_vm),
    ):
        assert "hands-off" in failed(result, "vm_state")
    assert lab.sent() == []
    assert done(point(lab, check=check, name="before"))["changed"] is False
    assert done(collection(lab, check=check))["changed"] is False
    assert HOME in lab.world.azure.collections[next(iter(lab.world.azure.collections))].id


@pytest.mark.parametrize("agent", ["x" * 70_000, "a\x00b\x1b[2J\r\nc\u2028d\u202ee"], ids=["long", "controls"])
def test_what_an_agent_is_shown_as_stays_in_one_printable_line(agent: str) -> None:
    lab = make_lab(compute_no_agent="downgrades")
    azure_vm(lab).agent = agent
    (warning,) = done(checkpoint(lab, name="new", check=True))["warnings"]
    assert (warning.isprintable(), len(warning) <= 3000) == (True, True)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("power", "agent", "said"),
    [
        ("running", "Ready", None),
        ("deallocated", "Ready", "it is off, so its restore point is only crash-consistent."),
        ("stopped", "Ready", "it is off"),
        ("running", "Not Ready", 'its agent is shown as "Not Ready"'),
    ],
)
def test_what_a_new_point_will_not_be_is_reported_before(power: str, agent: str, said: str | None, check: bool) -> None:
    """As a warning, and only where a point is made."""
    lab = make_lab(compute_no_agent="downgrades")
    azure_vm(lab).power, azure_vm(lab).agent = power, agent
    result = done(checkpoint(lab, check=check, name="new"))
    assert [said in text for text in result["warnings"]] == ([True] if said else [])
    if not check:
        assert result["checkpoint"]["consistency"] == ("CrashConsistent" if said else "FileSystemConsistent")
    assert done(checkpoint(lab, check=check, name="before"))["warnings"] == []
    assert done(checkpoint(lab, check=check, name="before", state="absent"))["warnings"] == []
