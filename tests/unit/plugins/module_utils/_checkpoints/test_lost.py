# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a lost answer the operation that the VM shows is ours only if nothing says that it is an older one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.lost import started_since
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, State, Status
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import NOW, WEB01

BEFORE = ObservedVm(WEB01, (), now=NOW)


def found(
    before: ObservedVm = BEFORE,
    *,
    state: State = "succeeded",
    work: str | None = "create",
    began: datetime | None = None,
    own: bool = False,
) -> bool:
    async def poll() -> Status:
        raise AssertionError

    shown = Operation("arm", "op-2", poll, last=Status(state), began=began, work=work)

    async def current(_vm: object) -> Operation:
        return shown

    provider: Any = SimpleNamespace(current_operation=current)
    execution: Any = SimpleNamespace(is_own=lambda _operation: own)
    return anyio.run(started_since(provider, before, "create"), execution) is shown


def test_one_that_runs_is_taken_up() -> None:
    assert found(state="running")


@pytest.mark.parametrize("state", ["running", "succeeded"])
def test_what_the_vm_showed_before_the_write_is_an_older_one(state: State) -> None:
    assert not found(replace(BEFORE, last_operation="OP-2"), state=state, began=NOW)


def test_another_one_than_the_vm_showed_before_is_newer_whatever_its_clock_says() -> None:
    assert found(replace(BEFORE, last_operation="op-1"), began=NOW - timedelta(days=1))


@pytest.mark.parametrize(("seconds", "taken"), [(-2.0, False), (-1.0, True), (0.0, True), (5.0, True), (None, False)])
def test_of_one_that_has_ended_its_beginning_decides(seconds: float | None, taken: bool) -> None:
    """The Date header counts whole seconds."""
    began = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert found(began=began) is taken


def test_one_that_is_not_listed_yet_may_be_the_lost_one() -> None:
    assert found(replace(BEFORE, last_operation="op-1"), state="unknown", work=None)
    assert found(BEFORE, state="unknown", work=None)
    assert not found(replace(BEFORE, last_operation="op-2"), state="unknown", work=None)


@pytest.mark.parametrize("before", ["op", "op-22"])
def test_an_id_that_is_only_alike_is_another_operation(before: str) -> None:
    assert found(replace(BEFORE, last_operation=before))


def test_where_the_vm_shows_no_operation_none_is_taken_up() -> None:
    async def current(_vm: object) -> None:
        return None

    provider: Any = SimpleNamespace(current_operation=current)
    execution: Any = SimpleNamespace(is_own=lambda _operation: False)
    assert anyio.run(started_since(provider, BEFORE, "create"), execution) is None


def test_another_verb_or_one_of_this_run_is_not_taken_up() -> None:
    assert not found(state="running", work="delete")
    assert not found(state="running", own=True)


@pytest.mark.parametrize(("work", "state"), [(None, "succeeded"), ("create", "succeeded"), ("restore", "unknown")])
def test_what_turns_out_to_be_other_work_proves_nothing(work: str | None, state: State) -> None:
    async def poll() -> Status:
        shown.work = work
        return Status("succeeded")

    shown = Operation("job", "job-2", poll, last=Status("unknown"))

    async def main() -> Status:
        async def current(_vm: object) -> Operation:
            return shown

        provider: Any = SimpleNamespace(current_operation=current)
        execution: Any = SimpleNamespace(is_own=lambda _operation: False)
        operation = await started_since(provider, BEFORE, "create")(execution)
        assert operation is not None
        return await operation.poll()

    assert anyio.run(main).state == state
