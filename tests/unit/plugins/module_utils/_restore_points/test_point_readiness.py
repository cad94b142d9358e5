# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run waits for behind a restore point, and what it then says of the point that came."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline, Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.execution import Execution
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import PointEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.inputs import PointInputs
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.point import (
    ObservedPoint,
    RestorePoint,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._restore_points.service import (
    HERE,
    Service,
    asked_point,
    machine,
    point,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

WINDOWS = {"storageProfile": {"osDisk": {"osType": "Windows"}}}
COPIED: dict[str, Any] = {"sourceRestorePoint": {"id": "/s"}}
CRASH, FILES = {"consistencyMode": "CrashConsistent"}, {"consistencyMode": "FileSystemConsistent"}
CAME = "application consistency was asked for, and {} came."


def _arrived(percent: int) -> dict[str, Any]:
    rows = [{"replicationStatus": {"completionPercent": percent}}]
    return {**COPIED, "instanceView": {"diskRestorePoints": rows}}


def led_to(
    before: ObservedPoint,
    *later: PointEntity | None,
    wait: bool = True,
    adopted: bool = False,
    operation: Operation | None = None,
    **options: Any,
) -> tuple[Completed, Execution[ObservedPoint], list[str]]:
    """What the run ends with, what it has waited for, and what it has waited for by name; `later` is what comes."""
    readings, heard = list(later), list[str]()
    service = Service(p=readings)
    kind = RestorePoint(service.client, asked_point(**options), HERE)

    async def main() -> tuple[Completed, Execution[ObservedPoint], list[str]]:
        policy = WaitPolicy(Deadline(600), wait=wait, report=lambda waiting: heard.append(waiting.context))
        execution = Execution(
            lambda: kind.observe(for_write=False),
            policy,
            Progress[ObservedPoint](),
            "it",
            required_next=False,
            adopted=adopted,
            own=(),
            is_busy=lambda _now: False,
        )
        execution.operation = operation
        ended = await kind.readiness(before, execution)
        assert readings == []
        return ended, execution, heard

    return virtual(main)


@pytest.mark.parametrize(
    ("now", "options"),
    [(None, {}), (point("Creating"), {"state": "absent"}), (point("Failed"), {"state": "absent"})],
)
def test_nothing_is_waited_for_where_there_is_nothing_to_use(now: PointEntity | None, options: dict[str, Any]) -> None:
    ended, execution, heard = led_to(ObservedPoint(now), **options)
    assert (ended, execution.operation, heard) == (Completed(), None, [])


def test_a_point_that_is_there_is_not_waited_for() -> None:
    ended, execution, heard = led_to(ObservedPoint(point()))
    assert (ended, execution.operation, heard) == (Completed(), None, [])


@pytest.mark.parametrize(("options", "context"), [({}, "making it"), ({"source_restore_point": "q"}, "copying it")])
def test_a_point_is_waited_for_until_all_of_it_has_arrived(options: dict[str, Any], context: str) -> None:
    done = point(**_arrived(100))
    later = [point("Creating"), point(**_arrived(40)), done, done]
    ended, execution, heard = led_to(ObservedPoint(point("Creating", **COPIED)), *later, **options)
    assert (ended, heard) == (Completed(), [context] * 3)
    assert execution.operation is not None
    assert (execution.operation.kind, execution.operation.id) == ("restore point", "p")
    assert execution.operation.last == Status("succeeded", "succeeded", percent=100)
    assert execution.observed == ObservedPoint(done)


def test_a_task_that_does_not_wait_names_what_it_has_begun() -> None:
    ended, execution, heard = led_to(ObservedPoint(point("Creating", **CRASH)), wait=False)
    assert (ended, heard) == (Completed(), [])
    assert execution.operation is not None
    assert execution.operation.last == Status("running", "creating")


def test_a_task_that_does_not_wait_keeps_the_operation_of_its_write() -> None:
    async def poll() -> Status:
        raise AssertionError

    own = Operation("operation", "1", poll)
    _ended, execution, _heard = led_to(ObservedPoint(point("Creating")), wait=False, operation=own)
    assert execution.operation is own


def test_a_removal_that_has_halted_is_no_end_of_it() -> None:
    _ended, execution, _heard = led_to(ObservedPoint(point("DeletingHalted")), wait=False)
    assert execution.operation is not None


def test_a_task_that_waits_waits_for_the_point_itself() -> None:
    async def poll() -> Status:
        raise AssertionError

    own = Operation("operation", "1", poll)
    _ended, execution, _heard = led_to(ObservedPoint(point("Creating")), point(), point(), operation=own)
    assert execution.operation is not own


@pytest.mark.parametrize(
    ("before", "later", "line"),
    [
        (point("Failed"), [], "it was made, and it failed. Run the task again: a failed point is removed and made "),
        (point("Failed", provisioningDetails={}), [], "it was made, and it failed. Run the task again: a failed "),
        (
            point("Failed", provisioningDetails={"statusMessage": "Quota."}),
            [],
            "it was made, and it failed (Quota.). Run the task again: a failed ",
        ),
        (point("Deleting"), [], "it was there, and is being removed. Look at it before you run the task again."),
        (point("Creating"), [point("Failed")] * 2, "it was made, and it failed. Run the task again: a failed point "),
        (point("Creating"), [point("Deleting")] * 2, "it was there, and is being removed. Look at it before you run "),
        (point("Creating"), [None] * 2, "it was there, and is gone again. Look at it before you run the task again."),
    ],
)
def test_a_point_that_cannot_be_used_is_an_error(
    before: PointEntity, later: list[PointEntity | None], line: str
) -> None:
    with pytest.raises(CheckpointError) as raised:
        led_to(ObservedPoint(before), *later)
    assert str(raised.value).startswith(line)


@pytest.mark.parametrize(
    ("now", "inputs", "came"),
    [
        (point(**CRASH), PointInputs(), "CrashConsistent"),
        (point(**FILES), PointInputs(), None),
        (point(**FILES), PointInputs(vm=machine(os_type="Windows")), "FileSystemConsistent"),
        (point(**FILES), PointInputs(vm=machine(os_type="Linux")), None),
        (point(**FILES, sourceMetadata=WINDOWS), PointInputs(), "FileSystemConsistent"),
    ],
)
def test_a_point_that_is_less_consistent_than_asked_for(
    now: PointEntity, inputs: PointInputs, came: str | None
) -> None:
    before = ObservedPoint(now, inputs=inputs)
    warnings = () if came is None else (CAME.format(came),)
    assert led_to(before)[0] == Completed(warnings=warnings)
    assert led_to(ObservedPoint(now, inputs=inputs, judged=True))[0] == Completed()
    assert led_to(before, consistency="crash")[0] == Completed()


def test_a_point_that_was_waited_for_is_judged_as_it_came() -> None:
    came = point(**CRASH)
    assert led_to(ObservedPoint(point("Creating")), came, came)[0].warnings == (CAME.format("CrashConsistent"),)


def test_less_consistency_than_asked_for_may_be_an_error() -> None:
    with pytest.raises(CheckpointError) as raised:
        led_to(ObservedPoint(point(**CRASH)), on_downgrade="fail")
    assert str(raised.value) == (
        "application consistency was asked for, and CrashConsistent came. The restore point is kept. "
        "Check the VM's agent, or set on_downgrade: warn."
    )


def test_what_was_found_behind_a_lost_answer_is_held_against_the_spec() -> None:
    inputs = PointInputs({"instant_access_duration": 90}, machine(os_type="Windows"))
    before = ObservedPoint(point(**FILES), inputs=inputs)
    drift = (
        {"field": "instant_access_duration", "desired": 90, "actual": None},
        {"field": "consistency", "desired": "application", "actual": "FileSystemConsistent"},
    )
    assert led_to(before, adopted=True)[0] == Completed(warnings=(CAME.format("FileSystemConsistent"),), drift=drift)
    assert led_to(before)[0].drift is None
