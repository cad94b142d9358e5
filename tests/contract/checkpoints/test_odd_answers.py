# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that are well formed and cannot be: lists with doubles, ids that are none, what comes and goes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.job_entities import JobEntity
from tests.contract.checkpoints.replay import MACHINE, TOKEN, json_answer, module_on
from tests.contract.checkpoints.scenarios import SERVICES, VMS, code, make_lab
from tests.support.lab import Lab, Result

GUID = "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"
OTHER = "1e4c7b2f-8d66-4b62-8a1f-6a2a4b3c5d6e"
STAMP = "2f5d8c30-9e77-4c73-9b20-7b3b5c4d6e7f"
VM = {"ID": GUID, "StampId": STAMP, "Name": "vm", "VirtualMachineState": "PowerOff"}
POINT = {"ID": OTHER, "StampId": STAMP, "VMId": GUID, "Name": "n", "CheckpointID": OTHER}


def _spf(module: str, sets: dict[str, list[dict[str, Any]]], **options: Any) -> Result:
    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2].partition("(")[0]
        found = sets.get(name)
        return httpx.Response(403, text="no") if found is None else json_answer({"value": found})

    connection: dict[str, Any] = {"spf_url": "https://spf.example/root"}
    connection |= {"spf_username": "somebody", "spf_password": "long and secret"}
    return module_on(module, answer, **options, **connection)


def _on_spf(module: str = "vm_checkpoint_info", vm: str = "vm", **sets: list[dict[str, Any]]) -> Result:
    """A module on an SPF that answers these feeds; a set that is not given is forbidden."""
    return _spf(module, sets, vm=vm, name="n")


def _on_arc(module: str = "vm_checkpoint_info", **properties: Any) -> Result:
    def answer(_request: httpx.Request) -> httpx.Response:
        return json_answer({"id": "x", "properties": properties})

    return module_on(module, answer, vm=MACHINE, name="n", access_token=TOKEN.strip("{}").replace(" ", ""))


def test_the_answers_are_read_at_all() -> None:
    assert len(_on_spf(VirtualMachines=[VM], VMCheckPoints=[POINT])["checkpoints"]) == 1
    assert _on_arc(infrastructureProfile={"checkpoints": []})["checkpoints"] == []


def test_what_a_server_that_ignores_filters_sends_is_not_taken() -> None:
    """Other VMs' checkpoints in the list are not this VM's: nothing is kept, restored or deleted by mistake."""
    others = [POINT, {**POINT, "ID": GUID, "VMId": OTHER}]
    machines = [VM, {**VM, "ID": OTHER, "Name": "other"}]
    result = _on_spf(VirtualMachines=machines, VMCheckPoints=others)
    assert [each["id"] for each in result["checkpoints"]] == [OTHER]


def test_ids_in_braces_are_the_same_ids() -> None:
    """A checkpoint whose VMId stands in braces is this VM's: it is not dropped, and no second one is made beside it."""
    braced = {**POINT, "VMId": f"{{{GUID}}}", "CheckpointID": f"{{{OTHER}}}"}
    (found,) = _on_spf(VirtualMachines=[VM], VMCheckPoints=[braced])["checkpoints"]
    assert (found["id"], found["host_id"]) == (OTHER, OTHER)
    kept = _on_spf("vm_checkpoint", VirtualMachines=[VM], VMCheckPoints=[braced])
    assert (code(kept), kept["changed"]) == (None, False)


@pytest.mark.parametrize(("stamp", "wanted"), [(None, [GUID, OTHER]), (STAMP.upper(), [GUID]), (OTHER, [OTHER])])
def test_a_stamp_narrows_the_whole_scope(stamp: str | None, wanted: list[str]) -> None:
    """The same on a server that lists the VMs of every stamp."""
    machines = [VM, {**VM, "ID": OTHER, "Name": "other", "StampId": OTHER}]
    options = {} if stamp is None else {"spf_stamp_id": stamp}
    sets = {"VirtualMachines": machines, "VMCheckPoints": [POINT]}
    result = _spf("vm_checkpoint_info", sets, scope="spf", **options)
    assert [each["vm_id"] for each in result["vms"]] == wanted


