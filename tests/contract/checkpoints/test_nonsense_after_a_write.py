# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One answer that makes no sense, at every reading behind the first write, ends nothing and has nothing put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.contract.checkpoints.scenarios import code, make_lab
from tests.contract.compute.azure_harness import GOOD, azure_vm, guest, restore
from tests.contract.compute.azure_harness import make_lab as azure_lab
from tests.support.lab import Lab, Result

PAGES = {"page": (200, b"<html>Maintenance</html>"), "cut": (200, b'{"stat'), "404": (404, b"<html>Not found</html>")}


class Nonsense(httpx.AsyncBaseTransport):
    """Of the answers to readings behind the first write, those that `at` names by their position are `instead`."""

    def __init__(self, wire: httpx.AsyncBaseTransport, at: range, instead: tuple[int, bytes]) -> None:
        self._wire, self._at, self._instead = wire, at, instead
        self._written = False
        self.count = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._written = self._written or (request.method != "GET" and "oauth2" not in request.url.path)
        if request.method != "GET" or not self._written:
            return await self._wire.handle_async_request(request)
        self.count += 1
        if self.count - 1 in self._at:
            return httpx.Response(self._instead[0], content=self._instead[1], request=request)
        return await self._wire.handle_async_request(request)


def through(lab: Lab, act: Callable[[Lab], Result], at: range, instead: tuple[int, bytes]) -> tuple[Result, int]:
    """The result, and how many readings there were behind the first write."""
    made: list[Nonsense] = []

    def wrapped(wire: httpx.AsyncBaseTransport) -> Nonsense:
        made.append(Nonsense(wire, at, instead))
        return made[-1]

    lab.through = wrapped
    result = act(lab)
    return result, made[0].count


def on_hosts(service: str) -> tuple[Lab, Callable[[Lab], Result]]:
    """A VM that runs and has a checkpoint, and the restore to it."""
    lab = make_lab(service)
    vm = "web01" if service == "spf" else lab.arm_vm
    lab.run("vm_checkpoint", vm=vm, name="a")
    return lab, lambda lab: lab.run("vm_checkpoint_restore", vm=vm, name="a", if_running="stop", wait_timeout="20m")


def readings(service: str) -> int:
    """How many readings there are behind the first write of a restore."""
    if service == "compute":
        return through(azure_lab(), restore, range(0), PAGES["page"])[1]
    lab, act = on_hosts(service)
    return through(lab, act, range(0), PAGES["page"])[1]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("service", ["spf", "scvmm"])
def test_a_restore_outlasts_one_anywhere(service: str, page: str) -> None:
    for position in range(readings(service)):
        lab, act = on_hosts(service)
        result, _count = through(lab, act, range(position, position + 1), PAGES[page])
        assert (code(result), result["changed"]) == (None, True), (position, result.get("msg"))
        assert lab.world.vm("web01" if service == "spf" else "app01").power == "Running", position


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_restore_in_place_on_azure_outlasts_one_anywhere(page: str) -> None:
    for position in range(readings("compute")):
        lab = azure_lab()
        result, _count = through(lab, restore, range(position, position + 1), PAGES[page])
        if code(result) is not None:
            # What is read of the point before the first disk is made: nothing has been done to the VM by then.
            assert (code(result), azure_vm(lab).power) == ("bad_answer", "running"), (position, result["msg"])
            assert not [each for each in lab.requests if each.method == "POST" and "virtualMachines" in each.url.path]
            lab.through = lambda wire: wire
            assert code(restore(lab)) is None
        assert (guest(lab), azure_vm(lab).power) == (GOOD, "running"), position


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_restore_in_place_that_is_answered_nothing_else_any_more_puts_nothing_back(page: str) -> None:
    count = readings("compute")
    for position in range(0, count, 3):
        lab = azure_lab()
        result, _count = through(lab, lambda lab: restore(lab, wait_timeout="20m"), range(position, 9999), PAGES[page])
        assert code(result) in ("bad_answer", "outcome_unknown"), (position, result.get("msg"))
        assert "put back" not in result["msg"].lower(), position
        lab.through = lambda wire: wire
        assert code(restore(lab)) is None
        assert (guest(lab), azure_vm(lab).power) == (GOOD, "running"), position


