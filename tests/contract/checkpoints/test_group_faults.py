# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault at each request of a group that fails and is undone: what is there is said, and nothing else is touched."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.fleets import CREATES, FLEETS, Fleet
from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Result

FAULTS: dict[str, dict[str, Any]] = {
    "lost request": {"kind": "lose_request"},
    "lost answer": {"kind": "lose_answer"},
    "forbidden": {"kind": "status", "status": 403},
    "broken": {"kind": "status", "status": 500},
    "broken after": {"kind": "status_after", "status": 502},
}
OPTIONS = {"name": "new", "group": {"on_failure": "undo"}, "settle_time": "5s", "wait_timeout": "30m"}


def _run(fleet: Fleet, **options: Any) -> Result:
    return fleet.lab.run("vm_checkpoint", **{"vms": fleet.vms, **OPTIONS, **options})


def _ground(service: str) -> Fleet:
    """A group whose fourth create is refused."""
    fleet = Fleet(FLEETS[service])
    fleet.lab.world.faults.add(kind="status", status=400, **CREATES, nth=4)
    return fleet


def _judge(fleet: Fleet, result: Result) -> None:
    names = fleet.names()
    assert all(each[:1] == ["baseline"] and each[1:] in ([], ["new"]) for each in names), names
    there = {vm for vm, each in zip(fleet.vms, names, strict=True) if each[1:]}
    if "group" not in result:
        assert not there or code(result) is None
        return
    group = result["group"]
    open_ones = {each["vm"] for each in group["unknown"]}
    open_ones |= {each["vm"] for each in result["vms"] if each["undo"] in ("unknown", "failed")}
    created = {each["vm"] for each in group["created"]}
    assert there <= created | open_ones, (there, group)
    assert created <= there | open_ones
    assert not {each["vm"] for each in group["undone"]} & there
    for each in result["vms"]:
        if each["undo"] == "failed":
            assert each["undo_error"]["code"]
            assert each["vm"] in created | {each["vm"] for each in group["unknown"]} or each["error"]
        if each["status"] == "undone":
            assert each["vm"] not in there
    assert group["complete"] is (code(result) is None)


def _play(service: str, fault: str, number: int) -> None:
    fleet = _ground(service)
    # In front of the other one, so that it meets the very request.
    given = fleet.lab.world.faults.add(**FAULTS[fault], nth=number)
    fleet.lab.world.faults.script.insert(0, fleet.lab.world.faults.script.pop())
    result = _run(fleet)
    assert given.done <= 1
    _judge(fleet, result)
    fleet.lab.world.faults.clear()
    fleet.lab.advance(3600)
    again = _run(fleet)
    assert code(again) is None, again["msg"]
    assert fleet.names() == [["baseline", "new"]] * 5


def _requests(service: str) -> int:
    fleet = _ground(service)
    _run(fleet)
    return len(fleet.lab.requests)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_at_some_requests(fault: str) -> None:
    for number in range(1, _requests("mixed") + 1, 13):
        _play("mixed", fault, number)


@pytest.mark.thorough
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("service", FLEETS)
def test_at_each_request(service: str, fault: str) -> None:
    for number in range(1, _requests(service) + 1):
        _play(service, fault, number)
