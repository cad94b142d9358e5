# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_checkpoint_info: one, many, or a whole scope; filters; one shape for every service."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import SERVICES, VMS, code, make_lab
from tests.support.lab import Lab, Result


def _info(lab: Lab, **options: Any) -> Result:
    result = lab.run("vm_checkpoint_info", **options)
    assert lab.writes() == 0
    assert result["changed"] is False
    return result


def _names(result: Result) -> list[str]:
    return [each["name"] for each in result["checkpoints"]]


def test_one_shape_for_every_service() -> None:
    lab = Lab()
    result = _info(lab, vms=["web01", lab.arm_vm])
    assert code(result) is None
    web, app = result["checkpoints"]
    assert set(web) == set(app)
    assert (web["provider"], app["provider"]) == ("spf", "scvmm")
    assert web["created"] == "2026-11-08T11:30:00Z"
    assert web["age_seconds"] == 12 * 86_400
    assert (app["created"], app["age_seconds"]) == (None, None)
    for each in (web, app):
        assert (each["name"], each["parent_id"], each["depth"], each["current"]) == ("baseline", None, 1, True)
        assert (each["usable"], each["managed"], each["mark"]) == (True, False, None)
    assert [(each["vm"], each["power"], each["checkpoint_count"]) for each in result["vms"]] == [
        ("web01", "on", 1),
        (lab.arm_vm, "on", 1),
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_the_tree(service: str) -> None:
    lab = make_lab(service)
    vm = VMS[service] if service == "spf" else lab.arm_vm
    world = lab.world.vm(VMS[service])
    world.pointer = world.checkpoints[0].checkpoint_id
    first, second = _info(lab, vm=vm)["checkpoints"]
    assert (first["current"], second["current"]) == (True, False)
    assert (second["parent_id"], second["depth"]) == (first["id"], 2)
    # The root: SPF names the VM's own id; Arc names nothing, and what that means beside checkpoints nobody knows.
    world.pointer = world.vm_id
    on_none = "elsewhere" if service == "spf" else "unknown"
    assert [each["position"] for each in _info(lab, vm=vm)["checkpoints"]] == [on_none, on_none]
    world.pointer = "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"
    assert [(each["current"], each["position"]) for each in _info(lab, vm=vm)["checkpoints"]] == [
        (False, "unknown")
    ] * 2


@pytest.mark.parametrize("service", SERVICES)
def test_filters(service: str) -> None:
    lab = make_lab(service)
    vm = VMS[service] if service == "spf" else lab.arm_vm
    lab.run("vm_checkpoint", vm=vm, name="new", description="ours")
    lab.requests.clear()
    lab.advance(3600)
    aged = service == "spf"
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["baseline", "later", "new"]),
        ({"name": "later"}, ["later"]),
        ({"name": "LATER"}, []),
        ({"managed": True}, ["new"]),
        ({"managed": False}, ["baseline", "later"]),
        ({"younger_than": "2h"}, ["new"]),
        ({"older_than": "5d"}, ["baseline"] if aged else []),
        ({"older_than": "1m", "younger_than": "5d"}, ["later", "new"] if aged else ["new"]),
    ]
    for options, wanted in cases:
        result = _info(lab, vm=vm, **options)
        assert _names(result) == wanted, options
        warned = not aged and bool({"older_than", "younger_than"} & set(options))
        warnings = ["2 checkpoints of unknown age were left out, of app01"] if warned else []
        assert [text.partition(": ")[2].partition(";")[0] for text in result.get("warnings", [])] == warnings, options
    assert "warnings" not in _info(lab, vm=vm, managed=True, younger_than="2h")
    if not aged:
        (warning,) = _info(lab, vm=vm, name="later", younger_than="5d")["warnings"]
        assert "1 checkpoint of unknown age was left out, of app01; it may be older or younger." in warning
    (new,) = _info(lab, vm=vm, managed=True)["checkpoints"]
    assert (new["description"], new["managed"]) == ("ours", True)
    assert new["mark"]["created"].startswith("2026-11-20T11:30")


@pytest.mark.parametrize("paging", ["off", "absolute", "relative"])
def test_a_whole_tenant(paging: str) -> None:
    """Two lists however many VMs there are, page by page where the server cuts them."""
    lab = Lab(spf_paging=paging, spf_page_size=3)
    lab.world.populate(spf=7)
    result = _info(lab, scope="spf")
    assert code(result) is None
    assert [each["name"] for each in result["vms"]] == [f"spf{n:03}" for n in range(1, 8)]
    assert _names(result) == ["baseline"] * 7
    machines = {vm.id: vm.name for vm in lab.world.spf.vmm.vms}
    assert [(each["vm_id"], each["vm_name"]) for each in result["checkpoints"]] == list(machines.items())
    assert len(lab.requests) == (2 if paging == "off" else 6)