@pytest.mark.parametrize("module", ["vm_checkpoint", "vm_checkpoint_restore", "vm_checkpoint_info"])
@pytest.mark.parametrize(
    ("sets", "wanted"),
    [
        ({"VirtualMachines": [VM], "VMCheckPoints": [POINT, POINT]}, "bad_answer"),
        ({"VirtualMachines": [VM], "VMCheckPoints": [{**POINT, "ID": 5}]}, "bad_answer"),
        ({"VirtualMachines": [VM], "VMCheckPoints": [{**POINT, "AddedTime": "yesterday"}]}, "bad_answer"),
        ({"VirtualMachines": [{**VM, "ID": "no guid"}], "VMCheckPoints": []}, "bad_answer"),
        ({"VirtualMachines": [{**VM, "StampId": "x' or 'y"}], "VMCheckPoints": []}, "bad_answer"),
        ({"VirtualMachines": [VM], "VMCheckPoints": [{**POINT, "ID": "no guid"}]}, "bad_answer"),
        ({"VirtualMachines": [VM], "VMCheckPoints": [{**POINT, "AddedTime": 7}]}, "bad_answer"),
        ({"VirtualMachines": [VM], "VMCheckPoints": [POINT] * 2001}, "bad_answer"),
        ({"VirtualMachines": [{**VM, "StampId": None}], "VMCheckPoints": []}, "forbidden"),
        ({"VirtualMachines": [{**VM, "StampId": None}], "Clouds": [], "VMCheckPoints": []}, "invalid_input"),
        ({"VirtualMachines": [VM]}, "forbidden"),
        ({"VirtualMachines": []}, "not_found"),
    ],
)
def test_odd_answers_of_spf(module: str, sets: dict[str, Any], wanted: str) -> None:
    result = _on_spf(module, **sets)
    assert code(result) == wanted
    assert result["changed"] is False


@pytest.mark.parametrize("module", ["vm_checkpoint", "vm_checkpoint_restore", "vm_checkpoint_info"])
@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"infrastructureProfile": None},
        {"infrastructureProfile": {}},
        {"infrastructureProfile": {"checkpoints": None}},
        {"infrastructureProfile": {"checkpoints": {}}},
        {"infrastructureProfile": {"checkpoints": [{"name": None}]}},
        {"infrastructureProfile": {"checkpoints": [{"checkpointID": "", "name": ""}]}},
        {"infrastructureProfile": {"checkpoints": [{"checkpointID": GUID}, {"checkpointID": GUID}]}},
    ],
    ids=str,
)
def test_odd_answers_of_arc(module: str, properties: dict[str, Any]) -> None:
    """An unreadable list is never an empty one: nothing is made because nothing was seen."""
    result = _on_arc(module, **properties)
    assert code(result) == "bad_answer"
    assert result["changed"] is False


@pytest.mark.parametrize("link", ["http://[", "https://[::1", "//[x]/"])
def test_a_next_link_that_is_none(link: str) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return json_answer({"value": [], "odata.nextLink": link})

    connection: dict[str, Any] = {"spf_url": "https://spf.example/root"}
    connection |= {"spf_username": "u", "spf_password": "long and secret"}
    result = module_on("vm_checkpoint_info", answer, scope="spf", **connection)
    assert code(result) == "bad_answer"
    assert "no URL" in result["msg"]


def test_a_job_s_progress_is_a_percentage_or_nothing() -> None:
    for progress, shown in ((0, 0), (100, 100), (-1, None), (101, None), (10**30, None), (None, None)):
        assert JobEntity(ID=GUID, ProgressValue=progress).status(None).percent == shown


def test_an_entity_that_is_gone_when_a_put_reads_it() -> None:
    lab = make_lab("spf")
    lab.world.faults.add(kind="status", status=404, method="GET", path=r"VMCheckPoints\(ID")
    result = lab.run("vm_checkpoint", vm="web01", name="later", description="described", spf_update_method="put")
    assert code(result) == "not_found"
    assert lab.writes() == 0


def _vm(lab: Lab, service: str) -> str:
    return VMS[service] if service == "spf" else lab.arm_vm


