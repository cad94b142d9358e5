# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM's token buckets, as request-limits-and-throttling.md describes them."""

from __future__ import annotations

import pytest
import trio

from .support import Sim

pytestmark = pytest.mark.anyio


async def _passed(sim: Sim, method: str, path: str) -> int:
    """How many requests pass until one is throttled."""
    passed = 0
    while (status := (await sim.arm(method, path)).status_code) != 429:
        assert status != 401
        passed += 1
    return passed


async def test_each_kind_of_request_has_its_bucket_and_it_fills_again(sim: Sim) -> None:
    sim.world.switches.set("arm_buckets", 1.0)
    vm = sim.instance()
    point = sim.world.azure.named("shop01").id.replace("virtualMachines/shop01", "restorePointCollections/none")
    assert await _passed(sim, "GET", vm) == 250
    assert await _passed(sim, "POST", f"{vm}/restoreCheckpoint") == 200
    assert await _passed(sim, "DELETE", f"{point}/restorePoints/none") == 200
    await trio.sleep(2)
    assert await _passed(sim, "GET", vm) == 50
    assert await _passed(sim, "DELETE", f"{point}/restorePoints/none") == 20
    await trio.sleep(1800)
    assert await _passed(sim, "GET", sim.world.azure.named("shop01").id) == 250


async def test_a_refusal_says_how_long_to_wait(sim: Sim) -> None:
    sim.world.switches.set("arm_buckets", 0.01)
    assert await _passed(sim, "GET", sim.instance()) == 2
    answer = await sim.arm("GET", sim.instance())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert answer.json()["error"]["code"] == "SubscriptionRequestsThrottled"
    assert "after '2' seconds" in answer.json()["error"]["message"]
    await trio.sleep(2)
    assert (await sim.arm("GET", sim.instance())).status_code == 200


async def test_the_tenant_has_a_bucket_of_its_own(sim: Sim) -> None:
    sim.world.switches.set("arm_buckets", 0.01)
    begun = await sim.act("createCheckpoint", {"name": "n"})
    url = begun.headers["azure-asyncoperation"]
    assert "/subscriptions/" not in url
    assert await _passed(sim, "GET", sim.instance()) == 2
    assert await _passed(sim, "GET", url) == 2


async def test_there_are_none_where_their_share_is_zero(sim: Sim) -> None:
    sim.world.switches.set("arm_buckets", 0.0)
    for _number in range(300):
        assert (await sim.arm("GET", sim.instance())).status_code == 200
    sim.world.switches.set("arm_buckets", 0.001)
    assert await _passed(sim, "GET", sim.instance()) == 1
    sim.world.reset()
    assert sim.world.buckets == {}
