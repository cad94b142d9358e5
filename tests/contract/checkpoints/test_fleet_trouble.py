# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Five answers in a hundred are refused or lost: every VM ends right, and no more is left open than must be."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import httpx
import pytest

from tests.support.lab import Lab

VMS = 500
SHARE = 0.05
TROUBLES = ("unavailable", "request lost", "answer lost")


class Troubled(httpx.AsyncBaseTransport):
    """A wire on which a share of the requests, drawn from a seed, meets trouble; `met` counts it."""

    def __init__(self, wire: httpx.AsyncBaseTransport, seed: int, met: Counter[str]) -> None:
        self._wire = wire
        self._random = Random(seed)
        self._met = met

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        trouble = self._random.choice(TROUBLES) if self._random.random() < SHARE else ""
        self._met[trouble] += 1
        if trouble == "unavailable":
            return httpx.Response(503, headers={"Retry-After": "2"}, request=request)
        if trouble == "request lost":
            raise httpx.ReadError("the connection was reset", request=request)
        response = await self._wire.handle_async_request(request)
        if trouble == "answer lost":
            await response.aclose()
            raise httpx.ReadError("the connection was reset", request=request)
        return response


def _fleet(service: str, count: int) -> tuple[Lab, list[str]]:
    lab = Lab(arm_buckets=0.0)
    lab.world.populate(**{service: count})
    numbers = range(1, count + 1)
    if service == "spf":
        return lab, [f"spf{number:03}" for number in numbers]
    if service == "scvmm":
        return lab, [lab.world.machine_uri(f"arc{number:03}") for number in numbers]
    return lab, [lab.world.azure.named(f"azure{number:03}").id for number in numbers]


def _run(lab: Lab, seed: int | None, module: str, **options: Any) -> dict[str, Any]:
    """What a task returns; with a seed some of its requests meet trouble, each kind of it."""
    met: Counter[str] = Counter()
    lab.through = (lambda wire: wire) if seed is None else (lambda wire: Troubled(wire, seed, met))
    result = lab.run(module, wait_timeout="12h", **options)
    lab.advance(8 * 86400)  # what is a week old has arrived, and nobody asks about it
    assert seed is None or all(met[trouble] for trouble in TROUBLES)
    assert len(result.get("error", {}).get("message", "")) < 1000
    return result


def _codes(result: dict[str, Any]) -> dict[str, str]:
    return {each["vm"]: each["error"]["code"] for each in result["vms"] if each.get("error")}


def _changed(result: dict[str, Any]) -> list[str]:
    return [each["vm"] for each in result["vms"] if each["status"] == "changed"]


def _made(lab: Lab, vms: list[str]) -> Counter[str]:
    """How many checkpoints of the name each VM has, read without trouble."""
    found = _run(lab, None, "vm_checkpoint_info", vms=vms)
    assert not _codes(found)
    return Counter(point["vm"] for point in found["checkpoints"] if point["name"] == "n")


@pytest.mark.thorough
@pytest.mark.parametrize("service", ["spf", "scvmm", "compute"])
def test_every_vm_ends_right(service: str) -> None:
    """A create that never arrived is all that stays open: no reading can tell it from one that is late."""
    lab, vms = _fleet(service, VMS)
    made = _run(lab, 14, "vm_checkpoint", vms=vms, name="n")
    there = _made(lab, vms)
    without = [vm for vm in vms if not there[vm]]
    assert _codes(made) == dict.fromkeys(without, "outcome_unknown")
    assert 0 < len(without) < VMS * SHARE * (2 if service == "compute" else 1)
    assert lab.seconds < 3600, "trouble with some is no overload"
    assert _changed(made) == [vm for vm in vms if vm in there]

    again = _run(lab, None, "vm_checkpoint", vms=without, name="n")
    assert not _codes(again)
    assert _changed(again) == without
    assert _made(lab, vms) == Counter(vms)


@pytest.mark.thorough
@pytest.mark.parametrize(("service", "count"), [("spf", 200), ("scvmm", 200), ("compute", 60)])
def test_a_removal_is_sent_again_while_a_reading_shows_the_thing(service: str, count: int) -> None:
    """Once: where that one was lost too, what is still there says so."""
    lab, vms = _fleet(service, count)
    assert not _codes(_run(lab, None, "vm_checkpoint", vms=vms, name="n"))
    gone = _run(lab, 15, "vm_checkpoint", vms=vms, name="n", state="absent")
    there = _made(lab, vms)
    assert _codes(gone) == {vm: "outcome_unknown" for vm in vms if vm in there}
    assert len(there) < count * SHARE
    if there:
        assert not _codes(_run(lab, None, "vm_checkpoint", vms=list(there), name="n", state="absent"))
    assert not _made(lab, vms)


class Dies(httpx.AsyncBaseTransport):
    """SPF takes no connection any more, once it has answered so many requests."""

    def __init__(self, wire: httpx.AsyncBaseTransport, after: int) -> None:
        self._wire, self._left = wire, after

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "Odata.svc" in request.url.path:
            self._left -= 1
            if self._left < 0:
                raise httpx.ConnectError("refused", request=request)
        return await self._wire.handle_async_request(request)


def test_a_service_that_dies_takes_no_other_down() -> None:
    """Each of its VMs takes its time to fail; those of the others are at work meanwhile."""
    lab = Lab(arm_buckets=0.0)
    lab.world.populate(spf=300, scvmm=10)
    vms = [f"spf{number:03}" for number in range(1, 301)]
    vms += [lab.world.machine_uri(f"arc{number:03}") for number in range(1, 11)]
    lab.through = lambda wire: Dies(wire, after=6)
    result = lab.run("vm_checkpoint", vms=vms, name="new", wait_timeout="10m")
    ended = Counter((each["provider"], each["status"]) for each in result["vms"])
    assert ended == {("spf", "failed"): 300, ("scvmm", "changed"): 10}