@pytest.mark.parametrize("service", SERVICES)
def test_what_was_made_and_is_gone_again(service: str) -> None:
    """Somebody deletes it as soon as it is there: the success of the job is not taken for a checkpoint."""
    lab = make_lab(service)
    vm = lab.world.vm(VMS[service])

    def remove() -> None:
        vm.checkpoints = [point for point in vm.checkpoints if point.name != "new"]

    lab.before_each(lambda _request: any(point.name == "new" and point.made for point in vm.checkpoints), remove)
    result = lab.run("vm_checkpoint", vm=_vm(lab, service), name="new")
    assert code(result) == "not_proven"
    assert result["changed"] is True
    assert result["error"]["retry"] == "after_reading"
    assert lab.seconds < 180


@pytest.mark.parametrize("service", SERVICES)
def test_a_delete_that_leaves_it_there(service: str) -> None:
    """The job says done and the list still shows it: not proven, and not sent again."""
    lab = make_lab(service)
    vm = lab.world.vm(VMS[service])
    kept = vm.checkpoints[1]

    def put_back(_request: httpx.Request) -> None:
        lab.world.settle()
        if kept not in vm.checkpoints:
            vm.checkpoints.append(kept)

    lab.watch = put_back
    result = lab.run("vm_checkpoint", vm=_vm(lab, service), name="later", state="absent")
    assert code(result) == "not_proven"
    assert lab.writes() == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_restore_that_the_pointer_does_not_show(service: str) -> None:
    """The operation's success is reported, and with it that the VM does not stand where it should."""
    lab = make_lab(service)
    vm = lab.world.vm(VMS[service])
    later = vm.checkpoints[1].checkpoint_id

    def back(_request: httpx.Request) -> None:
        lab.world.settle()
        vm.pointer = later

    lab.watch = back
    result = lab.run("vm_checkpoint_restore", vm=_vm(lab, service), name="baseline")
    assert code(result) in (None, "not_proven")
    assert result["changed"] is True
    assert code(result) or any("does not show the VM on" in text for text in result["warnings"])


@pytest.mark.parametrize("service", SERVICES)
def test_the_deadline_while_a_loss_is_being_settled(service: str) -> None:
    lab = make_lab(service)
    lab.world.faults.add(kind="lose_request", method="POST", path="VMCheckPoints|createCheckpoint")
    result = lab.run("vm_checkpoint", vm=_vm(lab, service), name="new", wait_timeout="20s", settle_time="10m")
    assert code(result) == "outcome_unknown"
    assert lab.seconds <= 21
    lab = make_lab(service)
    lab.world.faults.add(kind="lose_request", method="POST", path="VMCheckPoints|createCheckpoint")
    result = lab.run("vm_checkpoint", vm=_vm(lab, service), name="new", settle_time="0s")
    assert code(result) == "outcome_unknown"
    assert lab.seconds < 5


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", ["truncate", "html"])
def test_an_answer_that_cannot_be_read_names_the_vm_it_was_about(service: str, kind: str) -> None:
    lab = make_lab(service)
    lab.world.faults.add(
        kind=kind, status=200, method="GET", path="VMCheckPoints|virtualMachineInstances/default", count=None
    )
    reference = VMS[service] if service == "spf" else lab.arm_vm
    result = lab.run("vm_checkpoint", vm=reference, name="new")
    assert code(result) == "bad_answer"
    assert result["msg"].count(f"vm {VMS[service]}: ") == 1
    assert lab.arm_vm not in result["msg"]  # the VM goes by one name


@pytest.mark.parametrize("odd", [{"d": None}, {}, [], "null"], ids=str)
def test_an_odd_answer_while_a_restore_runs_is_no_success(odd: Any) -> None:
    """The VM stands on the checkpoint already, so nothing else could tell; and the restore fails."""
    lab = make_lab("scvmm", arc_connector="fails")
    vm = lab.world.vm(VMS["scvmm"])
    place = str(vm.checkpoints[0].checkpoint_id)
    vm.stand(place, place)
    lab.world.faults.add(kind="replace", method="GET", path="operationStatuses", body=odd)
    result = lab.run("vm_checkpoint_restore", vm=lab.arm_vm, name=vm.checkpoints[0].name)
    sent = [request for request in lab.sent() if "restoreCheckpoint" in request.url.path]
    assert (code(result), len(sent)) == ("operation_failed", 1), result.get("msg")
