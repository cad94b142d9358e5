# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many VMs in one task: order, the same VM twice, one that fails, and a sign-in that fails for all."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Lab, Result


def _many(spf: int = 3, scvmm: int = 3, **switches: Any) -> tuple[Lab, list[str]]:
    """A world of numbered VMs and references to all of them, the services taking turns."""
    lab = Lab(**switches)
    lab.world.populate(spf=spf, scvmm=scvmm)
    ours = [f"spf{n:03}" for n in range(1, spf + 1)]
    arcs = [lab.world.machine_uri(f"arc{n:03}") for n in range(1, scvmm + 1)]
    mixed = [each for pair in zip(arcs, ours, strict=False) for each in pair]
    return lab, mixed + arcs[len(ours) :] + ours[len(arcs) :]


def _states(result: Result) -> list[str]:
    return [each["status"] for each in result["vms"]]


def test_mixed_services_in_the_order_given() -> None:
    lab, vms = _many()
    predicted = lab.run("vm_checkpoint", check=True, vms=vms, name="n")
    assert lab.writes() == 0
    assert _states(predicted) == ["changed"] * 6
    result = lab.run("vm_checkpoint", vms=vms, name="n")
    assert code(result) is None
    assert [each["vm"] for each in result["vms"]] == vms
    assert [each["provider"] for each in result["vms"]] == ["scvmm", "spf"] * 3
    assert _states(result) == ["changed"] * 6
    assert result["changed"] is True
    assert (predicted["msg"], result["msg"]) == ("6 VMs: 6 to change.", "6 VMs: 6 changed.")
    assert result["plan"] == predicted["plan"]
    assert [each["vm_id"] for each in result["plan"]["actions"]] == [each["vm_id"].lower() for each in result["vms"]]
    assert len(result["diff"]) == 6
    assert all(each["checkpoint"]["name"] == "n" for each in result["vms"])
    assert all(each["error"] is None for each in result["vms"])
    again = lab.run("vm_checkpoint", vms=vms, name="n")
    assert (again["changed"], _states(again), again["msg"]) == (False, ["unchanged"] * 6, "6 VMs: 6 unchanged.")


def test_only_those_that_need_it_change() -> None:
    lab, vms = _many()
    lab.run("vm_checkpoint", vm=vms[1], name="n")
    result = lab.run("vm_checkpoint", vms=vms, name="n")
    assert _states(result) == ["changed", "unchanged"] + ["changed"] * 4
    assert result["changed"] is True


def test_the_same_vm_twice_in_any_spelling() -> None:
    lab, _vms = _many()
    vm = lab.world.vm("spf001")
    arc = lab.world.machine_uri("arc001")
    for one, other in [
        ("spf001", "SPF001"),
        ("spf001", vm.id.upper()),
        (vm.id, vm.vm_id),
        (arc, arc.upper()),
        (arc, arc + "/providers/Microsoft.ScVmm/virtualMachineInstances/default"),
        (arc, arc + "/"),
    ]:
        result = lab.run("vm_checkpoint", vms=["spf002", one, other], name="n")
        assert code(result) == "invalid_input", (one, other)
        assert one in result["msg"]
        assert other in result["msg"]
    assert lab.writes() == 0


@pytest.mark.parametrize(("on_error", "later"), [("continue", "changed"), ("stop", "not_started")])
def test_one_vm_fails(on_error: str, later: str) -> None:
    lab, vms = _many()
    lab.fail_next("spf", "create", "spf001")
    result = lab.run("vm_checkpoint", vms=vms, name="n", concurrency=1, on_error=on_error)
    assert code(result) == "some_failed"
    assert _states(result) == ["changed", "failed"] + [later] * 4
    failed = result["vms"][1]
    assert failed["error"]["code"] == "operation_failed"
    assert "The disk is full." in failed["error"]["message"]
    assert failed["error"]["operation"]["id"] == failed["operation"]["id"]
    assert result["changed"] is True
    assert "1 of 6 VMs failed" in result["msg"]
    others = "5 changed, 1 failed" if on_error == "continue" else "1 changed, 4 not started, 1 failed"
    assert f"In all: {others}." in result["msg"]
    assert lab.jobs("create") == (5 if on_error == "continue" else 1)


def test_stop_awaits_what_runs() -> None:
    """Two at once: while one fails the other is still being made; it is finished, and the rest is left."""
    lab, vms = _many(spf=4, scvmm=0, create_takes="20s")
    lab.world.faults.add(kind="status", status=400, method="POST", path="VMCheckPoints", nth=1)
    result = lab.run("vm_checkpoint", vms=vms, name="n", concurrency=2, on_error="stop")
    assert sorted(_states(result)) == ["changed", "failed", "not_started", "not_started"]
    assert sum("n" in lab.names(vm) for vm in vms) == 1
    assert lab.seconds >= 20


@pytest.mark.parametrize("on_error", ["continue", "stop"])
def test_a_vm_that_cannot_be_planned(on_error: str) -> None:
    """Stop means before anything is written, too."""
    lab, vms = _many()
    lab.world.vm("spf002").status = "HostNotResponding"
    result = lab.run("vm_checkpoint", vms=vms, name="n", on_error=on_error)
    assert code(result) == "some_failed"
    other = "changed" if on_error == "continue" else "not_started"
    assert _states(result) == [other] * 3 + ["failed"] + [other] * 2
    assert result["vms"][3]["error"]["code"] == "vm_state"
    assert result["changed"] is (on_error == "continue")
    assert (lab.writes() == 0) is (on_error == "stop")


