# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the user wrote to one VM: by name, by either id, by ARM id; never a guess."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.documents.seeding import plant
from tests.contract.checkpoints.scenarios import code, make_lab
from tests.contract.compute.azure_harness import DOCUMENT, HOME
from tests.support.lab import Lab

NOBODY = "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"


def test_by_name_or_either_id() -> None:
    lab = Lab()
    vm = lab.world.vm("web01")
    for reference in ("web01", "WEB01", vm.id, vm.id.upper(), vm.vm_id, vm.vm_id.upper()):
        result = lab.run("vm_checkpoint_info", vm=reference)
        assert code(result) is None, reference
        assert result["vms"][0]["vm_id"] == vm.id
        assert result["vms"][0]["vm"] == reference
        assert result["vms"][0]["name"] == "web01"


def test_a_name_that_two_vms_have() -> None:
    lab = Lab()
    other = plant(lab.world.spf.vmm, {"name": "web01"})
    result = lab.run("vm_checkpoint", vm="web01", name="n")
    assert code(result) == "ambiguous"
    assert other.id in result["msg"]
    assert lab.world.vm("web01").id in result["msg"]
    assert lab.writes() == 0
    assert code(lab.run("vm_checkpoint", vm=other.id, name="n")) is None


def test_an_id_that_two_vms_have() -> None:
    """Two stored copies share the hypervisor's id; VMM's own id goes first, and is nobody else's."""
    lab = Lab()
    vm = lab.world.vm("web01")
    plant(lab.world.spf.vmm, {"name": "copy", "vm_id": vm.vm_id, "power": "Stored"})
    result = lab.run("vm_checkpoint_info", vm=vm.vm_id)
    assert code(result) == "ambiguous"
    assert "VMId" in result["msg"]
    trap = plant(lab.world.spf.vmm, {"name": "trap", "vm_id": vm.id})
    result = lab.run("vm_checkpoint_info", vm=vm.id)
    assert result["vms"][0]["name"] == "web01"
    assert trap.id != vm.id


@pytest.mark.parametrize("name", ["it's", "a b", "näme", "50% & more", "x' or Name ne '", "#1?", "(1)", "+plus+"])
def test_names_that_need_quoting(name: str) -> None:
    lab = Lab()
    vm = plant(lab.world.spf.vmm, {"name": name})
    result = lab.run("vm_checkpoint_info", vm=name)
    assert code(result) is None
    assert result["vms"][0]["vm_id"] == vm.id


@pytest.mark.parametrize(
    ("reference", "wanted"),
    [
        ("nobody", "not_found"),
        (NOBODY, "not_found"),
        ("", "invalid_input"),
        ("  ", "invalid_input"),
        ("web\n01", "invalid_input"),
        ("x" * 2000, "invalid_input"),
        ("/subscriptions/x", "invalid_input"),
        (f"/subscriptions/{NOBODY}/resourceGroups/g/providers/Microsoft.Other/things/x", "invalid_input"),
        ("/subscriptions/nonsense/resourceGroups/g/providers/Microsoft.HybridCompute/machines/x", "invalid_input"),
        ("/subscriptions/../resourceGroups/g/providers/Microsoft.HybridCompute/machines/x", "invalid_input"),
    ],
)
def test_what_is_no_vm(reference: str, wanted: str) -> None:
    lab = Lab()
    for module in ("vm_checkpoint", "vm_checkpoint_restore", "vm_checkpoint_info"):
        result = lab.run(module, vm=reference, name="baseline")
        assert code(result) == wanted
    assert lab.writes() == 0


def test_arm_ids_in_every_spelling() -> None:
    lab = Lab()
    plain = lab.arm_vm
    for reference in (
        plain,
        plain.upper(),
        plain.lower(),
        plain + "/",
        plain + "/providers/Microsoft.ScVmm/virtualMachineInstances/default",
        plain + "/PROVIDERS/microsoft.scvmm/virtualmachineinstances/DEFAULT",
    ):
        result = lab.run("vm_checkpoint_info", vm=reference)
        assert code(result) is None, reference
        assert len(result["checkpoints"]) == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("app99", ["no such hybrid machine in resource group rg-hybrid", "Check the name and the resource group"]),
        ("bare01", ["no VM of Arc-enabled SCVMM", "Enable the VM in Azure"]),
    ],
)
def test_a_machine_without_an_instance(name: str, says: list[str]) -> None:
    """No such machine, or one that SCVMM does not know: both are reported, and neither is an empty list."""
    lab = Lab()
    for state in ("present", "absent"):
        result = lab.run("vm_checkpoint", vm=lab.world.machine_uri(name), name="n", state=state)
        assert code(result) == "not_found"
        for part in (name, "scope: scvmm and resource_group: rg-hybrid lists the VMs there", *says):
            assert part in result["msg"]


