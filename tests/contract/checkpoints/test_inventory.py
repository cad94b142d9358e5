# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory plugin reads: the VMs of all three services, and what there is of each one's checkpoints."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Lab, Result

ALL = ["spf", "scvmm", "compute"]


def _read(lab: Lab, *services: str, **options: Any) -> Result:
    lab.requests.clear()
    result = lab.run("inventory", services=list(services), **options)
    assert (lab.writes(), result["changed"]) == (0, False)
    return result


def _names(result: Result) -> list[str]:
    return [each["name"] for each in result["rows"]]


def _by_name(result: Result) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in result["rows"]}


def test_one_row_for_each_vm_of_every_service() -> None:
    lab = Lab()
    result = _read(lab, *ALL)
    assert _names(result) == ["web01", "db01", "gold-image", "app01", "app02", "shop01", "shop02"]
    assert {tuple(each) for each in result["rows"]} == {tuple(result["rows"][0])}
    web, app, shop = (_by_name(result)[name] for name in ("web01", "app01", "shop01"))
    assert web["vm"] == web["vm_id"] == lab.world.vm("web01").id
    assert (app["vm"], shop["vm"]) == (lab.arm_vm, lab.azure_vm)
    assert [each["provider"] for each in (web, app, shop)] == ALL
    assert (web["count"], web["usable_count"], web["newest"], web["newest_age_seconds"]) == (
        1,
        1,
        "baseline",
        12 * 86_400,
    )
    assert (app["count"], app["usable_count"], app["newest"], app["newest_age_seconds"]) == (1, 1, None, None)
    assert (shop["count"], shop["usable_count"], shop["newest"]) == (0, 0, None)
    assert (app["resource_group"], shop["resource_group"]) == (lab.world.arc.resource_group, "rg-shop")
    assert [each["power"] for each in (web, app, shop)] == ["on"] * 3
    assert _by_name(result)["gold-image"]["refuses"] == "Stored"
    assert "warnings" not in result


def test_what_it_says_of_a_vm_is_what_vm_takes() -> None:
    lab = Lab()
    for each in _read(lab, *ALL)["rows"]:
        if each["refuses"] is None:
            result = lab.run("vm_checkpoint", vm=each["vm"], name="nightly", max_age="1h")
            assert code(result) is None
    lab.advance(600)
    fresh = {each["name"]: each["newest_age_seconds"] for each in _read(lab, *ALL)["rows"] if each["refuses"] is None}
    assert all(600 <= age < 1800 for age in fresh.values()), fresh


@pytest.mark.parametrize("service", ALL)
def test_how_many_requests_it_takes(service: str) -> None:
    lab = Lab()
    lab.world.populate(spf=9, scvmm=9, compute=9)
    most = {"spf": 2, "scvmm": 1 + 9, "compute": 1 + 2 * 9}[service]
    assert len(_read(lab, service)["rows"]) == 9
    assert (
        len([each for each in lab.requests if "/oauth2/" not in each.url.path and "/metadata/" not in each.url.path])
        <= most
    )
    named = _read(lab, service, checkpoints=False)["rows"]
    assert (
        len([each for each in lab.requests if "/machines/" in each.url.path or "/virtualMachines/" in each.url.path])
        == 0
    )
    assert {each["status"] for each in named} == {"read" if service == "spf" else "not_read"}


def test_filters_come_before_the_reading() -> None:
    lab = Lab()
    lab.world.populate(scvmm=5, compute=5)
    lab.world.azure.named("azure002").tags = {"Env": "prod"}
    result = _read(lab, "scvmm", "compute", include=["*1", "*2", "*3"], exclude=["arc003"])
    assert _names(result) == ["arc001", "arc002", "azure001", "azure002", "azure003"]
    assert len([each for each in lab.requests if "virtualMachineInstances" in each.url.path]) == 2
    (tagged,) = _read(lab, "scvmm", "compute", tags={"env": "prod"})["rows"]
    assert (tagged["name"], tagged["tags"]) == ("azure002", {"Env": "prod"})
    assert len([each for each in lab.requests if "/virtualMachines/" in each.url.path]) == 1


def test_groups_and_subscriptions_are_listed_one_by_one_and_a_vm_is_there_once() -> None:
    lab = Lab()
    group, subscription = lab.world.arc.resource_group, lab.world.arc.subscription_id
    two = _read(
        lab, "scvmm", "compute", resource_groups=[group, "rg-shop"], subscription_id=None, subscriptions=[subscription]
    )
    assert _names(two) == ["app01", "app02", "shop01", "shop02"]
    assert _names(_read(lab, "scvmm", "compute", resource_groups=[group.upper()])) == ["app01", "app02"]
    assert code(_read(lab, "compute", subscriptions=["0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"])) == "not_found"
    assert code(_read(lab, "compute", resource_groups=["rg-nowhere"])) in ("not_found", None)


@pytest.mark.parametrize("service", ["scvmm", "compute"])
def test_a_vm_that_cannot_be_read_stays_with_its_error(service: str) -> None:
    lab = Lab()
    name = {"scvmm": "app01", "compute": "shop01"}[service]
    lab.world.faults.add(kind="status", status=403, path=f"achines/{name}", count=None)
    result = _read(lab, service)
    assert code(result) is None
    broken, fine = result["rows"]
    assert (broken["status"], broken["error"]["code"], broken["count"]) == ("failed", "forbidden", None)
    assert (fine["status"], fine["error"]) == ("read", None)
    (message,) = result["warnings"]
    assert message.startswith("1 of 2 VMs could not be read; the errors are in checkpoint_error. The first: ")
    assert f"reading vm {name}: forbidden (403)" in message


@pytest.mark.parametrize("service", ALL)
def test_a_list_that_cannot_be_read_is_an_error(service: str) -> None:
    lab = Lab()
    path = {"spf": "VirtualMachines", "scvmm": r"machines\?", "compute": r"virtualMachines\?"}[service]
    lab.world.faults.add(kind="status", status=403, path=path, count=None)
    result = _read(lab, *ALL)
    assert code(result) == "forbidden"
    assert "rows" not in result


def test_a_wrong_password_is_tried_once() -> None:
    lab = Lab()
    assert code(_read(lab, "spf", spf_password="wrong")) == "sign_in_refused"
    assert len(lab.requests) == 1
    lab.world.populate(scvmm=5)
    assert code(_read(lab, "scvmm", "compute", secret="wrong", resource_groups=["a", "b", "c"])) == "sign_in_refused"
    assert len([each for each in lab.requests if each.url.path.endswith("/token")]) == 1


def test_clocks_that_disagree_are_told_once_for_a_service() -> None:
    lab = Lab()
    lab.world.populate(spf=5, scvmm=5)
    lab.world.switches.set("date_skew", 600.0)
    message = _read(lab, "spf", "scvmm")["warnings"]
    assert [text.partition(" is ")[0] for text in message] == [
        f"vm {name}: the service's clock (its Date header)" for name in ("spf001", "arc001")
    ]


def test_wrong_options_are_named_before_anything_is_sent() -> None:
    lab = Lab()
    wrong: list[dict[str, Any]] = [{"tags": {}}, {"concurrency": 0}, {"wait_timeout": "soon"}, {"fresh_within": "1"}]
    for options in wrong:
        assert code(_read(lab, "compute", **options)) == "invalid_input", options
        assert lab.requests == []
    assert code(_read(lab, "compute", subscription_id=None)) == "invalid_input"
