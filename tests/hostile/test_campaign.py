# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The campaign itself: a case is one story, every task is met, and a client that breaks a promise is caught."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm import client as _arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import Guid
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.run_options import RunOptions
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import client as _http
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import response as _answer
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.fields import ResourceId
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf import provider as spf
from tests.hostile import mutations
from tests.hostile.campaign import Case, Verdict, chances, play, run
from tests.hostile.invariants import deed_of
from tests.hostile.tasks import TIMEOUT, Task, tasks
from tests.support import lab

TASKS = {task.name: task for task in tasks()}


@pytest.mark.parametrize("name", list(TASKS))
def test_a_task_keeps_every_promise_when_nothing_is_changed(name: str) -> None:
    """And it does something: its answers are worth changing."""
    task = TASKS[name]
    verdict = play(task, Case(name, 10**6, "body", (), "nothing", False))
    assert verdict.broken == ()
    assert not verdict.met
    ending = run(task)
    assert ending.log.heard
    assert task.given(task.make_lab())["wait_timeout"] == TIMEOUT


@pytest.mark.parametrize("name", ["spf restore", "scvmm lock", "compute whole restore", "three VMs"])
def test_a_case_is_one_story(name: str) -> None:
    def outcome() -> list[Any]:
        ending = run(TASKS[name], seed="x")
        return [ending.result, ending.seconds, [(h.method, h.target, h.status, h.body) for h in ending.log.heard]]

    assert outcome() == outcome()


def test_a_case_can_be_printed_and_read_again() -> None:
    case = next(chances(TASKS["spf portal's error"])).case
    assert Case.named(case.name) == case
    assert re.fullmatch(r"[\w-]+", case.name)
    assert {chance.case.part for chance in chances(TASKS["spf portal's error"])} == {"xml", "header", "body"}


def caught(name: str, breaks: str, **of_case: Any) -> Verdict:
    """The first case of a task that shows it; the client as it is shows nothing there."""
    for case in _like(TASKS[name], **of_case):
        verdict = play(TASKS[name], case)
        if any(breaks in line for line in verdict.broken):
            return verdict
    raise AssertionError(f"nothing shows: {breaks}")


def _like(task: Task, **of_case: Any) -> Iterator[Case]:
    for chance in chances(task):
        if all(getattr(chance.case, name) == value for name, value in of_case.items()):
            yield chance.case


def _joined(arm: Any, path: str, api_version: str, **query: str) -> str:
    """A URL that is put together without a look at what it is made of."""
    more = "".join(f"&{name.replace('_', '$', 1)}={value}" for name, value in query.items())
    return f"{arm.base}{path}?api-version={api_version}{more}"


@contextmanager
def passing(kind: Any) -> Iterator[None]:
    """Meanwhile the models let every text pass for one of this kind."""
    check = kind.__metadata__[0].func
    cell = check.__closure__[check.__code__.co_freevars.index("fits")]
    fits, cell.cell_contents = cell.cell_contents, lambda _text: True
    try:
        yield
    finally:
        cell.cell_contents = fits


def test_a_client_that_follows_ids_anywhere_is_caught() -> None:
    with (
        mock.patch.object(_http.Http, "_own", lambda _self, url: httpx.URL(url)),
        mock.patch.object(_arm.Arm, "url", _joined),
        passing(ResourceId),
    ):
        caught("compute create", "somebody else was called", part="json", what="a host's tail")


def test_a_client_that_trips_over_an_answer_is_caught() -> None:
    with passing(Guid):
        verdict = caught("spf absent", "ValueError", part="json", what="text")
    assert verdict.code == "crash"


def test_a_client_that_takes_python_s_json_for_json_is_caught() -> None:
    with mock.patch.object(_answer, "_parse", json.loads):
        caught("scvmm info", "the result is no JSON", part="json", what="surrogate")


def test_a_client_that_shows_what_it_was_sent_is_caught() -> None:
    with mock.patch(
        "ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.diff.printable",
        lambda text, _most: text,
    ):
        caught("spf absent", "not one printable line", part="json", what="controls")
        caught("spf absent", "a line of", part="json", what="long")


def test_a_client_that_writes_in_check_mode_is_caught() -> None:
    fleet: Any = RunOptions.fleet

    def in_earnest(options: Any, deadline: Any, _check_only: bool, *more: Any) -> Any:
        return fleet(options, deadline, False, *more)

    with mock.patch.object(RunOptions, "fleet", in_earnest):
        assert "wrote: " in play(TASKS["spf create (check)"], _harmless("spf create (check)")).broken[0]


def test_a_client_that_sends_twice_is_caught() -> None:
    write = _http.Http.write

    async def twice(self: Any, method: str, url: str, *, context: str, headers: Any, **more: Any) -> Any:
        await write(self, method, url, context=context, headers=headers, **more)
        return await write(self, method, url, context=context, headers=headers, **more)

    with mock.patch.object(_http.Http, "write", twice):
        for name in ("spf create", "scvmm create"):
            assert "creates were taken" in " ".join(play(TASKS[name], _harmless(name)).broken)


def test_a_client_that_does_what_nobody_planned_is_caught() -> None:
    delete = spf.Spf.delete

    async def another(self: Any, vm: Any, checkpoint: Any) -> Any:
        inventory = await self.read(vm, "list")
        return await delete(self, vm, next(c for c in inventory.checkpoints if c.id != checkpoint.id))

    with mock.patch.object(spf.Spf, "delete", another):
        assert "not in the plan: DELETE" in " ".join(play(TASKS["spf absent"], _harmless("spf absent")).broken)


def test_a_client_that_denies_what_it_did_is_caught() -> None:
    run_task: Any = vars(lab)["run_task"]

    async def denied(*given: Any) -> Any:
        return {**await run_task(*given), "changed": False}

    with mock.patch.object(lab, "run_task", denied):
        assert "says unchanged" in " ".join(play(TASKS["spf create"], _harmless("spf create")).broken)


def _harmless(name: str) -> Case:
    return Case(name, 0, "header", ("DataServiceVersion",), "0", False)


def test_every_write_of_the_tasks_is_distinguished() -> None:
    """What the judge takes a request for: a new kind of write must not slip through as another one."""
    deeds = {deed_of(heard)[0] for task in tasks() for heard in run(task).log.heard if heard.writes}
    assert deeds == {
        "create",
        "create collection",
        "create disk",
        "delete",
        "delete disk",
        "patch",
        "power",
        "restore",
        "tag disk",
        "update",
    }


def test_every_place_of_a_document_is_changed_and_nothing_else() -> None:
    document: dict[str, Any] = {"a": [{"b": 1}, {"b": 2}, {"b": 3}], "c": None}
    assert list(mutations.places(document)) == [("a",), ("a", 0), ("a", 0, "b"), ("a", 2), ("a", 2, "b"), ("c",)]
    assert mutations.replaced(document, ("a", 2, "b"), "text") == {"a": [{"b": 1}, {"b": 2}, {"b": "wrong"}], "c": None}
    assert mutations.replaced(document, ("a", 0), "removed") == {"a": [{"b": 2}, {"b": 3}], "c": None}
    assert mutations.replaced(document, ("a", 0), "twice") == {"a": [*document["a"], {"b": 1}], "c": None}
    assert mutations.replaced(document, ("x", 0), "null") is document
    assert document == {"a": [{"b": 1}, {"b": 2}, {"b": 3}], "c": None}
