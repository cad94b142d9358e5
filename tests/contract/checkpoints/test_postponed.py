# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM that has to wait, and a service that falls ill, hold up no other VM; what needs all plans waits for all."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest
import trio

from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Lab, Result


class Ill(httpx.AsyncBaseTransport):
    """Arc answers the reading of its first VM, and then with 503, or no more."""

    def __init__(self, wire: httpx.AsyncBaseTransport, *, hangs: bool) -> None:
        self._wire, self._hangs, self._asked = wire, hangs, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "virtualMachineInstances" in request.url.path:
            self._asked += 1
            if self._asked > 1 and self._hangs:
                await trio.sleep_forever()
            if self._asked > 1:
                return httpx.Response(503, request=request)
        return await self._wire.handle_async_request(request)


def _spf(count: int) -> tuple[Lab, list[str]]:
    lab = Lab()
    lab.world.populate(spf=count)
    return lab, [f"spf{n:03}" for n in range(1, count + 1)]


def _ended(result: Result) -> Counter[tuple[str, str, str | None]]:
    return Counter((each["provider"], each["status"], (each["error"] or {}).get("code")) for each in result["vms"])


def test_a_vm_that_another_job_holds_holds_up_no_other() -> None:
    lab, vms = _spf(10)
    lab.world.vm("spf005").status = "CreatingCheckpoint"
    result = lab.run("vm_checkpoint", vms=vms, name="n")
    assert _ended(result) == {("spf", "changed", None): 9, ("spf", "failed", "locked"): 1}


def test_it_is_done_when_the_job_has_ended() -> None:
    lab, vms = _spf(10)
    lab.world.vm("spf005").status = "CreatingCheckpoint"

    def free() -> None:
        lab.world.vm("spf005").status = "Running"

    lab.before_first(lab.nth_write(5), free)
    result = lab.run("vm_checkpoint", vms=vms, name="n")
    assert (code(result), result["msg"]) == (None, "10 VMs: 10 changed.")
    assert lab.names("spf005").count("n") == 1
    assert [each["vm"] for each in result["vms"]] == vms


def test_an_approval_covers_the_vm_that_was_postponed_too() -> None:
    lab, vms = _spf(3)
    approved = lab.run("vm_checkpoint", vms=vms[:2], name="n", check=True)["plan"]
    lab.world.vm("spf003").status = "CreatingCheckpoint"

    def free() -> None:
        lab.world.vm("spf003").status = "Running"

    lab.before_first(lab.nth_write(2), free)
    result = lab.run("vm_checkpoint", vms=vms, name="n", expected_plan=approved)
    assert _ended(result) == {("spf", "changed", None): 2, ("spf", "failed", "plan_changed"): 1}
    assert "n" not in lab.names("spf003")


@pytest.mark.parametrize("more", [{"on_error": "stop"}, {"group": {"order": "given"}}, {"expected_plan": "digest"}])
def test_what_needs_all_plans_waits_for_all(more: dict[str, Any]) -> None:
    lab, vms = _spf(3)
    if "expected_plan" in more:
        more = {"expected_plan": lab.run("vm_checkpoint", vms=vms, name="n", check=True)["plan"]["digest"]}
    lab.world.vm("spf003").status = "CreatingCheckpoint"
    result = lab.run("vm_checkpoint", vms=vms, name="n", **more)
    assert result["vms"][2]["error"]["code"] == "locked"
    assert lab.writes() == 0


@pytest.mark.parametrize("hangs", [True, False])
@pytest.mark.parametrize(("module", "others"), [("vm_checkpoint_info", "read"), ("vm_checkpoint", "changed")])
def test_a_service_that_falls_ill_holds_up_no_other(module: str, others: str, *, hangs: bool) -> None:
    lab = Lab()
    lab.world.populate(spf=10, scvmm=100)
    vms = [lab.world.machine_uri(f"arc{n:03}") for n in range(1, 101)] + [f"spf{n:03}" for n in range(1, 11)]
    lab.through = lambda wire: Ill(wire, hangs=hangs)
    given: dict[str, Any] = {} if module == "vm_checkpoint_info" else {"name": "n"}
    ended = _ended(lab.run(module, vms=vms, **given))
    assert ended["spf", others, None] == 10
    assert ended["scvmm", "failed", "unavailable"] >= 99


def test_a_digest_is_not_replaced_by_one_of_less() -> None:
    """What could not be read is why, and nobody is led to approve the rest instead."""
    lab = Lab()
    lab.world.populate(spf=2, scvmm=2)
    vms = ["spf001", "spf002", *(lab.world.machine_uri(f"arc{n:03}") for n in (1, 2))]
    digest = lab.run("vm_checkpoint", vms=vms, name="n", check=True)["plan"]["digest"]
    lab.world.faults.add(kind="lose_request", path="Odata.svc", count=None)
    result = lab.run("vm_checkpoint", vms=vms, name="n", expected_plan=digest)
    assert code(result) == "some_failed"
    assert [each["status"] for each in result["vms"]] == ["failed"] * 2 + ["not_started"] * 2
    assert "The approved digest is that of all plans together, so nothing was done." in result["msg"]
    assert lab.writes() == 0