def test_many_vms_with_checkpoints_of_unknown_age_are_reported_in_one_warning() -> None:
    lab = Lab()
    lab.world.populate(scvmm=8)
    (warning,) = _info(lab, scope="scvmm", older_than="1d", younger_than="9d")["warnings"]
    assert warning.startswith(
        "older_than and younger_than: 8 checkpoints of unknown age were left out, of arc001, arc002, "
    )
    assert "arc005 and 3 more;" in warning


@pytest.mark.parametrize("size", [0, 1, 3])
def test_a_whole_subscription(size: int) -> None:
    """The hybrid machines of kind SCVMM only; others are no VMs of ours."""
    lab = Lab(arc_page_size=size)
    result = _info(lab, scope="scvmm")
    assert code(result) is None
    assert sorted(each["name"] for each in result["vms"]) == ["app01", "app02"]
    assert _names(result) == ["baseline", "baseline"]
    group = lab.world.arc.resource_group
    assert len(_info(lab, scope="scvmm", resource_group=group.upper())["vms"]) == 2
    assert code(_info(lab, scope="scvmm", resource_group="elsewhere")) in (None, "not_found")


def test_a_scope_with_a_vm_that_cannot_be_read() -> None:
    """The others are shown; the one that failed is named, and the task fails."""
    lab = Lab()
    lab.world.faults.add(kind="status", status=400, path="machines/app01/providers", count=None)
    result = _info(lab, scope="scvmm")
    assert code(result) == "some_failed"
    assert _names(result) == ["baseline"]
    assert [bool(each["error"]) for each in result["vms"]] == [True, False]
    alone = _info(lab, vms=[lab.world.machine_uri("app02"), "web01"])
    assert code(alone) is None


@pytest.mark.parametrize(
    "options",
    [
        {"scope": "spf", "vm": "web01"},
        {"scope": "spf", "resource_group": "g"},
        {"resource_group": "g", "vm": "web01"},
        {"scope": "elsewhere"},
        {"scope": "scvmm", "resource_group": "a/b"},
        {"scope": "scvmm", "subscription_id": None},
        {"vm": "web01", "older_than": "a while"},
        {},
    ],
    ids=str,
)
def test_bad_questions(options: dict[str, Any]) -> None:
    lab = Lab()
    assert code(_info(lab, **options)) == "invalid_input"


def test_a_failed_sign_in_fails_once() -> None:
    lab = Lab()
    lab.world.populate(scvmm=5)
    lab.world.switches.set("token_lifetime", 1)
    assert code(_info(lab, scope="scvmm", secret="wrong")) == "sign_in_refused"
    assert code(_info(lab, scope="spf", spf_password="wrong")) == "sign_in_refused"


def test_lists_that_never_end() -> None:
    """A next link that leads in circles, or elsewhere, is refused."""
    lab = Lab()
    for link in ("VirtualMachines", "https://elsewhere.example/VirtualMachines", 7):
        lab.world.faults.clear()
        body: dict[str, Any] = {"value": [], "odata.nextLink": link}
        lab.world.faults.add(kind="replace", path="VirtualMachines", count=None, body=body)
        assert code(_info(lab, scope="spf")) == "bad_answer", link
    assert all(request.url.host == "simulator.test" for request in lab.requests)
    lab.world.faults.clear()
    for link in ("https://elsewhere.example/machines", "/relative", lab.connection["cloud_environment"] + "/x y"):
        lab.world.faults.add(kind="replace", path="HybridCompute/machines\\?", body={"value": [], "nextLink": link})
        assert code(_info(lab, scope="scvmm")) in ("bad_answer", "not_found"), link
    assert all(request.url.host == "simulator.test" for request in lab.requests)


def test_a_password_that_is_withdrawn_meanwhile() -> None:
    """Reported once, and the VMs that are still to be read do not try it as well."""
    lab = Lab()
    lab.world.populate(spf=8)

    def withdraw() -> None:
        lab.world.credentials.spf_password = "changed meanwhile"

    lab.before_first(lambda _request: len(lab.requests) == 5, withdraw)
    result = _info(lab, vms=[f"spf{n:03}" for n in range(1, 9)], concurrency=1)
    assert code(result) == "sign_in_refused"
    assert len(lab.requests) == 5
