# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""leftover_disk: what restores have left goes by its id, and nothing else does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from simulator.azure.model import Disk
from tests.contract.checkpoints.scenarios import code
from tests.contract.compute.azure_harness import (
    azure_vm,
    checkpoint,
    disks,
    done,
    fail_next,
    failed,
    jobs,
    killed,
    make_lab,
    restore,
)
from tests.support.lab import Lab, Result

OLD = ("shop01_DataDisk_0", "shop01_OsDisk")
QUICK = {"wait_timeout": "10m", "settle_time": "20s"}


def disk(lab: Lab, name: str) -> Disk:
    """A disk as the world has it."""
    return next(each for each in lab.world.azure.disks.values() if each.name == name)


def remove(lab: Lab, *names: str, check: bool = False, **options: Any) -> Result:
    """leftover_disk of shop01, disks by name."""
    ids = [lab.world.azure.resource_id("disks", name) for name in names]
    given = {"vm": lab.azure_vm, "ids": ids, "state": "absent", **QUICK, **options}
    return lab.run("leftover_disk", check=check, **given)


def requests_about(lab: Lab, name: str) -> list[httpx.Request]:
    """The requests about one disk."""
    return [each for each in lab.requests if each.url.path.endswith(f"/disks/{name}")]


def _left(lab: Lab) -> set[str]:
    found = lab.run("vm_checkpoint_info", vm=lab.azure_vm, leftovers=True)["leftovers"]
    return {each["name"] for each in found}


def _restored(**switches: Any) -> tuple[Lab, str]:
    """shop01 after a restore, and the run's id."""
    lab = make_lab(**switches)
    done(restore(lab))
    lab.requests.clear()
    (run,) = {each.tags.get("hybridvm-restore-run", "") for each in lab.world.azure.disks.values()} - {""}
    return lab, run


def test_the_replaced_disks_go() -> None:
    lab, run = _restored()
    before = disks(lab)
    foreseen = done(remove(lab, *OLD, check=True))
    assert (foreseen["changed"], lab.sent(), disks(lab)) == (True, [], before)
    assert {each["name"] for each in foreseen["leftovers"]} == set(OLD)
    result = done(remove(lab, *OLD, expected_plan=foreseen["plan"]["digest"]))
    assert result["changed"] is True
    assert disks(lab) == before - set(OLD)
    assert result["leftovers"] == []
    assert result["plan"] == foreseen["plan"]
    first, _second = result["plan"]["actions"]
    assert (first["action"], first["vm"], first["provider"]) == ("delete", "shop01", "compute")
    assert first["disk"] == {
        "id": lab.world.azure.resource_id("disks", "shop01_DataDisk_0"),
        "name": "shop01_DataDisk_0",
        "size_gb": 64,
    }
    assert first["reason"].startswith(f"replaced by shop01-lun0-{run} in the restore {run}")
    assert result["operation"]["status"] == "succeeded"
    assert result["diff"] == foreseen["diff"]
    assert result["diff"]["after"] == ""
    assert all(name in result["diff"]["before"] for name in OLD)
    again = done(remove(lab, *OLD))
    assert (again["changed"], again["plan"]["actions"], again["diff"]["before"]) == (False, [], "")


def test_one_of_two_in_any_spelling() -> None:
    lab, _run = _restored()
    given = lab.world.azure.resource_id("disks", OLD[0])
    result = done(remove(lab, ids=[given.upper(), given.lower() + "/"]))
    assert [each["disk"]["name"] for each in result["plan"]["actions"]] == [OLD[0]]
    assert [each["name"] for each in result["leftovers"]] == [OLD[1]]
    assert _left(lab) == {OLD[1]}


def test_an_empty_list_and_disks_that_do_not_exist() -> None:
    lab, _run = _restored()
    empty = done(remove(lab))
    assert (empty["changed"], empty["warnings"]) == (False, ["vm shop01: ids is empty, so nothing is removed."])
    assert done(remove(lab, "nothing", "shop01-os-0123456789ab"))["changed"] is False
    elsewhere = lab.azure_vm.replace("rg-shop", "rg-elsewhere").replace("virtualMachines/shop01", "disks/d")
    assert code(remove(lab, ids=[elsewhere])) is None
    assert lab.sent() == []


def test_a_404_of_somebody_else_proves_nothing() -> None:
    lab, _run = _restored()
    lab.world.faults.add(kind="html", status=404, path=f"disks/{OLD[0]}", count=None)
    assert code(remove(lab, OLD[0])) == "bad_answer"


