# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What vendors' clients met in the simulator and not in Azure."""

from __future__ import annotations

import pytest
import trio

from simulator.compute.common import COMPUTE_VERSIONS
from simulator.switches.all import Switches
from simulator.timing import Timing

from .cloud import Cloud, code, open_cloud

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("version", ["2025-04-01", "2025-11-01", "2026-03-01", "2026-04-01"])
async def test_versions_that_sdks_pin(cloud: Cloud, version: str) -> None:
    assert version in COMPUTE_VERSIONS
    assert (await cloud("GET", "virtualMachines/shop01", version=version)).status_code == 200


@pytest.mark.parametrize(
    ("profiles", "shown"),
    [
        ({}, None),
        ({"generation": "V1"}, None),
        ({"generation": "V2"}, {"securityType": "TrustedLaunch"}),
        ({"properties": {"securityProfile": {"encryptionAtHost": True}}}, {"encryptionAtHost": True}),
    ],
)
async def test_a_point_has_the_security_profile_of_its_vm(
    anyio_backend: object, profiles: dict[str, object], shown: object
) -> None:
    """It is a member of sourceMetadata (swagger 2024-07-01); the recorded point of 2023 has none, like its VM."""
    given = profiles or {"properties": {}}
    async with open_cloud({"compute": {"vms": [{"name": "own01", **given}]}}) as cloud:
        vm = (await cloud("GET", "virtualMachines/own01")).json()["properties"]
        assert vm.get("securityProfile") == shown
        await cloud.collection(vm="own01")
        assert (await cloud.point("one"))["properties"]["sourceMetadata"].get("securityProfile") == shown


async def test_making_a_point_takes_minutes(anyio_backend: object) -> None:
    took: list[list[float]] = [[], []]
    for again in took:  # the seed decides, so that the second world is like the first
        async with open_cloud(compute_point_takes=Switches().compute_point_takes) as cloud:
            await cloud.collection()
            for name in ("one", "two", "three"):
                before = trio.current_time()
                await cloud.point(name)
                again.append(trio.current_time() - before)
    assert took[0] == took[1]
    assert all(40 <= each <= 300 for each in took[0])
    assert len(set(took[0])) > 1


def test_ranges() -> None:
    assert Timing.parse("40s to 300s") == Timing.parse("40 to 300s") == Timing(seconds=40, most=300)
    assert Timing.parse("40s to 300s").drawn(max) == Timing(seconds=300)
    assert Timing.parse("3 looks").drawn(max) == Timing.parse("3 looks")
    for wrong in ("300s to 40s", "40s to", "to 40s"):
        with pytest.raises(ValueError, match="duration"):
            Timing.parse(wrong)


async def test_deletes_at_once(cloud: Cloud) -> None:
    """200 without polling headers, and it is done; 204 for what is not there (swagger)."""
    await cloud.collection()
    await cloud.point("one")
    cloud.world.switches.set("compute_deletes", "at_once")
    for path in (cloud.point_path("one"), "restorePointCollections/daily"):
        answer = await cloud("DELETE", path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert not {"location", "azure-asyncoperation"} & set(answer.headers)
        assert (await cloud("GET", path)).status_code == 404
        assert (await cloud("DELETE", path)).status_code == 204
    attached = await cloud("DELETE", "disks/shop01_OsDisk")
    assert (attached.status_code, code(attached)) == (409, "OperationNotAllowed")