def test_an_unknown_resource_group_is_distinguished_from_an_unknown_machine() -> None:
    lab = Lab()
    result = lab.run("vm_checkpoint_info", vm=lab.arm_vm.replace("rg-hybrid", "rg-elsewhere"))
    assert code(result) == "not_found"
    assert "no resource group rg-elsewhere in subscription" in result["msg"]
    assert "scope: scvmm lists the subscription's VMs" in result["msg"]
    listed = lab.run("vm_checkpoint_info", scope="scvmm", resource_group="rg-elsewhere")
    assert code(listed) == "not_found"
    assert "Check resource_group and subscription_id." in listed["msg"]
    stranger = lab.run("vm_checkpoint_info", scope="scvmm", subscription_id=NOBODY)
    assert "Check subscription_id." in stranger["msg"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"vms": ["web01", ""]}, "vms, element 2 of 2: is empty"),
        ({"vms": ["web01", "\t", "db01"]}, "vms, element 2 of 3: is empty"),
        ({"vms": [" web01"]}, 'vms, element 1 of 1: " web01" begins or ends with white space'),
        ({"vm": " web01 "}, 'vm: " web01 " begins or ends with white space'),
        ({"vm": ""}, "vm: is empty"),
        ({"vms": ["web01", "a\nb"]}, "vms, element 2 of 2: is longer than 1024 characters or holds control characters"),
    ],
    ids=str,
)
def test_a_reference_that_is_none_is_reported_with_its_place(options: dict[str, Any], says: str) -> None:
    lab = Lab()
    for module in ("vm_checkpoint", "vm_checkpoint_restore"):
        result = lab.run(module, name="n", **options)
        assert code(result) == "invalid_input"
        assert says in result["msg"]
    assert not lab.requests


def test_exactly_one_of_vm_and_vms() -> None:
    lab = Lab()
    bad: list[dict[str, Any]] = [{}, {"vm": "web01", "vms": ["db01"]}, {"vm": ""}, {"vms": [""]}]
    for given in bad:
        result = lab.run("vm_checkpoint", name="n", **given)
        assert code(result) == "invalid_input"
    assert not lab.requests


@pytest.mark.parametrize("module", ["vm_checkpoint", "vm_checkpoint_restore", "vm_checkpoint_info"])
@pytest.mark.parametrize("check", [True, False])
def test_an_empty_list_of_vms_is_no_vm_and_never_the_whole_scope(module: str, check: bool) -> None:
    lab = Lab()
    named: dict[str, Any] = {} if module == "vm_checkpoint_info" else {"name": "n"}
    result = lab.run(module, check=check, vms=[], **named)
    assert (code(result), result["changed"], result["vms"]) == (None, False, [])
    assert result["warnings"] == ["vms is empty: there is nothing to do."]
    assert not lab.requests


def test_an_empty_list_beside_an_approved_plan_is_an_error() -> None:
    lab = make_lab("spf")
    plan = lab.run("vm_checkpoint", check=True, vms=["web01"], name="n")["plan"]
    lab.requests.clear()
    result = lab.run("vm_checkpoint", vms=[], name="n", expected_plan=plan)
    assert (code(result), lab.requests) == ("invalid_input", [])


NARROWING = [
    ("vm_checkpoint", "name"),
    ("vm_checkpoint", "checkpoint_id"),
    ("vm_checkpoint", "max_age"),
    ("vm_checkpoint", "expected_plan"),
    ("vm_checkpoint", "collection"),
    ("vm_checkpoint_restore", "select"),
    ("vm_checkpoint_restore", "restore_key"),
    ("vm_checkpoint_restore", "checkpoint_id"),
    ("vm_checkpoint_info", "name"),
    ("vm_checkpoint_info", "older_than"),
    ("vm_checkpoint_info", "resource_group"),
    ("restore_point", "source_restore_point"),
    ("restore_point_collection", "source"),
    ("restore_point_collection", "location"),
    ("restore_point_collection_info", "source"),
    ("restore_point_collection_info", "resource_group"),
]


