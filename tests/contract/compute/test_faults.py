# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trouble at every request of every Azure task: named errors only, nothing made twice, and a rerun converges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import pytest

from tests.contract.compute.shop import (
    GOOD,
    HOME,
    bench,
    checkpoint,
    collection,
    done,
    guest,
    names,
    point,
    points,
    restore,
    shop,
)
from tests.contract.core.scenarios import code, is_write
from tests.support.bench import Bench, Result

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

    run: Callable[[Bench], Result]
    is_done: Callable[[Bench], bool]
    act: bool = False  # done again each time


def _copy(made: Bench) -> Result:
    return point(made, name="copy", collection="copies", source_restore_point="before")


TASKS: dict[str, Task] = {
    "create": Task(lambda made: checkpoint(made, name="new"), lambda made: names(made) == ["before", "new"]),
    "create all": Task(
        lambda made: checkpoint(made, name="new", collection="mine"), lambda made: names(made, "mine") == ["new"]
    ),
    "delete": Task(lambda made: checkpoint(made, name="before", state="absent"), lambda made: names(made) == []),
    "restore": Task(
        lambda made: restore(made, restore_key="deploy-1"),
        lambda made: guest(made) == GOOD and shop(made).power == "running",
    ),
    "point": Task(point, lambda made: names(made) == ["before", "new"]),
    "point gone": Task(lambda made: point(made, name="before", state="absent"), lambda made: names(made) == []),
    "copy": Task(_copy, lambda made: names(made, "copies") == ["copy"]),
    "collection": Task(
        lambda made: collection(made, name="mine", source=made.azure_vm), lambda made: _has(made, "mine")
    ),
    "tags": Task(lambda made: collection(made, tags={"a": "b"}), lambda made: _tags(made).get("a") == "b"),
    "collection gone": Task(
        lambda made: collection(made, state="absent", force=True), lambda made: not _has(made, HOME)
    ),
    "info": Task(lambda made: made.run("vm_checkpoint_info", vm=made.azure_vm), lambda _made: True),
    "collections": Task(
        lambda made: made.run("restore_point_collection_info", instance_view=True, disk_restore_points=True),
        lambda _made: True,
    ),
}


def _has(made: Bench, name: str) -> bool:
    made.world.settle()
    return any(each.name == name for each in made.world.azure.collections.values())


def _tags(made: Bench) -> dict[str, str]:
    return next(each.tags for each in made.world.azure.collections.values() if each.name == HOME)


def _bench(task: str) -> Bench:
    made = bench(compute_signed_urls=False, compute_hourly_limit="off")
    if task == "copy":
        source = made.world.azure.resource_id("restorePointCollections", HOME)
        collection(made, name="copies", source=source, location="northeurope")
    made.requests.clear()
    return made


@cache
def _requests(task: str) -> tuple[tuple[str, str], ...]:
    made = _bench(task)
    result = TASKS[task].run(made)
    assert code(result) is None, result["msg"]
    assert TASKS[task].is_done(made)
    return tuple((request.method, request.url.path) for request in made.requests)


def _interesting(task: str, trouble: str) -> list[int]:
    """Every write; of the reads the first of each thing, and for every other trouble the last instead."""
    sent = _requests(task)
    writes = {n for n, each in enumerate(sent, 1) if is_write(*each)}
    reads = [(path, number) for number, (method, path) in enumerate(sent, 1) if method == "GET"]
    if trouble not in ON_READS:
        return sorted(writes)
    first = ON_READS.index(trouble) % 2 == 0
    return sorted(writes | set(dict(reversed(reads) if first else reads).values()))


def _once(made: Bench, task: str) -> None:
    """Nothing was done twice that may be done once only."""
    jobs = made.world.azure.jobs.values()
    kinds = [job.kind for job in jobs]
    assert kinds.count("point") <= 1
    assert kinds.count("copy") <= 1
    if task == "restore":
        new = [disk for disk in made.world.azure.disks.values() if "hybridvm-restore-run" in disk.tags]
        assert len({disk.tags["hybridvm-restore-run"] for disk in new}) <= 1
        assert len(new) <= 2


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("task", TASKS)
def test_trouble_anywhere(task: str, trouble: str) -> None:
    fault, heard = TROUBLES[trouble]
    sent = _requests(task)
    for number in _interesting(task, trouble):
        made = _bench(task)
        made.world.faults.add(nth=number, **fault)
        result = TASKS[task].run(made)
        where = (sent[number - 1], result.get("msg"))
        told = code(result)  # one of the closed list, whatever happened
        _once(made, task)
        assert "Traceback" not in str(result), where
        if told is None and not is_write(*sent[number - 1]):
            assert TASKS[task].is_done(made), where
        if told is None and task not in ("info", "collections"):
            assert result["changed"] is True, where
            assert TASKS[task].is_done(made), where
        if trouble in AGAIN:
            assert told is None, where
        if is_write(*sent[number - 1]) and not heard and trouble not in AGAIN and task != "collections":
            assert told is None or result["error"]["retry"] != "safe", where
        # Whatever it was, the same task run again brings it about.
        made.world.faults.clear()
        made.advance(120)
        again = TASKS[task].run(made)
        assert code(again) is None, (where, again.get("msg"))
        assert TASKS[task].is_done(made), where
        _once(made, task)
        assert all(each.state == "Succeeded" for each in points(made)), where


GONE: dict[str, dict[str, Any]] = {
    "point": {"name": "before", "state": "absent"},
    "collection": {"state": "absent", "force": True},
}


@pytest.mark.parametrize("kind", ["lose_request", "lose_answer"])
@pytest.mark.parametrize("what", GONE)
def test_a_lost_delete_by_id_is_sent_again_once_reading_shows_it_undone(what: str, kind: str) -> None:
    made = bench()
    made.world.faults.add(kind=kind, method="DELETE")
    delete = {"point": point, "collection": collection}[what]
    assert done(delete(made, **GONE[what], settle_time="10s"))["changed"] is True
    assert len(made.sent("DELETE")) == (2 if kind == "lose_request" else 1)
    assert "before" not in names(made)


def test_a_delete_that_stays_lost_is_open() -> None:
    made = bench()
    made.world.faults.add(kind="lose_request", method="DELETE", count=None)
    result = point(made, **GONE["point"], settle_time="10s")
    assert (code(result), len(made.sent("DELETE"))) == ("outcome_unknown", 2)


@pytest.mark.parametrize("gone", [True, False])
def test_a_delete_that_finds_nothing_is_decided_by_reading(gone: bool) -> None:
    made = bench()

    def first(request: httpx.Request) -> None:
        if gone and request.method == "DELETE":
            next(iter(made.world.azure.collections.values())).points.clear()

    made.watch = first
    made.world.faults.add(kind="status", status=404, method="DELETE", body={"error": {"code": "NotFound"}})
    result = point(made, **GONE["point"])
    assert (code(result), result["changed"]) == ((None, False) if gone else ("not_found", False))