def _create(lab: Lab) -> Result:
    return lab.run("vm_checkpoint", vm=lab.azure_vm, name="nightly")


@pytest.mark.parametrize("page", PAGES)
def test_a_create_on_azure_outlasts_one_anywhere(page: str) -> None:
    count = through(azure_lab(point=False), _create, range(0), PAGES[page])[1]
    for position in range(count):
        lab = azure_lab(point=False)
        result: Any = through(lab, _create, range(position, position + 1), PAGES[page])[0]
        assert (code(result), result["changed"]) == (None, True), (position, result.get("msg"))


DENIED = {
    "404": (404, {"error": {"code": "NotFound", "message": "The entity was not found."}}),
    "400": (400, {"error": {"code": "BadRequest", "message": "The request is bad."}}),
    "409": (409, {"error": {"code": "Conflict", "message": "Another operation is in progress."}}),
    "410": (410, {"error": {"code": "Gone"}}),
}


def _denied(lab: Lab, answer: tuple[int, Any], count: int) -> None:
    status, body = answer
    path = "operationStatuses|locations/[^/]*/(?:disk)?operations/"
    lab.world.faults.add(kind="status", status=status, body=body, method="GET", path=path, count=count)


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("answer", DENIED.values(), ids=DENIED)
def test_a_restore_whose_status_is_denied_for_a_moment_goes_on(answer: tuple[int, Any], count: int) -> None:
    """A failure to read the status is none of the operation (ARM's RPC)."""
    lab = make_lab("scvmm", restore_takes="60s")
    lab.run("vm_checkpoint", vm=lab.arm_vm, name="a")
    lab.before_first(lab.a_write(path="restoreCheckpoint"), lambda: _denied(lab, answer, count))
    result = lab.run("vm_checkpoint_restore", vm=lab.arm_vm, name="a", if_running="stop")
    assert (code(result), result["changed"]) == (None, True), result["msg"]
    assert lab.world.vm("app01").power == "Running"
    assert lab.seconds < 120


@pytest.mark.parametrize("answer", DENIED.values(), ids=DENIED)
def test_a_restore_in_place_whose_status_is_denied_for_a_moment_goes_on(answer: tuple[int, Any]) -> None:
    lab = azure_lab()
    _denied(lab, answer, 2)
    result = restore(lab)
    assert code(result) is None, result["msg"]
    assert (guest(lab), azure_vm(lab).power) == (GOOD, "running")


@pytest.mark.parametrize("answer", DENIED.values(), ids=DENIED)
def test_where_the_status_is_denied_for_good_only_a_reading_tells(answer: tuple[int, Any]) -> None:
    lab = make_lab("scvmm")
    _denied(lab, answer, 9999)
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new")
    assert (code(result), result["changed"], len(lab.sent())) == (None, True, 1), result["msg"]
    lab = make_lab("scvmm")
    lab.fail_next("scvmm", "create")
    _denied(lab, answer, 9999)
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new")
    assert (code(result), len(lab.sent())) == ("outcome_unknown", 1)
    assert f"an answer ({answer[0]}: {answer[1]['error']['code']}" in result["msg"]


@pytest.mark.parametrize(("takes", "ended"), [("20s", None), ("40s", "timed_out")])
def test_at_the_deadline_a_reading_says_whether_an_operation_that_arc_has_forgotten_is_done(
    takes: str, ended: str | None
) -> None:
    lab = make_lab("scvmm", create_takes=takes)
    lab.world.switches.set("arc_status_lifetime", 0.5)
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="n", wait_timeout="30s")
    assert code(result) == ended, result.get("msg")
    assert result["changed"]
    if ended is None:
        assert result["checkpoint"]["name"] == "n"
