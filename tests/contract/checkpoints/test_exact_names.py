# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name means one VM: not those that begin with it, whatever the server makes of the filter."""

from __future__ import annotations

import httpx
import pytest

from simulator.documents.seeding import plant
from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Lab


class Unfiltered(httpx.AsyncBaseTransport):
    """A server that answers a filtered list of VMs with the whole list."""

    def __init__(self, wire: httpx.AsyncBaseTransport) -> None:
        self._wire = wire

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/VirtualMachines"):
            request.url = request.url.copy_with(query=None)
        return await self._wire.handle_async_request(request)


@pytest.fixture
def lab() -> Lab:
    """Two VMs, one's name and both ids beginning with the other's; the server filters nothing."""
    lab = Lab()
    vm = lab.world.vm("web01")
    plant(lab.world.spf.vmm, {"name": "web01-old", "checkpoints": [{"name": "of the other"}]})
    lab.through = Unfiltered
    assert vm.name == "web01"
    return lab


def test_a_name_is_met_whole(lab: Lab) -> None:
    for name in ("web01", "WEB01"):
        result = lab.run("vm_checkpoint_info", vm=name)
        assert code(result) is None
        assert result["vms"][0]["name"] == "web01"
    assert lab.run("vm_checkpoint_info", vm="web01-old")["vms"][0]["name"] == "web01-old"


@pytest.mark.parametrize("name", ["web0", "w", "web01-", "eb01", "web01 "])
def test_a_part_of_a_name_is_nobodys(lab: Lab, name: str) -> None:
    result = lab.run("vm_checkpoint", vm=name, name="n")
    assert code(result) in ("not_found", "invalid_input")
    assert lab.writes() == 0


def test_an_id_is_met_whole(lab: Lab) -> None:
    vm = lab.world.vm("web01")
    for reference in (vm.id, vm.vm_id):
        assert lab.run("vm_checkpoint_info", vm=reference)["vms"][0]["name"] == "web01"