@pytest.mark.parametrize(("module", "option"), NARROWING)
def test_an_empty_text_never_widens_what_a_task_touches(module: str, option: str) -> None:
    lab = Lab({"compute": DOCUMENT})
    given: dict[str, dict[str, Any]] = {
        "vm_checkpoint": {"vm": lab.azure_vm if option == "collection" else "web01", "name": "n"},
        "vm_checkpoint_restore": {"vm": "web01", "name": "n"},
        "vm_checkpoint_info": {"vm": "web01"},
        "restore_point": {"name": "p", "collection": HOME, "resource_group": "rg-shop"},
        "restore_point_collection": {"name": HOME, "resource_group": "rg-shop", "state": "absent"},
        "restore_point_collection_info": {},
    }
    result = lab.run(module, **{**given[module], option: ""})
    assert (code(result), result["changed"], lab.writes()) == ("invalid_input", False, 0)
    assert f"{option}: is empty." in result["msg"]
    assert "| default(omit, true)" in result["msg"]


def test_an_unanswered_connection_option_is_one_that_was_not_given() -> None:
    lab = make_lab("spf")
    empty: dict[str, Any] = dict.fromkeys(
        ("spf_stamp_id", "spf_token", "spf_principal_id", "tenant", "access_token", "ca_path"), ""
    )
    result = lab.run("vm_checkpoint", vm="web01", name="new", description="", **empty)
    assert (code(result), result["changed"]) == (None, True)
    url = lab.connection["spf_url"]
    assert code(lab.run("vm_checkpoint_info", vm="web01", spf_url="", environ={"SPF_URL": url})) is None


@pytest.mark.parametrize("service", ["scvmm", "compute"])
def test_an_unknown_subscription_says_nothing_of_a_machine(service: str) -> None:
    lab = Lab()
    vm = lab.azure_vm if service == "compute" else lab.arm_vm
    result = lab.run("vm_checkpoint", vm=vm.replace(vm.split("/")[2], NOBODY), name="n")
    assert code(result) == "not_found"
    assert f"vm {vm.rpartition('/')[2]}: no subscription {NOBODY}, or it is hidden from" in result["msg"]
    assert "Check the subscription in the id" in result["error"]["remedy"]


def test_an_unknown_subscription_in_a_list_ends_the_task_before_anything_is_made() -> None:
    """As any wrong name in a list does: it is a mistake in the task."""
    lab = make_lab("scvmm")
    wrong = lab.arm_vm.replace(lab.world.arc.subscription_id, NOBODY)
    result = lab.run("vm_checkpoint", vms=[lab.arm_vm, wrong], name="new")
    assert (code(result), lab.writes()) == ("not_found", 0), result["msg"]
    assert f"vm app01: no subscription {NOBODY}, or it is hidden from" in result["msg"]
    assert "machine" not in result["error"]["message"]


@pytest.mark.parametrize("service", ["scvmm", "compute"])
@pytest.mark.parametrize("missing", ["group", "vm"])
def test_what_of_an_arm_id_is_missing_is_said_with_the_request(service: str, missing: str) -> None:
    lab = Lab()
    vm = lab.azure_vm if service == "compute" else lab.arm_vm
    place = 4 if missing == "group" else 8
    parts = vm.split("/")
    group, parts[place] = parts[4], "nobody"
    result = lab.run("vm_checkpoint", vm="/".join(parts), name="n")
    assert code(result) == "not_found"
    if missing == "group":
        assert f": no resource group nobody in subscription {parts[2]}, or it is hidden from" in result["msg"]
        assert f"vm_checkpoint_info with scope: {service} lists" in result["error"]["remedy"]
    else:
        assert f" in resource group {group}, or it is hidden from" in result["msg"]
        assert f"scope: {service} and resource_group: {group} lists the VMs there" in result["error"]["remedy"]
    assert result["error"]["status"] == 404
    assert result["error"]["request_id"] in result["msg"]


def test_a_name_that_only_arc_or_azure_knows_learns_how_they_are_given() -> None:
    result = make_lab("spf").run("vm_checkpoint", vm="app01", name="n")
    assert code(result) == "not_found"
    assert "VMs of Arc-enabled SCVMM and of Azure are given by their ARM ids" in result["error"]["remedy"]


@pytest.mark.parametrize("given", [True, False])
def test_the_stamp(given: bool) -> None:
    """Given, it narrows the VMs; not given, each VM tells its own, and the writes' keys hold it."""
    lab = make_lab("spf")
    stamp = lab.world.spf.stamp_id
    options: dict[str, Any] = {"spf_stamp_id": stamp.upper()} if given else {}
    assert code(lab.run("vm_checkpoint", vm="web01", name="later", state="absent", **options)) is None
    (delete,) = lab.sent("DELETE")
    assert f"StampId=guid'{stamp}'" in delete.url.path
    assert any("StampId" in str(request.url) for request in lab.requests if request.method == "GET") is given
    elsewhere = lab.run("vm_checkpoint_info", vm="web01", spf_stamp_id=NOBODY)
    assert code(elsewhere) == "not_found"
