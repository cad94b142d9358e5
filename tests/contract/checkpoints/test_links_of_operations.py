# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a link to an operation may be spelled: a restore ends, and nothing is sent to another origin."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.checkpoints.scenarios import code
from tests.support.lab import HOST, Lab, Result

HOST_ALONE = HOST.removeprefix("https://")
SPELLINGS = {
    "default port": f"{HOST}:443",
    "capitals": f"HTTPS://{HOST_ALONE.upper()}",
    "relative": "",
    "another host": "https://westeurope.evil.test",
}
LINKS = ("azure-asyncoperation", "location")


class Respelled(httpx.AsyncBaseTransport):
    """The links of answers to these methods begin otherwise."""

    def __init__(self, wire: httpx.AsyncBaseTransport, methods: tuple[str, ...], origin: str) -> None:
        self._wire, self._methods, self._origin = wire, methods, origin

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._wire.handle_async_request(request)
        if request.method in self._methods:
            for name in LINKS:
                if name in answer.headers:
                    answer.headers[name] = answer.headers[name].replace(HOST, self._origin)
        return answer


def restored(methods: tuple[str, ...], spelling: str) -> tuple[Lab, Result]:
    lab = Lab()
    lab.run("vm_checkpoint", vm=lab.arm_vm, name="a")
    lab.through = lambda wire: Respelled(wire, methods, SPELLINGS[spelling])
    return lab, lab.run("vm_checkpoint_restore", vm=lab.arm_vm, name="a", if_running="stop", wait_timeout="10m")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_next_link_of_a_poll(spelling: str) -> None:
    lab, result = restored(("GET",), spelling)
    assert (code(result), lab.world.vm("app01").power) == (None, "Running")
    assert {each.url.host for each in lab.requests} <= {HOST_ALONE}


@pytest.mark.parametrize("spelling", sorted(set(SPELLINGS) - {"another host"}))
def test_the_first_link(spelling: str) -> None:
    lab, result = restored(("POST",), spelling)
    assert (code(result), lab.world.vm("app01").power) == (None, "Running")


def test_a_first_link_to_another_host_is_left_to_reading() -> None:
    lab, result = restored(("POST",), "another host")
    assert code(result) == "outcome_unknown"
    assert "was asked to follow an address on another origin" in result["msg"]
    assert {each.url.host for each in lab.requests} <= {HOST_ALONE}
