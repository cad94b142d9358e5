# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which job a write has started, which one a VM shows as its latest, and which one was to make a checkpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.jobs import Jobs
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import answer, virtual

ID, TASK, OTHER = (f"{letter}b9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10" for letter in ("a", "b", "c"))
ZEROS = "00000000-0000-0000-0000-000000000000"
WHO = VM(reference="web01", name="web01", id=ID, canonical=ID, provider="spf", service="s")
MACHINE = {"ID": ID.upper(), "MostRecentTaskId": TASK.upper()}
JOB = {"ID": TASK.upper(), "TargetObjectID": ID, "CmdletName": "New-SCVMCheckpoint", "Status": "Running"}
DATE = "Fri, 20 Nov 2026 08:00:10 GMT"


class Queries:
    """An SPF that lists these, whatever it is asked for."""

    def __init__(self, machines: Any = (MACHINE,), jobs: Any = (JOB,)) -> None:
        self.machines, self.jobs = machines, jobs
        self.asked: list[tuple[str, str | None]] = []

    async def find(self, kind: Any, entities: str, condition: str | None, context: str) -> Any:
        self.asked.append((entities, condition))
        rows = self.machines if entities == "VirtualMachines" else self.jobs
        return [kind.model_validate(row) for row in rows], answer(200, b"", x_ms_request_id="read")

    async def find_any(self, *_given: Any) -> None:
        return None