def test_an_open_outcome_is_reported_of_its_vm_only() -> None:
    lab, vms = _many()
    lab.world.faults.add(kind="lose_request", method="POST", path="VMCheckPoints", nth=2)
    result = lab.run("vm_checkpoint", vms=vms, name="n", concurrency=1)
    assert _states(result) == ["changed", "changed", "changed", "outcome_unknown", "changed", "changed"]


def test_a_reference_that_is_wrong_stops_all() -> None:
    lab, vms = _many()
    result = lab.run("vm_checkpoint", vms=[*vms, "nobody"], name="n")
    assert code(result) == "not_found"
    assert "nobody" in result["msg"]
    assert "vms" not in result
    assert lab.writes() == 0


@pytest.mark.parametrize("option", [{"spf_password": "wrong"}, {"spf_auth": "bearer", "spf_token": "wrong"}])
def test_a_wrong_password_is_tried_once(option: dict[str, Any]) -> None:
    """Accounts lock: a dozen VMs are one attempt."""
    lab, vms = _many(spf=12, scvmm=0)
    result = lab.run("vm_checkpoint", vms=vms, name="n", **option)
    assert code(result) == "sign_in_refused"
    assert result["changed"] is False
    assert len(lab.requests) == 1


def test_a_wrong_secret_is_tried_once() -> None:
    lab, vms = _many(spf=0, scvmm=12)
    result = lab.run("vm_checkpoint", vms=vms, name="n", secret="wrong")
    assert code(result) == "sign_in_refused"
    assert sum("/oauth2/" in request.url.path for request in lab.requests) == 1
    assert "wrong" not in str(result)


def test_a_password_that_is_withdrawn_meanwhile() -> None:
    """What was done stays reported; what comes later is not started, and nobody knocks again and again."""
    lab, vms = _many(spf=6, scvmm=0)

    def withdraw() -> None:
        lab.world.credentials.spf_password = "changed meanwhile"

    lab.before_first(lab.nth_write(2, "POST"), withdraw)
    result = lab.run("vm_checkpoint", vms=vms, name="n", concurrency=1)
    assert code(result) == "some_failed"
    assert _states(result)[0] == "changed"
    assert set(_states(result)[2:]) == {"not_started"}
    assert result["vms"][1]["error"]["code"] == "sign_in_refused"
    refused = [each for each in lab.world.journal.entries if each.status == 401]
    assert len(refused) == 1
    assert result["changed"] is True


@pytest.mark.parametrize("concurrency", [1, 3, 64])
def test_no_more_at_once_than_asked(concurrency: int) -> None:
    lab, vms = _many(spf=5, scvmm=5, create_takes="30s")
    most = 0

    def count(_request: httpx.Request) -> None:
        nonlocal most
        jobs = [job for site in (lab.world.spf, lab.world.arc) for job in site.vmm.jobs.values()]
        most = max(most, sum(job.running for job in jobs))

    lab.watch = count
    result = lab.run("vm_checkpoint", vms=vms, name="n", concurrency=concurrency)
    assert code(result) is None
    assert most == min(concurrency, 10)


@pytest.mark.slow
def test_where_nobody_asks_each_service_begins_with_what_it_takes() -> None:
    """Behind one address VMs of VMM's and Azure's, each at its own level; none of the creates has ended yet."""
    lab = Lab(arm_buckets=0.0, create_takes="40s", compute_point_takes="40s")
    lab.world.populate(scvmm=40, compute=110)
    vms = [lab.world.machine_uri(f"arc{n:03}") for n in range(1, 41)]
    vms += [lab.world.azure.named(f"azure{n:03}").id for n in range(1, 111)]
    began, begun = lab.clock(), list[str]()

    def count(request: httpx.Request) -> None:
        early = lab.clock() - began < 35
        if early and "/restorepoints/" in request.url.path.lower() and request.method == "PUT":
            begun.append("compute")
        if early and request.url.path.endswith("/createCheckpoint"):
            begun.append("scvmm")

    lab.watch = count
    assert code(lab.run("vm_checkpoint", vms=vms, name="n", poll_interval="20s")) is None
    assert Counter(begun) == {"scvmm": 32, "compute": 100}


def test_delete_and_restore_of_many() -> None:
    lab, vms = _many()
    for vm in ("spf001", "arc001"):
        lab.world.vm(vm).files["/etc/app.conf"] = "broken"
    result = lab.run("vm_checkpoint_restore", vms=vms, name="baseline")
    assert (code(result), _states(result)) == (None, ["changed"] * 6)
    assert {lab.world.vm(vm).files["/etc/app.conf"] for vm in ("spf001", "arc001")} == {"version = 1\n"}
    result = lab.run("vm_checkpoint", vms=vms, name="baseline", state="absent")
    assert (code(result), _states(result)) == (None, ["changed"] * 6)
    assert lab.names("spf003") == lab.names("arc003") == []


def test_a_task_has_one_deadline() -> None:
    lab, vms = _many(spf=3, scvmm=0, create_takes="never")
    result = lab.run("vm_checkpoint", vms=vms, name="n", concurrency=1, wait_timeout="90s")
    assert lab.seconds <= 91
    assert code(result) == "some_failed"
    assert result["vms"][0]["error"]["code"] == "timed_out"
    assert len(lab.sent("POST")) <= 3


def test_a_password_that_is_withdrawn_before_anything_is_changed() -> None:
    """It concerns all VMs: reported once for the whole task."""
    lab, vms = _many(spf=5, scvmm=0)

    def withdraw() -> None:
        lab.world.credentials.spf_password = "changed meanwhile"

    lab.before_first(lambda _request: len(lab.requests) == 3, withdraw)
    result = lab.run("vm_checkpoint", vms=vms, name="n", concurrency=1)
    assert code(result) == "sign_in_refused"
    assert (result["changed"], lab.writes(), len(lab.requests)) == (False, 0, 3)
