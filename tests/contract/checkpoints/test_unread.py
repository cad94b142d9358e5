# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM whose service does not say what it is takes no other one down, and one that means nothing ends the task."""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx
import pytest

from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Lab, Result

POLICY = {"prefix": "nightly", "max_age": "20h", "keep": {"last": 3}}


class Silent(httpx.AsyncBaseTransport):
    """SPF takes no connection, or loses each of its answers; `asked` counts."""

    def __init__(self, wire: httpx.AsyncBaseTransport, error: type[httpx.TransportError]) -> None:
        self._wire, self._error = wire, error
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "Odata.svc" in request.url.path:
            self.asked += 1
            raise self._error("refused", request=request)
        return await self._wire.handle_async_request(request)


class Poisoned(httpx.AsyncBaseTransport):
    """Every request about one VM is answered with a status."""

    def __init__(self, wire: httpx.AsyncBaseTransport, name: str, status: int) -> None:
        self._wire, self._name, self._status = wire, name, status

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._name in request.url.path:
            return httpx.Response(self._status, json={"error": {"code": "X", "message": "Sorry."}}, request=request)
        return await self._wire.handle_async_request(request)


def _many(spf: int = 2, scvmm: int = 2) -> tuple[Lab, list[str]]:
    lab = Lab()
    lab.world.populate(spf=spf, scvmm=scvmm)
    ours = [f"spf{n:03}" for n in range(1, spf + 1)]
    return lab, ours + [lab.world.machine_uri(f"arc{n:03}") for n in range(1, scvmm + 1)]


def _codes(result: Result) -> list[str | None]:
    return [(each["error"] or {}).get("code") for each in result["vms"]]


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadError])
@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("vm_checkpoint", {"name": "n"}),
        ("vm_checkpoint_restore", {"name": "baseline"}),
        ("vm_checkpoint_policy", POLICY),
    ],
)
def test_a_silent_service_takes_no_other_down(
    module: str, options: dict[str, Any], error: type[httpx.TransportError]
) -> None:
    lab, vms = _many(spf=19)
    silent = []

    def through(wire: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        silent.append(Silent(wire, error))
        return silent[-1]

    lab.through = through
    result = lab.run(module, vms=vms, **options)
    expected = "unreachable" if error is httpx.ConnectError else "unavailable"
    assert (code(result), _codes(result)) == ("some_failed", [expected] * 19 + [None] * 2)
    assert [each["status"] for each in result["vms"]] == ["failed"] * 19 + ["changed"] * 2
    assert [each["vm"] for each in result["vms"]] == vms
    assert [each["vm_id"] is None for each in result["vms"]] == [True] * 19 + [False] * 2
    assert lab.seconds < 420, "only the first few of them were waited for"
    assert sum(each.asked for each in silent) < 60


@pytest.mark.parametrize(("status", "why"), [(403, "forbidden"), (503, "unavailable"), (400, "refused")])
def test_the_first_vm_is_no_worse_than_another(status: int, why: str) -> None:
    for place in (0, 1):
        lab, vms = _many(spf=0, scvmm=4)
        poisoned = f"arc00{place + 1}"
        lab.through = partial(Poisoned, name=poisoned, status=status)
        result = lab.run("vm_checkpoint", vms=vms, name="n")
        assert _codes(result) == [why if number == place else None for number in range(4)]
        assert [each["status"] for each in result["vms"]].count("changed") == 3


@pytest.mark.parametrize("more", [{"on_error": "stop"}, {"group": {"order": "given"}}])
def test_a_task_that_is_all_or_nothing_ends(more: dict[str, Any]) -> None:
    lab, vms = _many()
    lab.through = lambda wire: Silent(wire, httpx.ConnectError)
    result = lab.run("vm_checkpoint", vms=vms, name="n", **more)
    assert (code(result), "vms" in result) == ("unreachable", False)
    assert lab.writes() == 0


def test_where_no_vm_can_be_looked_up_the_task_says_why() -> None:
    lab, vms = _many(scvmm=0)
    lab.through = lambda wire: Silent(wire, httpx.ConnectError)
    result = lab.run("vm_checkpoint", vms=vms, name="n")
    assert (code(result), "vms" in result) == ("unreachable", False)


def test_only_a_sign_in_that_was_taken_is_told() -> None:
    lab, vms = _many()
    lab.through = lambda wire: Silent(wire, httpx.ConnectError)
    assert lab.run("vm_checkpoint", vms=vms, name="n")["sign_in"] == {"azure": "secret"}
    lab.through = lambda wire: wire
    assert lab.run("vm_checkpoint", vms=vms, name="n")["sign_in"] == {"azure": "secret", "spf": "basic"}


def test_a_wrong_name_ends_the_task_also_beside_a_silent_service() -> None:
    lab, vms = _many()
    lab.through = lambda wire: Silent(wire, httpx.ConnectError)
    gone = lab.world.machine_uri("nobody")
    result = lab.run("vm_checkpoint", vms=[*vms, gone], name="n")
    assert (code(result), "vms" in result) == ("not_found", False)
    assert lab.writes() == 0


def test_check_mode_and_an_approval_tell_the_same() -> None:
    """What was approved without the VM is no plan for it once it can be read."""
    lab, vms = _many()
    lab.through = lambda wire: Silent(wire, httpx.ConnectError)
    predicted = lab.run("vm_checkpoint", vms=vms, name="n", check=True)
    assert _codes(predicted) == ["unreachable"] * 2 + [None] * 2
    lab.through = lambda wire: wire
    refused = lab.run("vm_checkpoint", vms=vms, name="n", expected_plan=predicted["plan"])
    assert code(refused) == "plan_changed"
    lab.through = lambda wire: Silent(wire, httpx.ConnectError)
    done = lab.run("vm_checkpoint", vms=vms, name="n", expected_plan=predicted["plan"])
    assert [each["status"] for each in done["vms"]] == ["failed"] * 2 + ["changed"] * 2
