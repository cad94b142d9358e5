# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "checkpoints of a VM" leaves plans, readiness, compensation and undoing to its parts, and passes all on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
    Delete,
    Power,
    Restore,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.kind import VmCheckpoints, made_by
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import VmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan, Step
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import Spec
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import Note, Reversal, Reversals
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Done, Progress
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    SERVICE,
    WEB01,
    NamedStep,
    having,
    ours,
    point,
    present,
    restore,
    steps,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

MADE = ours("a1")
CREATE = Create(WEB01, "it is missing", name="nightly")
OFF = Power(WEB01, "why", on=False)


async def _poll() -> Status:
    raise AssertionError


class Provider:
    """A service on which work is done by three at once, and whose VM is off."""

    capabilities = replace(SERVICE, at_once=(3, 9))

    async def read(self, _vm: object, _purpose: str) -> ObservedVm:
        return having(power="off")

    async def readiness(self, _actual: object, _checkpoint: object) -> Operation:
        return Operation("arm", None, _poll, last=Status("running", "at 40 %"))


def kind(spec: Spec | None = None) -> VmCheckpoints:
    return VmCheckpoints(cast(Any, Provider()), WEB01, spec or present(), 90.0)


@dataclass(frozen=True)
class Swap(NamedStep):
    """A step that another one takes back."""

    name: str = "swap the disks"

    def compensation(self, before: ObservedVm) -> tuple[Step, ...]:
        return (NamedStep(WEB01, "why", f"put back {before.power}"),)


def test_as_many_are_worked_on_at_once_as_the_service_takes() -> None:
    assert (kind().at_once, kind().target) == ((3, 9), WEB01)


def test_a_plan_is_of_the_spec_and_of_what_this_run_has_done() -> None:
    assert steps(kind().plan(having(), Progress())) == ["create nightly"]
    assert steps(kind().plan(having(MADE), Progress())) == []
    back = Restore(WEB01, "why", checkpoint=MADE)
    done = Progress[ObservedVm](begun=(back,), done=(Done(back, "n", Completed(None)),))
    assert steps(kind(restore(power_after="on")).plan(having(MADE), done)) == ["power on"]


def test_a_restore_is_refused_until_its_checkpoint_has_arrived() -> None:
    plan = Plan(WEB01, (Restore(WEB01, "why", checkpoint=MADE),), satisfied_by=MADE)
    with pytest.raises(VmState) as raised:
        virtual(lambda: kind(restore()).require_ready(plan, having(MADE)))
    assert raised.value.message == 'checkpoint "nightly" is not usable yet: its data is still on its way (at 40 %).'
    virtual(lambda: kind().require_ready(plan, having(MADE)))


def test_a_step_is_compensated_from_where_the_vm_was() -> None:
    found = kind().compensation(Swap(WEB01, "why"), having(power="on"))
    assert found == (NamedStep(WEB01, "why", "put back on"),)
    assert kind().compensation(OFF, having(power="on")) == ()


def test_what_this_run_has_made_is_undone() -> None:
    assert MADE.mark is not None
    done = Done(CREATE, MADE.mark.nonce, Completed(MADE))
    found = kind().reversals(having(MADE), Progress(done=(done,)))
    delete = Delete(WEB01, "undo: another VM of the group has failed", checkpoint=MADE)
    assert found == Reversals((Reversal(delete, done),), (), ())


def test_of_two_that_this_run_has_made_the_last_one_counts() -> None:
    both = tuple(Done(CREATE, "n", Completed(each)) for each in (point("m1"), point("m2")))
    assert made_by(Progress(done=both)) == point("m2")


def test_the_vm_is_read_again_for_what_is_said_of_it() -> None:
    progress = Progress[ObservedVm](before=having(power="on"), done=(Done(OFF),))
    note = virtual(lambda: kind().describe_state(having(power="on"), progress))
    said = "The VM was turned off for it, and nothing has turned it on again."
    assert note == Note(said, "Turn the VM on, or have the next run do that (power_after: on).")
    unread = Progress[ObservedVm](before=having(power="on"), open=(OFF,))
    assert virtual(lambda: kind().describe_state(having(), unread)) == note
    last_read = virtual(lambda: kind().describe_state(having(), unread, read=False))
    assert last_read is not None
    assert last_read.text == "Turning the VM off had begun, and it may be off by now."