def test_a_disk_that_nobody_shows_to_be_ours() -> None:
    lab, _run = _restored()
    stranger = disk(lab, "shop02_OsDisk")
    stranger.owners.clear()
    azure_vm(lab, "shop02").os_disk.disk = "/none"
    before = disks(lab)
    for check in (True, False):
        message = failed(remove(lab, OLD[0], "shop02_OsDisk", check=check), "invalid_input")
        assert "shop02_OsDisk: no restore of this VM has made it or taken its place" in message
        assert "1 of 2 disks are no leftovers that may go" in message
        assert "Nothing was changed" in message
    # The tags of ours on a disk of another name are not ours.
    stranger.tags = dict(disk(lab, f"shop01-os-{_run}").tags)
    failed(remove(lab, "shop02_OsDisk"), "invalid_input")
    assert (disks(lab), lab.sent()) == (before, [])


def test_a_disk_that_a_tag_alone_names() -> None:
    lab, run = _restored()
    stranger = disk(lab, "shop02_OsDisk")
    stranger.owners.clear()
    azure_vm(lab, "shop02").os_disk.disk = "/none"
    disk(lab, f"shop01-lun0-{run}").tags["hybridvm-restore-replaces"] = "rg-shop/shop02_OsDisk"
    message = failed(remove(lab, "shop02_OsDisk"), "vm_state")
    assert "none of the VM's restore points knows it" in message


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop01-os-{run}", "this VM has it"),
        ("shop01-lun0-{run}", "this VM has it"),
        ("shop02_OsDisk", "shop02 has it"),
    ],
)
def test_a_disk_that_a_vm_has(name: str, expected: str) -> None:
    lab, run = _restored()
    for check in (True, False):
        result = remove(lab, name.format(run=run), check=check)
        assert expected in failed(result, "vm_state")
        assert result["error"]["retry"] == "never"
    assert lab.sent() == []


@pytest.mark.parametrize("state", ["Attached", "Reserved", "ActiveSAS", "ReadyToUpload", "Frozen", None])
def test_only_what_is_shown_as_unattached_goes(state: str | None) -> None:
    """No owner is shown, and the state says something else, or nothing."""
    lab, _run = _restored()

    class Altered(httpx.AsyncBaseTransport):
        def __init__(self, wire: httpx.AsyncBaseTransport) -> None:
            self.wire = wire

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await self.wire.handle_async_request(request)
            if request.method != "GET" or not request.url.path.endswith(f"/disks/{OLD[0]}"):
                return answer
            await answer.aread()
            body = answer.json()
            body["properties"].pop("diskState")
            if state is not None:
                body["properties"]["diskState"] = state
            return httpx.Response(200, json=body)

    lab.through = Altered
    message = failed(remove(lab, OLD[0]), "vm_state")
    assert (f"its state is {state}" if state else "does not show whether it is attached") in message
    assert lab.sent() == []


@pytest.mark.parametrize("number", [4, 5, 6, 7])
def test_disks_of_a_restore_that_is_not_finished_stay(number: int) -> None:
    lab = make_lab()
    killed(lab, number, "heard")
    sent, there = len(lab.sent()), disks(lab)
    names = _left(lab)
    assert names
    for name in names:
        assert "run it again first" in failed(remove(lab, name), "vm_state")
    assert (len(lab.sent()), disks(lab)) == (sent, there)


def test_disks_of_a_restore_that_was_interrupted_before_the_vm_was_touched_go() -> None:
    lab = make_lab()
    killed(lab, 3, "watch")
    there, names = disks(lab), _left(lab)
    done(remove(lab, *names))
    assert disks(lab) == there - names
    done(restore(lab))


def test_the_oldest_go_first_and_a_warning_names_what_would_no_longer_be_known() -> None:
    lab, run = _restored()
    lab.advance(60)
    done(restore(lab))
    lab.advance(60)
    made = f"shop01-os-{run}"
    warned = done(remove(lab, made, check=True))["warnings"]
    assert ["shop01_OsDisk is a leftover" in text for text in warned] == [True]
    result = done(remove(lab, made, "shop01_OsDisk"))
    assert result["warnings"] == []
    assert [each["disk"]["name"] for each in result["plan"]["actions"]] == ["shop01_OsDisk", made]


def test_a_disk_that_is_attached_after_the_plan_stays() -> None:
    lab, _run = _restored()
    other = azure_vm(lab, "shop02")
    lab.before_first(lambda request: request.method == "DELETE", lambda: disk(lab, OLD[1]).owners.append(other.id))
    result = remove(lab, *OLD)
    assert "shop01_OsDisk is no leftover any more: shop02 has it" in failed(result, "vm_state")
    assert result["changed"] is True
    assert OLD[1] in disks(lab)
    assert len(lab.sent("DELETE")) == 1


