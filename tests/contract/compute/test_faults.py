# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trouble at every request of every Azure task: named errors only, nothing made twice, and a rerun converges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code, is_write
from tests.contract.compute.azure_harness import (
    GOOD,
    HOME,
    azure_vm,
    checkpoint,
    collection,
    done,
    guest,
    make_lab,
    names,
    point,
    points,
    restore,
)
from tests.support.lab import Lab, Result

pytestmark = pytest.mark.thorough

# The fault, whether the service still hears of the request.
TROUBLES: dict[str, tuple[dict[str, Any], bool]] = {
    "lost request": ({"kind": "lose_request"}, False),
    "no connection": ({"kind": "lose_request", "exception": "ConnectError"}, False),
    "lost answer": ({"kind": "lose_answer"}, True),
    "429": ({"kind": "status", "status": 429, "headers": {"Retry-After": "20"}}, False),
    "503 before": ({"kind": "status", "status": 503, "headers": {"Retry-After": "1"}}, False),
    "503 after": ({"kind": "status_after", "status": 503}, True),
    "truncated": ({"kind": "truncate"}, True),
    "wrong types": ({"kind": "replace", "body": {"id": [], "value": 7, "properties": 5, "status": 3}}, True),
    "null": ({"kind": "replace", "body": "null"}, True),
    "HTML of a proxy": ({"kind": "html", "status": 502}, False),
    "reset in the body": ({"kind": "reset_body"}, True),
}
ON_READS = ("lost answer", "503 before", "truncated", "wrong types")
AGAIN = ("no connection", "429")  # provably not done: the same request may be sent again


@dataclass(frozen=True)
class Task:
    """One task, and how the world is when it is done."""

    run: Callable[[Lab], Result]
    is_done: Callable[[Lab], bool]
    act: bool = False  # done again each time


def _copy(lab: Lab) -> Result:
    return point(lab, name="copy", collection="copies", source_restore_point="before")


TASKS: dict[str, Task] = {
    "create": Task(lambda lab: checkpoint(lab, name="new"), lambda lab: names(lab) == ["before", "new"]),
    "create all": Task(
        lambda lab: checkpoint(lab, name="new", collection="mine"), lambda lab: names(lab, "mine") == ["new"]
    ),
    "delete": Task(lambda lab: checkpoint(lab, name="before", state="absent"), lambda lab: names(lab) == []),
    "restore": Task(
        lambda lab: restore(lab, restore_key="deploy-1"),
        lambda lab: guest(lab) == GOOD and azure_vm(lab).power == "running",
    ),
    "point": Task(point, lambda lab: names(lab) == ["before", "new"]),
    "point gone": Task(lambda lab: point(lab, name="before", state="absent"), lambda lab: names(lab) == []),
    "copy": Task(_copy, lambda lab: names(lab, "copies") == ["copy"]),
    "collection": Task(lambda lab: collection(lab, name="mine", source=lab.azure_vm), lambda lab: _has(lab, "mine")),
    "tags": Task(lambda lab: collection(lab, tags={"a": "b"}), lambda lab: _tags(lab).get("a") == "b"),
    "collection gone": Task(lambda lab: collection(lab, state="absent", force=True), lambda lab: not _has(lab, HOME)),
    "info": Task(lambda lab: lab.run("vm_checkpoint_info", vm=lab.azure_vm), lambda _lab: True),
    "collections": Task(
        lambda lab: lab.run("restore_point_collection_info", instance_view=True, disk_restore_points=True),
        lambda _lab: True,
    ),
}


def _has(lab: Lab, name: str) -> bool:
    lab.world.settle()
    return any(each.name == name for each in lab.world.azure.collections.values())


def _tags(lab: Lab) -> dict[str, str]:
    return next(each.tags for each in lab.world.azure.collections.values() if each.name == HOME)


def _make_lab(task: str) -> Lab:
    lab = make_lab(compute_signed_urls=False, compute_hourly_limit="off")
    if task == "copy":
        source = lab.world.azure.resource_id("restorePointCollections", HOME)
        collection(lab, name="copies", source=source, location="northeurope")
    lab.requests.clear()
    return lab


