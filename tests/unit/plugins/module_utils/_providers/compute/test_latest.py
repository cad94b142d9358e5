# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restore point that is being made, looked at again and again: what its state says of the work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.provider import Compute
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
    virtual,
)

GROUP = "/subscriptions/6e0d9045-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Compute"
HOME = f"{GROUP}/restorePointCollections/checkpoints-shop01"
SHOP = f"{GROUP}/virtualMachines/shop01"
GONE = reply(404, {"error": {"code": "ResourceNotFound", "message": f"The resource {HOME} was not found."}})


def in_state(name: str, state: str) -> dict[str, Any]:
    return {
        "id": f"{HOME}/restorePoints/{name}",
        "name": name,
        "properties": {"provisioningState": state, "timeCreated": "2026-11-20T11:00:00Z"},
    }


def holding(*points: dict[str, Any]) -> Reply:
    properties = {"source": {"id": SHOP}, "provisioningState": "Succeeded", "restorePoints": list(points)}
    return reply(200, {"id": HOME, "name": "checkpoints-shop01", "location": "westeurope", "properties": properties})


def seen(*replies: Reply) -> str | None:
    """The state of what is under way, None where nothing is; each reply answers one request."""
    server = Script(*replies)

    async def main() -> str | None:
        async with server.http() as http:
            settings = ArmSettings(access_token="a")
            provider = Compute(Arm(http, BASE, "a token"), settings, None, lambda: datetime(2026, 11, 20, tzinfo=UTC))
            vm = VM(reference=SHOP, name="shop01", id=SHOP, canonical=SHOP.lower(), provider="compute", service=BASE)
            operation = await provider.current_operation(vm)
            if operation is None:
                return None
            assert (operation.work, operation.began) == ("create", datetime(2026, 11, 20, 11, tzinfo=UTC))
            assert operation.last is not None
            assert operation.last.state == "running"
            return (await operation.poll()).state

    found = virtual(main)
    assert len(server.requests) == len(replies)
    if len(replies) > 1:
        assert server.requests[-1].url.path.endswith("/restorePoints/new")
    return found


@pytest.mark.parametrize(
    ("then", "state"),
    [
        (reply(200, in_state("new", "Succeeded")), "succeeded"),
        (reply(200, in_state("new", "Failed")), "failed"),
        (reply(200, in_state("new", "Canceled")), "failed"),
        (reply(200, in_state("new", "Creating")), "running"),
        (GONE, "unknown"),
    ],
    ids=["succeeded", "failed", "canceled", "creating", "gone"],
)
def test_the_point_in_the_making_says_how_it_goes(then: Reply, state: str) -> None:
    assert seen(holding(in_state("old", "Succeeded"), in_state("new", "Creating")), then) == state


@pytest.mark.parametrize("first", [GONE, holding(), holding(in_state("old", "Succeeded"))])
def test_nothing_is_under_way(first: Reply) -> None:
    assert seen(first) is None