@pytest.mark.parametrize("kind", ["lose_request", "lose_answer"])
def test_a_lost_answer_is_settled_by_reading(kind: str) -> None:
    lab, _run = _restored()
    lab.world.faults.add(kind=kind, method="DELETE", path="/disks/")
    result = done(remove(lab, OLD[0]))
    assert result["changed"] is True
    assert OLD[0] not in disks(lab)
    assert jobs(lab, "disk_delete") == 1
    assert len(lab.sent("DELETE")) == (2 if kind == "lose_request" else 1)


def test_a_disk_that_another_run_removes_meanwhile() -> None:
    lab, _run = _restored()
    # After the plan: the last reading before the write.
    lab.before_first(
        lambda request: request.url.path.endswith(f"/disks/{OLD[0]}") and len(requests_about(lab, OLD[0])) == 2,
        lambda: lab.world.azure.disks.pop(disk(lab, OLD[0]).id.lower()),
    )
    result = done(remove(lab, OLD[0]))
    assert (result["changed"], result["leftovers"][0]["name"], lab.sent()) == (False, OLD[1], [])
    assert len(result["plan"]["actions"]) == 1


def test_a_removal_that_fails() -> None:
    lab, _run = _restored()
    fail_next(lab, "disk_delete", OLD[0])
    result = remove(lab, *OLD)
    failed(result, "operation_failed")
    assert result["changed"] is False
    assert set(OLD) <= disks(lab)
    assert {each["name"] for each in result["leftovers"]} == set(OLD)


def test_a_lock_of_others_is_waited_for() -> None:
    lab, _run = _restored()
    body = {"error": {"code": "AnotherOperationInProgress", "message": "Another operation is in progress."}}
    lab.world.faults.add(kind="status", status=409, method="DELETE", path="/disks/", body=body)
    done(remove(lab, *OLD))
    assert not set(OLD) & disks(lab)


def test_a_management_lock_is_found_by_the_plan() -> None:
    lab, _run = _restored()
    scope = f"/subscriptions/{lab.world.azure.subscription_id}/resourceGroups/rg-shop"
    lock = {
        "id": f"{scope}/providers/Microsoft.Authorization/locks/keep",
        "name": "keep",
        "properties": {"level": "CanNotDelete"},
    }
    lab.world.faults.add(kind="replace", path="Microsoft.Authorization/locks", count=None, body={"value": [lock]})
    for check in (True, False):
        assert 'the lock "keep" on rg-shop allows no deletion' in failed(remove(lab, OLD[0], check=check), "vm_state")
    assert lab.sent() == []


def test_an_approval_covers_the_very_disk() -> None:
    lab, _run = _restored()
    plan = done(remove(lab, OLD[0], check=True))["plan"]
    disk(lab, OLD[0]).unique_id = "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"
    assert code(remove(lab, OLD[0], expected_plan=plan)) == "plan_changed"
    assert lab.sent() == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ids": ["shop01_OsDisk"]}, "ids, element 1 of 1 shop01_OsDisk: malformed ARM id"),
        ({"ids": [""]}, "ids, element 1 of 1"),
        ({"vm": "web01"}, "restores without new disks, so none are left"),
        ({"state": "present"}, "state"),
        ({"vm": ""}, "vm: is empty"),
    ],
    ids=str,
)
def test_what_is_malformed(options: dict[str, Any], expected: str) -> None:
    lab = make_lab()
    assert expected in failed(remove(lab, **options), "invalid_input")
    assert lab.sent() == []


def test_the_id_of_something_else() -> None:
    lab = make_lab()
    assert "only disks can be removed" in failed(remove(lab, ids=[lab.azure_vm]), "invalid_input")
    assert "Give an Azure VM" in failed(remove(lab, vm=lab.arm_vm), "invalid_input")


def test_a_vm_or_disks_that_cannot_be_read() -> None:
    lab, _run = _restored()
    lab.world.faults.add(kind="status", status=403, path=r"/disks\?", count=None)
    failed(remove(lab, OLD[0]), "forbidden")
    assert code(remove(lab, OLD[0], vm=lab.azure_vm + "9")) == "not_found"
    assert lab.sent() == []


def test_without_waiting() -> None:
    lab, _run = _restored(compute_disk_takes="30s")
    result = done(remove(lab, *OLD, wait=False))
    assert (result["changed"], result["operation"]["status"]) == (True, "running")
    lab.advance(60)
    assert done(remove(lab, *OLD))["changed"] is False
    assert not set(OLD) & disks(lab)


def test_a_point_that_failed_is_removed_by_vm_checkpoint() -> None:
    lab = make_lab()
    fail_next(lab, "point")
    assert code(checkpoint(lab, name="broken")) == "operation_failed"
    assert _left(lab) == {"broken"}
    done(checkpoint(lab, name="broken", state="absent"))
    assert _left(lab) == set()
