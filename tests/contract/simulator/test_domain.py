# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What VMM does to VMs and checkpoints, seen through both services."""

from __future__ import annotations

import httpx
import pytest
import trio

from simulator.documents.seeding import plant

from .support import Sim

pytestmark = pytest.mark.anyio


async def test_create_is_answered_before_the_host_has_made_it(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    answer = await sim.create(vm, "fresh", Description=None)
    row = answer.json()
    assert (row["CheckpointID"], row["ParentCheckpointID"], row["Description"]) == (None, None, "")
    assert answer.headers["location"].endswith(sim.key(row["ID"]))
    await sim.done(answer)
    settled = (await sim.spf("GET", sim.key(row["ID"]))).json()
    assert settled["CheckpointID"] == vm.pointer
    assert settled["ParentCheckpointID"] == vm.checkpoints[0].checkpoint_id


async def test_the_pointer_moves_on_create_on_restore_and_to_the_parent_on_delete(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    baseline = vm.checkpoints[0]
    second = await sim.created(vm, "second")
    assert vm.pointer == second.checkpoint_id
    await sim.done(await sim.spf("MERGE", sim.key(baseline.id), json={"VMCheckPointAction": "Restore"}))
    assert vm.pointer == baseline.checkpoint_id
    await sim.done(await sim.spf("DELETE", sim.key(baseline.id)))
    assert vm.pointer == vm.vm_id
    shown = (await sim.spf("GET", sim.key(vm.id, "VirtualMachines"))).json()
    assert shown["LastRestoredCheckpointId"] == vm.vm_id


async def test_delete_hands_the_children_to_the_parent(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    baseline = vm.checkpoints[0]
    middle = await sim.created(vm, "middle")
    leaf = await sim.created(vm, "leaf")
    await sim.done(await sim.spf("DELETE", sim.key(middle.id)))
    assert [point.name for point in vm.checkpoints] == ["baseline", "leaf"]
    assert leaf.parent_id == baseline.checkpoint_id
    assert vm.pointer == leaf.checkpoint_id


async def test_delete_may_take_the_children_along(sim: Sim) -> None:
    sim.world.switches.set("delete_children", "deleted")
    vm = sim.world.vm("web01")
    baseline = vm.checkpoints[0]
    middle = await sim.created(vm, "middle")
    await sim.created(vm, "leaf")
    await sim.done(await sim.spf("DELETE", sim.key(middle.id)))
    assert [point.name for point in vm.checkpoints] == ["baseline"]
    assert vm.pointer == baseline.checkpoint_id


async def test_a_root_hangs_on_the_vms_own_host_id(sim: Sim) -> None:
    vm = plant(sim.world.spf.vmm, {"name": "bare"})
    assert vm.pointer == vm.vm_id
    root = await sim.created(vm, "root")
    assert root.parent_id == vm.vm_id
    arc = sim.world.vm("app01")
    profile = await sim.profile()
    root_of_arc = profile["checkpoints"][0]
    assert root_of_arc["parentCheckpointID"] == arc.vm_id.upper()
    assert root_of_arc["parentCheckpointID"] not in {point["checkpointID"] for point in profile["checkpoints"]}
    assert profile["uuid"] != arc.vm_id


@pytest.mark.parametrize("service", ["spf", "scvmm"])
async def test_restore_brings_the_guests_file_back(sim: Sim, service: str) -> None:
    name = {"spf": "web01", "scvmm": "app01"}[service]
    vm = sim.world.vm(name)
    vm.files["/etc/app.conf"] = "broken\n"
    point = vm.checkpoints[0]
    if service == "spf":
        await sim.done(await sim.spf("MERGE", sim.key(point.id), json={"VMCheckPointAction": "Restore"}))
    else:
        assert point.checkpoint_id is not None
        await sim.finished(await sim.act("restoreCheckpoint", {"id": point.checkpoint_id.lower()}))
    answer = await sim.http.get(f"/_control/guest/{service}/{name}", params={"path": "/etc/app.conf"})
    assert answer.text == "version = 1\n"
    assert len(vm.checkpoints) == 1


async def test_restore_keeps_later_checkpoints_and_power_as_captured(sim: Sim) -> None:
    sim.world.switches.set("restored_power", "captured")
    vm = sim.world.vm("web01")
    running = await sim.created(vm, "running")
    vm.power = "PowerOff"
    await sim.created(vm, "later")
    await sim.done(await sim.spf("MERGE", sim.key(running.id), json={"VMCheckPointAction": "Restore"}))
    assert vm.power == "Running"
    assert [point.name for point in vm.checkpoints] == ["baseline", "running", "later"]
    sim.world.switches.set("restored_power", "off")
    await sim.done(await sim.spf("MERGE", sim.key(running.id), json={"VMCheckPointAction": "Restore"}))
    assert sim.world.vm("web01").power == "PowerOff"


@pytest.mark.parametrize(("made_as", "after"), [("Production", "PowerOff"), ("Standard", "Running")])
async def test_a_production_checkpoint_holds_no_memory(sim: Sim, made_as: str, after: str) -> None:
    sim.world.switches.set("restored_power", "by_type")
    vm = sim.world.vm("web01")
    vm.checkpoint_type = made_as
    point = await sim.created(vm)
    vm.checkpoint_type = "Standard"
    await sim.done(await sim.spf("MERGE", sim.key(point.id), json={"VMCheckPointAction": "Restore"}))
    assert sim.world.vm("web01").power == after


async def test_a_capture_is_of_the_moment_the_host_makes_it_and_is_a_copy(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    answer = await sim.create(vm)
    vm.files["/etc/app.conf"] = "written while the job ran\n"
    await sim.done(answer)
    point = vm.by_id(answer.json()["ID"])
    vm.files["/etc/app.conf"] = "written afterwards\n"
    assert point is not None
    assert point.files["/etc/app.conf"] == "written while the job ran\n"


async def test_one_job_per_vm(sim: Sim) -> None:
    vm, other = sim.world.vm("web01"), sim.world.vm("db01")
    first = await sim.create(vm, "first")
    second = await sim.create(vm, "second")
    elsewhere = await sim.create(other, "elsewhere")
    job = await sim.job(second.headers["x-ms-request-id"])
    assert job["Status"] == "Failed"
    assert job["ErrorInfo"]["ErrorCodeString"] == "2602"
    assert job["ErrorInfo"]["IsSuccess"] is False
    assert (await sim.done(first))["Status"] == "Completed"
    assert (await sim.done(elsewhere))["Status"] == "Completed"
    assert [point.name for point in vm.checkpoints] == ["baseline", "first"]


async def test_a_background_job_locks_too_and_becomes_the_most_recent_task(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    made = await sim.http.post("/_control/vm/spf/web01/job", json={"seconds": 30})
    shown = (await sim.spf("GET", sim.key(vm.id, "VirtualMachines"))).json()
    assert shown["MostRecentTaskId"] == made.json()["id"]
    refused = await sim.spf("DELETE", sim.key(vm.checkpoints[0].id))
    assert (await sim.done(refused))["ErrorInfo"]["ErrorCodeString"] == "2602"
    await trio.sleep(31)
    assert (await sim.done(await sim.spf("DELETE", sim.key(vm.checkpoints[0].id))))["Status"] == "Completed"
    await sim.http.post("/_control/vm/spf/web01/job", json={"seconds": 30, "locks": False})
    assert (await sim.done(await sim.create(vm)))["Status"] == "Completed"


async def test_fifty_checkpoints_and_no_more(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    sim.world.switches.set("create_takes", "0s")
    for number in range(49):
        await sim.created(vm, f"number {number}")
    job = await sim.done(await sim.create(vm, "one too many"))
    assert job["Status"] == "Failed"
    assert not job["ErrorInfo"]["ErrorCodeString"].isdigit()  # no invented numbers
    assert len(vm.checkpoints) == 50


@pytest.mark.parametrize(
    "state",
    ["Stored", "Missing", "HostNotResponding", "UnderMigration", "UnderCreation", "MergingDrives", "CheckpointFailed"],
)
async def test_states_that_refuse(sim: Sim, state: str) -> None:
    vm = sim.world.vm("web01")
    vm.status = state
    for answer in (
        await sim.create(vm),
        await sim.spf("DELETE", sim.key(vm.checkpoints[0].id)),
        await sim.spf("MERGE", sim.key(vm.checkpoints[0].id), json={"VMCheckPointAction": "Restore"}),
    ):
        assert (await sim.done(answer))["Status"] == "Failed"
    assert [point.name for point in vm.checkpoints] == ["baseline"]


async def test_a_vm_in_the_library_has_no_pointer_and_takes_no_checkpoint(sim: Sim) -> None:
    vm = sim.world.vm("gold-image")
    shown = (await sim.spf("GET", sim.key(vm.id, "VirtualMachines"))).json()
    assert (shown["LastRestoredCheckpointId"], shown["Status"]) == (None, "Stored")
    assert (await sim.done(await sim.create(vm)))["Status"] == "Failed"


async def test_checkpoints_may_share_a_name(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    await sim.created(vm, "baseline")
    listed = (await sim.spf("GET", f"VMCheckPoints?$filter=VMId eq guid'{vm.id}'")).json()["value"]
    assert [point["Name"] for point in listed] == ["baseline", "baseline"]
    assert len({point["ID"] for point in listed} | {point["CheckpointID"] for point in listed}) == 4


async def test_status_while_a_job_runs(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    answer = await sim.create(vm)
    shown = (await sim.spf("GET", sim.key(vm.id, "VirtualMachines"))).json()
    assert (shown["Status"], shown["VirtualMachineState"]) == ("CreatingCheckpoint", "Running")
    job = await sim.job(answer.headers["x-ms-request-id"])
    assert (job["Status"], job["IsCompleted"], job["EndTime"]) == ("Running", False, None)
    assert 0 <= job["ProgressValue"] < 100


async def test_made_in_hyper_v_manager_and_seen_after_a_refresh(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    made = await sim.http.post("/_control/vm/spf/web01/checkpoint", json={"name": "by hand"})
    names = [point["Name"] for point in (await sim.spf("GET", "VMCheckPoints")).json()["value"]]
    assert "by hand" not in names
    assert vm.pointer == made.json()["checkpoint_id"]
    before = (await sim.spf("GET", sim.key(vm.checkpoints[0].id))).json()["ModifiedTime"]
    await sim.spf("MERGE", sim.key(vm.id, "VirtualMachines"), json={"Operation": "Refresh"})
    listed = (await sim.spf("GET", f"VMCheckPoints?$filter=VMId eq guid'{vm.id}'")).json()["value"]
    assert [point["Name"] for point in listed] == ["baseline", "by hand"]
    assert listed[0]["ModifiedTime"] != before
    assert abs(vm.checkpoints[0].modified - vm.checkpoints[1].modified) <= 0.04


@pytest.mark.parametrize(("text", "looks"), [("0s", 0), ("3 looks", 3)])
async def test_jobs_end_at_once_or_after_looks(sim: Sim, text: str, looks: int) -> None:
    sim.world.switches.set("create_takes", text)
    answer = await sim.create(sim.world.vm("web01"))
    seen = 0
    while not (await sim.job(answer.headers["x-ms-request-id"]))["IsCompleted"]:
        seen += 1
    assert seen == max(0, looks - 1)
    assert trio.current_time() == 0


async def test_a_job_may_never_end(sim: Sim) -> None:
    sim.world.switches.set("create_takes", "never")
    answer = await sim.create(sim.world.vm("web01"))
    await trio.sleep(100_000)
    assert (await sim.job(answer.headers["x-ms-request-id"]))["Status"] == "Running"


async def test_a_planned_failure_comes_at_the_end_of_the_job(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    plan = {"service": "spf", "kind": "create", "vm": "web01", "problem": "The disk is full."}
    assert (await sim.http.post("/_control/failures", json=plan)).status_code == 201
    answer = await sim.create(vm)
    assert (await sim.job(answer.headers["x-ms-request-id"]))["Status"] == "Running"
    job = await sim.done(answer)
    assert (job["Status"], job["ErrorInfo"]["Problem"]) == ("Failed", "The disk is full.")
    shown = (await sim.spf("GET", sim.key(vm.id, "VirtualMachines"))).json()
    assert shown["FailedJobID"] == job["ID"]
    assert (await sim.done(await sim.create(vm)))["Status"] == "Completed"


@pytest.mark.parametrize("status", ["Canceled", "SucceedWithInfo"])
async def test_other_ends_of_a_job(sim: Sim, status: str) -> None:
    for service in ("spf", "scvmm"):
        plan = {"service": service, "kind": "create", "status": status, "code": "10803", "problem": "In use."}
        assert (await sim.http.post("/_control/failures", json=plan)).status_code == 201
    job = await sim.done(await sim.create(sim.world.vm("web01")))
    assert (job["Status"], job["IsCompleted"]) == (status, True)
    canceled = status == "Canceled"
    assert [message["ErrorCodeString"] for message in job["AdditionalMessages"]] == ([] if canceled else ["10803"])
    assert job["ErrorInfo"]["IsSuccess"] is not canceled
    assert len(sim.world.vm("web01").checkpoints) == (1 if canceled else 2)
    operation = await sim.finished(await sim.act("createCheckpoint", {}))
    assert operation["status"] == ("Canceled" if canceled else "Succeeded")


@pytest.mark.parametrize("left", ["removed", "left"])
async def test_what_a_failed_create_leaves(sim: Sim, left: str) -> None:
    sim.world.switches.set("failed_create_row", left)
    await sim.http.post("/_control/failures", json={"service": "spf", "kind": "create"})
    answer = await sim.create(sim.world.vm("web01"))
    await sim.done(answer)
    row: httpx.Response = await sim.spf("GET", sim.key(answer.json()["ID"]))
    if left == "removed":
        assert row.status_code == 404
        return
    assert row.json()["CheckpointID"] is None
    restore = await sim.spf("MERGE", sim.key(answer.json()["ID"]), json={"VMCheckPointAction": "Restore"})
    assert (await sim.done(restore))["Status"] == "Failed"
    assert (await sim.done(await sim.spf("DELETE", sim.key(answer.json()["ID"]))))["Status"] == "Completed"
    assert (await sim.spf("GET", sim.key(answer.json()["ID"]))).status_code == 404


@pytest.mark.parametrize(
    ("style", "name"),
    [("numeric", "web01 - (09/21/2026 07:13:20)"), ("us", "web01 - (9/21/2026 - 7:13:20 AM)"), ("empty", "")],
)
async def test_the_name_of_the_nameless(sim: Sim, style: str, name: str) -> None:
    sim.world.switches.set("null_name", style)
    assert (await sim.create(sim.world.vm("web01"), None)).json()["Name"] == name


async def test_the_same_seed_gives_the_same_ids_and_each_service_its_own(sim: Sim) -> None:
    again = type(sim.world).default(lambda: 0.0)
    assert again.vm("web01").id == sim.world.vm("web01").id
    other = type(sim.world).default(lambda: 0.0, seed="another")
    assert other.vm("web01").id != again.vm("web01").id
    assert other.credentials.secret != again.credentials.secret
    ids = {again.vm("web01").id, again.vm("app01").id, again.vm("web01").vm_id, again.vm("app01").vm_id}
    assert len(ids) == 4