def using(queries: Any, act: Callable[[Jobs], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await act(Jobs(queries))

    return virtual(main)


def begun(queries: Queries, *, wait: float = 0.0, work: str = "create", **headers: str) -> tuple[Operation, Status]:
    """What an accepted write has started, and the first look at it after a while."""

    async def act(jobs: Jobs) -> tuple[Operation, Status]:
        await trio.sleep(100)  # the clock of a task stands anywhere
        operation = jobs.started(answer(202, b"", **headers), WHO, trio.current_time(), work)
        await trio.sleep(wait)
        return operation, await operation.poll()

    found: tuple[Operation, Status] = using(queries, act)
    return found


def test_the_job_is_the_one_that_the_answer_names() -> None:
    queries = Queries()
    operation, status = begun(queries, x_ms_request_id=TASK.upper())
    assert (operation.kind, operation.id, operation.request_id) == ("job", TASK, TASK.upper())
    assert (status.state, status.request_id) == ("running", "read")
    assert queries.asked == [("Jobs", f"ID eq guid'{TASK}'")]


@pytest.mark.parametrize("named", [ZEROS, "r-1", f"{{{TASK}}}", ""])
def test_what_names_no_job_leaves_it_to_the_vm(named: str) -> None:
    queries = Queries()
    operation, status = begun(queries, x_ms_request_id=named)
    assert (operation.kind, operation.id, status.state) == ("job", TASK, "running")
    assert operation.request_id == (named if named not in ("", ZEROS) else None)
    assert queries.asked == [("VirtualMachines", f"ID eq guid'{ID}'"), ("Jobs", f"ID eq guid'{TASK}'")]


@pytest.mark.parametrize(
    ("queries", "work", "headers", "found"),
    [
        (Queries(), "create", {}, True),
        (Queries(), "delete", {}, False),
        (Queries(jobs=[{**JOB, "TargetObjectID": OTHER}]), "create", {}, False),
        (Queries(jobs=[{**JOB, "ID": OTHER}]), "create", {}, False),
        (Queries(jobs=[]), "create", {}, False),
        (Queries(machines=[]), "create", {}, False),
        (Queries(machines=[{**MACHINE, "ID": OTHER}]), "create", {}, False),
        (Queries(machines=[{**MACHINE, "MostRecentTaskId": "x"}]), "create", {}, False),
        (Queries(machines=[{**MACHINE, "MostRecentTaskId": None}]), "create", {}, False),
        (Queries(jobs=[{**JOB, "StartTime": "2026-11-20T08:00:05Z"}]), "create", {"date": DATE}, True),
        (Queries(jobs=[{**JOB, "StartTime": "2026-11-20T08:00:04Z"}]), "create", {"date": DATE}, False),
        (Queries(jobs=[{**JOB, "StartTime": "2026-11-20T08:00:04Z"}]), "create", {}, True),
        (Queries(jobs=[{**JOB, "StartTime": None}]), "create", {"date": DATE}, True),
    ],
)
def test_without_a_name_it_is_the_vm_s_latest_of_that_verb_that_began_since(
    queries: Queries, work: str, headers: dict[str, Any], found: bool
) -> None:
    operation, status = begun(queries, work=work, **headers)
    if found:
        assert (operation.id, status.state, status.text) == (TASK, "running", "Running")
    else:
        assert (operation.id, status.state, status.text) == (None, "running", "not visible yet")


@pytest.mark.parametrize("headers", [{}, {"x_ms_request_id": OTHER}])
@pytest.mark.parametrize(
    ("wait", "state", "text"), [(59.5, "running", "not visible yet"), (60.0, "unknown", "not visible")]
)
def test_a_job_may_be_listed_within_a_minute(headers: dict[str, str], wait: float, state: str, text: str) -> None:
    _operation, status = begun(Queries(jobs=[]), wait=wait, **headers)
    assert (status.state, status.text) == (state, text)


def test_a_failure_of_what_may_be_another_run_s_is_none_of_the_write() -> None:
    failed = Queries(jobs=[{**JOB, "Status": "Failed"}])
    _operation, status = begun(failed)
    assert status == Status("unknown", "Failed")
    assert begun(failed, x_ms_request_id=TASK)[1].state == "failed"
    assert begun(Queries(jobs=[{**JOB, "Status": "Completed"}]))[1].state == "succeeded"


def current(queries: Queries) -> Operation | None:
    found: Operation | None = using(queries, lambda jobs: jobs.current_operation(WHO))
    return found


def test_the_vm_s_latest_task_is_its_operation_where_it_is_about_checkpoints() -> None:
    job = {**JOB, "StartTime": "2026-11-20T08:00:05Z", "ProgressValue": 7}
    found = current(Queries(jobs=[job]))
    assert found is not None
    assert (found.kind, found.id, found.work, found.last.percent, found.joined) == ("job", TASK, "create", 7, False)
    assert str(found.began) == "2026-11-20 08:00:05+00:00"
    assert current(Queries(jobs=[{**JOB, "CmdletName": "Read-SCVirtualMachine"}])) is None
    assert current(Queries(machines=[])) is None


@pytest.mark.parametrize(
    ("job", "work", "state"),
    [
        (JOB, "create", "running"),
        ({**JOB, "CmdletName": "Read-SCVirtualMachine"}, "other", "running"),
        ({**JOB, "Status": "Completed"}, "create", "succeeded"),
        (None, None, "running"),
    ],
)
def test_a_task_that_is_not_listed_yet_tells_its_work_once_it_is(job: Any, work: str | None, state: str) -> None:
    queries = Queries(jobs=[])

    async def act(jobs: Jobs) -> tuple[Operation, Status]:
        operation = await jobs.current_operation(WHO)
        assert operation is not None
        assert (operation.id, operation.work, operation.last) == (TASK, None, Status("unknown", "not visible"))
        queries.jobs = [job] if job else []
        return operation, await operation.poll()

    operation, status = using(queries, act)
    assert (operation.work, status.state) == (work, state)


POINT = Checkpoint(OTHER, "nightly")
MAKES = {**JOB, "ResultObjectID": OTHER.upper()}
FAILED = {**MAKES, "ID": ID, "Status": "Failed", "ErrorInfo": {"Problem": "The disk is full."}}


@pytest.mark.parametrize(
    ("jobs", "found"),
    [
        ([], None),
        ([MAKES], (TASK, "running", "")),
        ([{**MAKES, "Status": "Completed"}], None),
        ([{**MAKES, "Status": "Odd", "IsCompleted": True}], None),
        ([{**MAKES, "ResultObjectID": TASK}], None),
        ([{**MAKES, "ResultObjectID": None}], None),
        ([{**MAKES, "ResultObjectID": f"{OTHER}0"}], None),
        ([{**MAKES, "CmdletName": "Remove-SCVMCheckpoint"}], None),
        ([{**MAKES, "CmdletName": "New-SCVirtualMachine"}], None),
        ([FAILED], (ID, "failed", "creating it failed: The disk is full")),
        ([FAILED, MAKES], (ID, "running", "")),
        ([FAILED, {**MAKES, "Status": "Completed"}], None),
    ],
)
def test_the_job_that_was_to_make_a_checkpoint(jobs: list[Any], found: tuple[str, str, str] | None) -> None:
    queries = Queries(jobs=jobs)
    operation = using(queries, lambda made: made.creation(WHO, POINT))
    assert queries.asked == [("Jobs", f"ResultObjectID eq guid'{OTHER}'")]
    if found is None:
        assert operation is None
    else:
        assert (operation.id, operation.last.state, operation.last.message) == found
        assert (operation.kind, operation.joined) == ("job", True)