@cache
def _requests(task: str) -> tuple[tuple[str, str], ...]:
    lab = _make_lab(task)
    result = TASKS[task].run(lab)
    assert code(result) is None, result["msg"]
    assert TASKS[task].is_done(lab)
    return tuple((request.method, request.url.path) for request in lab.requests)


def _interesting(task: str, trouble: str) -> list[int]:
    """Every write; of the reads the first of each thing, and for every other trouble the last instead."""
    sent = _requests(task)
    writes = {n for n, each in enumerate(sent, 1) if is_write(*each)}
    reads = [(path, number) for number, (method, path) in enumerate(sent, 1) if method == "GET"]
    if trouble not in ON_READS:
        return sorted(writes)
    first = ON_READS.index(trouble) % 2 == 0
    return sorted(writes | set(dict(reversed(reads) if first else reads).values()))


def _once(lab: Lab, task: str) -> None:
    """Nothing was done twice that may be done once only."""
    jobs = lab.world.azure.jobs.values()
    kinds = [job.kind for job in jobs]
    assert kinds.count("point") <= 1
    assert kinds.count("copy") <= 1
    if task == "restore":
        new = [disk for disk in lab.world.azure.disks.values() if "hybridvm-restore-run" in disk.tags]
        assert len({disk.tags["hybridvm-restore-run"] for disk in new}) <= 1
        assert len(new) <= 2


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("task", TASKS)
def test_trouble_anywhere(task: str, trouble: str) -> None:
    fault, heard = TROUBLES[trouble]
    sent = _requests(task)
    for number in _interesting(task, trouble):
        lab = _make_lab(task)
        lab.world.faults.add(nth=number, **fault)
        result = TASKS[task].run(lab)
        where = (sent[number - 1], result.get("msg"))
        told = code(result)  # one of the closed list, whatever happened
        _once(lab, task)
        assert "Traceback" not in str(result), where
        if told is None and not is_write(*sent[number - 1]):
            assert TASKS[task].is_done(lab), where
        if told is None and task not in ("info", "collections"):
            assert result["changed"] is True, where
            assert TASKS[task].is_done(lab), where
        if trouble in AGAIN:
            assert told is None, where
        if is_write(*sent[number - 1]) and not heard and trouble not in AGAIN and task != "collections":
            assert told is None or result["error"]["retry"] != "safe", where
        # Whatever it was, the same task run again brings it about.
        lab.world.faults.clear()
        lab.advance(120)
        again = TASKS[task].run(lab)
        assert code(again) is None, (where, again.get("msg"))
        assert TASKS[task].is_done(lab), where
        _once(lab, task)
        assert all(each.state == "Succeeded" for each in points(lab)), where


GONE: dict[str, dict[str, Any]] = {
    "point": {"name": "before", "state": "absent"},
    "collection": {"state": "absent", "force": True},
}


@pytest.mark.parametrize("kind", ["lose_request", "lose_answer"])
@pytest.mark.parametrize("what", GONE)
def test_a_lost_delete_by_id_is_sent_again_once_reading_shows_it_undone(what: str, kind: str) -> None:
    lab = make_lab()
    lab.world.faults.add(kind=kind, method="DELETE")
    delete = {"point": point, "collection": collection}[what]
    assert done(delete(lab, **GONE[what], settle_time="10s"))["changed"] is True
    assert len(lab.sent("DELETE")) == (2 if kind == "lose_request" else 1)
    assert "before" not in names(lab)


def test_a_delete_that_stays_lost_is_open() -> None:
    lab = make_lab()
    lab.world.faults.add(kind="lose_request", method="DELETE", count=None)
    result = point(lab, **GONE["point"], settle_time="10s")
    assert (code(result), len(lab.sent("DELETE"))) == ("outcome_unknown", 2)


@pytest.mark.parametrize("gone", [True, False])
def test_a_delete_that_finds_nothing_is_decided_by_reading(gone: bool) -> None:
    lab = make_lab()

    def first() -> None:
        next(iter(lab.world.azure.collections.values())).points.clear()

    lab.before_each(lambda request: gone and request.method == "DELETE", first)
    lab.world.faults.add(kind="status", status=404, method="DELETE", body={"error": {"code": "NotFound"}})
    result = point(lab, **GONE["point"])
    assert (code(result), result["changed"]) == ((None, False) if gone else ("not_found", False))
