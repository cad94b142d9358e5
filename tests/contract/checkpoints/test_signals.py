# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signal at each request: what was started is reported, nothing more is sent, and the next run goes on there."""

from __future__ import annotations

import signal
from typing import Any

import httpx
import pytest
import trio

from tests.contract.checkpoints.scenarios import SERVICES, VMS, code, make_lab
from tests.contract.compute.azure_harness import azure_vm, restore
from tests.contract.compute.azure_harness import make_lab as make_azure_lab
from tests.support.lab import Lab, Result

TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "create": ("vm_checkpoint", {"name": "new"}),
    "delete": ("vm_checkpoint", {"name": "later", "state": "absent"}),
    "restore": (
        "vm_checkpoint_restore",
        {"name": "baseline", "safety_checkpoint": True, "restore_key": "k", "if_running": "stop"},
    ),
}


def _run(lab: Lab, service: str, task: str) -> Result:
    module, options = TASKS[task]
    return lab.run(module, vm=VMS[service] if service == "spf" else lab.arm_vm, **options)


def _interrupt(lab: Lab, number: int, when: str) -> None:
    """A signal comes as that request leaves (`watch`), or as its answer comes (`heard`)."""
    count = 0

    def strike(_request: httpx.Request) -> None:
        nonlocal count
        count += 1
        if count == number:
            lab.signal(signal.SIGTERM)

    setattr(lab, when, strike)


def _judge(lab: Lab, result: Result, sent: int, *, started: bool) -> None:
    assert code(result) in ("interrupted", "outcome_unknown", None), result["msg"]
    if code(result) is None:
        return
    assert "SIGTERM" in result["msg"]
    assert len(lab.sent()) <= sent + 1
    if code(result) == "outcome_unknown":
        assert "was being sent when SIGTERM ended the run" in result["msg"]
    if result["error"]["message"].endswith("Nothing was changed."):
        assert not started
        assert result["changed"] is False
    if started:
        assert result["changed"] is True or code(result) == "outcome_unknown"


@pytest.mark.thorough
@pytest.mark.parametrize("when", ["watch", "heard"])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("service", SERVICES)
def test_at_each_request(service: str, task: str, when: str) -> None:
    calm = make_lab(service)
    assert code(_run(calm, service, task)) is None
    codes = []
    for number in range(1, len(calm.requests) + 1):
        lab = make_lab(service)
        _interrupt(lab, number, when)
        result = _run(lab, service, task)
        codes.append(code(result))
        before = lab.requests[: number - 1]
        sent = [request for request in lab.sent() if request in before]
        _judge(lab, result, len(sent), started=bool(sent))
        was_off = lab.world.vm(VMS[service]).power == "PowerOff"
        if code(result) is not None and was_off:
            assert "off" in result["msg"]
        lab.undisturbed()
        lab.advance(3600)
        again = _run(lab, service, task)
        assert code(again) in (None, "outcome_unknown"), (number, again["msg"])
    assert codes.count(None) <= 1  # one that comes with the last answer is too late
    assert "interrupted" in codes
    assert when == "heard" or "outcome_unknown" in codes


@pytest.mark.thorough
@pytest.mark.parametrize("when", ["watch", "heard"])
def test_at_each_request_of_a_restore_in_place(when: str) -> None:
    calm = make_azure_lab()
    assert code(restore(calm, restore_key="k")) is None
    for number in range(1, len(calm.requests) + 1):
        lab = make_azure_lab()
        _interrupt(lab, number, when)
        result = restore(lab, restore_key="k")
        before = lab.requests[: number - 1]
        sent = [request for request in lab.sent() if request in before]
        _judge(lab, result, len(sent), started=bool(sent))
        lab.undisturbed()
        lab.advance(3600)
        assert code(restore(lab, restore_key="k")) is None
        assert azure_vm(lab).power == "running"


@pytest.mark.parametrize("service", SERVICES)
def test_what_was_done_before_the_signal_is_told(service: str) -> None:
    lab = make_lab(service)
    stop = "Stop" if service == "spf" else "/stop"

    def strike(request: httpx.Request) -> None:
        if stop in f"{request.url} {request.content.decode()}":
            lab.signal(signal.SIGTERM)

    lab.watch = strike
    vm = VMS[service] if service == "spf" else lab.arm_vm
    given: dict[str, Any] = {
        "name": "baseline",
        "safety_checkpoint": True,
        "if_running": "stop",
        "power_after": "on",
    }
    result = lab.run("vm_checkpoint_restore", vm=vm, **given)
    assert (code(result), result["changed"]) == ("outcome_unknown", True)
    assert 'Done before: creating checkpoint "safety before restore to baseline".' in result["msg"]
    assert "Turning the VM off had begun, and it may be off by now." in result["msg"]


def test_of_many_vms_each_says_where_it_is() -> None:
    lab = Lab(create_takes="60s")
    lab.world.populate(spf=3)
    vms = ["spf001", "spf002", "spf003"]
    creates = lab.a_write("POST", path="VMCheckPoints")
    count = 0

    def strike(request: httpx.Request) -> None:
        nonlocal count
        count += "Jobs" in str(request.url)
        if count == 3:
            lab.signal(signal.SIGINT)

    lab.watch = strike
    result = lab.run("vm_checkpoint", vms=vms, name="new", concurrency=1)
    assert code(result) == "some_failed"
    assert [each["status"] for each in result["vms"]] == ["failed", "not_started", "not_started"]
    assert [each["error"]["code"] for each in result["vms"]] == ["interrupted"] * 3
    assert (result["changed"], sum(creates(request) for request in lab.requests)) == (True, 1)


def test_before_any_vm_was_found() -> None:
    lab = make_lab("spf")
    _interrupt(lab, 1, "watch")
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    assert (code(result), result["changed"]) == ("interrupted", False)
    assert result["msg"] == "ended by SIGTERM. Nothing was changed."


@pytest.mark.parametrize("takes", [0.5, 1e9])
def test_a_signal_while_connections_close_hides_nothing_of_what_was_done(takes: float) -> None:
    """Its work is done by then; and a server that never says goodbye holds up nobody."""
    lab = make_lab("spf")

    class Closing(httpx.AsyncBaseTransport):
        def __init__(self, wire: httpx.AsyncBaseTransport) -> None:
            self._wire = wire

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return await self._wire.handle_async_request(request)

        async def aclose(self) -> None:
            lab.signal(signal.SIGTERM)
            await trio.sleep(takes)

    lab.through = Closing
    result = lab.run("vm_checkpoint", vm="web01", name="x")
    assert (code(result), result["changed"]) == (None, True), result
    assert "x" in lab.names("web01")
