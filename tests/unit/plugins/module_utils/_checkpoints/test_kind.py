# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "checkpoints of a VM": what is read for what, what is waited for, and what a failed run says of the VM."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
    Delete,
    PinChange,
    Power,
    Restore,
    SetLock,
    SetPin,
    Update,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.kind import (
    VmCheckpoints,
    ends_on,
    made_by,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Forbidden,
    InvalidInput,
    NotFound,
    Unavailable,
    VmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import key_hash
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import PinRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import Spec
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import Note
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Done, Progress
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    SERVICE,
    WEB01,
    NamedStep,
    absent,
    chain,
    having,
    mark,
    ours,
    point,
    present,
    restore,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

MADE = point("m1")
CREATE = Create(WEB01, "", name="nightly")
SAFETY = Create(WEB01, "", name="safety before nightly", safety=True)
BACK = Restore(WEB01, "", checkpoint=MADE)
OFF, ON = Power(WEB01, "", on=False), Power(WEB01, "", on=True)


async def _poll() -> Status:
    raise AssertionError


class Provider:
    """Readings are alike, or an error."""

    def __init__(
        self,
        now: ObservedVm | CheckpointError | None = None,
        capabilities: Capabilities = SERVICE,
        running: Operation | CheckpointError | None = None,
        arrival: Operation | None = None,
    ) -> None:
        self.capabilities = capabilities
        self._now, self._running, self._arrival = now or having(), running, arrival
        self.calls: list[str] = []

    def _read(self, how: str) -> ObservedVm:
        self.calls.append(how)
        if isinstance(self._now, CheckpointError):
            raise self._now
        return self._now

    async def read(self, _vm: object, purpose: str) -> ObservedVm:
        return self._read(f"read for {purpose}")

    async def first_reading(self, _vm: object, purpose: str) -> ObservedVm:
        return self._read(f"first for {purpose}")

    async def read_points(self, _known: object) -> ObservedVm:
        return self._read("points")

    async def current_operation(self, _vm: object) -> Operation | None:
        self.calls.append("operation")
        if isinstance(self._running, CheckpointError):
            raise self._running
        return self._running

    async def readiness(self, _actual: object, _checkpoint: object) -> Operation | None:
        return self._arrival


def kind(spec: Spec | None = None, provider: Provider | None = None, settle_time: float = 90.0) -> VmCheckpoints:
    return VmCheckpoints(cast(Any, provider or Provider()), WEB01, spec or present(), settle_time)


def done(*actions: Action, result: Checkpoint | None = None) -> tuple[Done, ...]:
    return tuple(Done(each, "n", Completed(result)) for each in actions)


@pytest.mark.parametrize(
    ("spec", "purpose", "proving"),
    [
        (present(), "change", "list"),
        (present(max_age="1d"), "change", "list"),
        (present(pin=True), "change", "change"),
        (present(pin=False), "change", "change"),
        (present(pin=True, pin_lock=False), "change", "change"),
        (present(pin_lock=False), "change", "change"),
        (absent(), "change", "list"),
        (absent(checkpoint_id="a", ignore_pin=True), "change", "change"),
        (restore(), "restore", "restore"),
    ],
)
def test_what_is_read_for_what(spec: Spec, purpose: str, proving: str) -> None:
    provider = Provider()
    of = kind(spec, provider)

    async def main() -> None:
        await of.first_reading()
        await of.observe(for_write=True)
        await of.observe(for_write=False)
        await of.prove(having())

    virtual(main)
    proof = "points" if proving == "list" else f"read for {proving}"
    assert provider.calls == [f"first for {purpose}", f"read for {purpose}", f"read for {proving}", proof]


def test_a_wrong_option_and_a_vm_that_is_not_there_concern_the_whole_task() -> None:
    problems = (InvalidInput("x"), NotFound("x"), VmState("x"), Forbidden("x"), Unavailable("x"))
    assert [kind().is_for_all(each) for each in problems] == [True, True, False, False, False]


def test_what_a_list_of_many_has_shown_is_read_again_before_a_write() -> None:
    assert [kind().is_fresh(having(from_list=each)) for each in (True, False)] == [False, True]
    assert [kind().is_busy(having(busy=each)) for each in ("a job", None)] == [True, False]
    assert kind().at_once == SERVICE.at_once


def test_a_job_that_holds_the_vm_is_waited_for_and_named_where_it_outlasts_the_task() -> None:
    running = Operation("job", "j1", _poll)
    for shown in (running, Unavailable("503."), None):
        provider = Provider(running=shown)
        of = kind(provider=provider)

        async def main(given: VmCheckpoints = of) -> Any:
            await given.in_progress(having(busy="a restore"), Progress())
            return await given.in_progress(having(busy="a restore"), Progress())

        observed, held = virtual(main)
        assert (observed, held.context, held.operation) == (having(busy="a restore"), "a restore", None)
        problem = held.at_deadline(600.0)
        assert problem.message == "busy (a restore), still after 10m."
        assert (problem.remedy, problem.changed_nothing) == ("Raise wait_timeout or try again.", True)
        assert problem.operation == (running.to_result() if shown is running else None)
        assert provider.calls == ["operation"] * (1 if shown is running else 2)


def test_the_holder_is_forgotten_once_it_has_gone() -> None:
    provider = Provider(running=Operation("job", "j1", _poll))
    of = kind(provider=provider)

    async def main() -> None:
        for busy in ("a", None, "b"):
            await of.held(having(busy=busy))

    virtual(main)
    assert provider.calls == ["operation"] * 2


def test_data_that_still_arrives_is_waited_for() -> None:
    arrival = Operation("arm", None, _poll)
    of = kind(present(max_age="1d"), Provider(arrival=arrival))
    observed, pending = virtual(lambda: of.in_progress(having(MADE), Progress()))
    assert pending is not None
    assert (pending.context, pending.operation) == ('bringing the data of checkpoint "nightly"', arrival)
    assert [each.usability for each in observed.checkpoints] == ["arriving"]


BLIND = replace(SERVICE, operations_findable=False)


def _young(age: str, settle_time: float, *, begun: bool = False) -> Any:
    both = chain(point("t1", "2d"), point("s1", age, mark=mark("5", age, safety=True, key=key_hash("cab"))))
    there = having(*(replace(each, current=each.id == "t1") for each in both))
    spec = restore(safety_checkpoint=True, restore_key="cab")
    progress = Progress[ObservedVm](begun=(BACK,) if begun else ())
    return virtual(lambda: kind(spec, Provider(capabilities=BLIND), settle_time).in_progress(there, progress))[1]


def test_evidence_that_is_too_young_is_waited_for() -> None:
    pending = _young("30s", 90.0)
    assert (pending.context, pending.seconds, pending.operation) == ("restore_key", 60.0, None)
    problem = pending.at_deadline(600.0)
    assert str(problem) == (
        "restore_key: the safety checkpoint of an earlier run is so young that it may still be in the making, and the "
        "VM does not stand on it; whether the restore ran is not known yet. Run the task again in 1m, or raise "
        "wait_timeout."
    )
    assert _young("30s", 30.5).seconds == 1.0
    assert _young("30s", 30.0) is None
    assert _young("30s", 90.0, begun=True) is None


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ((), None),
        ((SAFETY,), None),
        ((CREATE,), MADE),
        ((CREATE, SAFETY), MADE),
    ],
)
def test_what_this_run_has_made(actions: tuple[Action, ...], expected: Checkpoint | None) -> None:
    assert made_by(Progress(done=done(*actions, result=MADE))) == expected


def test_what_a_task_ends_on() -> None:
    there, old = point("a1"), replace(MADE, description="as it was")
    now = having(there, replace(MADE, description="as it is"))
    plan = Plan(WEB01, (), satisfied_by=there)

    def ended(*of: Done, given: Plan = plan, observed: ObservedVm = now) -> Checkpoint | None:
        return ends_on(given, Progress(done=of), observed)

    assert ended() == there
    assert ended(given=Plan(WEB01, ())) is None
    assert ended(*done(SAFETY, result=MADE)) == there
    assert ended(*done(CREATE, result=old)) == old
    assert ended(*done(CREATE, result=old), *done(OFF)) == old
    assert ended(*done(CREATE, result=old), *done(Update(WEB01, "", checkpoint=old))) == now.checkpoints[1]
    assert ended(*done(CREATE, result=old), *done(Delete(WEB01, "", checkpoint=there)), observed=having()) == old
    assert ended(*done(Restore(WEB01, "", checkpoint=old))) == now.checkpoints[1]
    assert ended(*done(Restore(WEB01, "", checkpoint=old)), observed=having()) == old
    assert ended(*done(Update(WEB01, "", checkpoint=there)), given=Plan(WEB01, ())) is None


def described(progress: Progress[ObservedVm], provider: Provider | None = None, *, read: bool = True) -> Note | None:
    of = kind(restore(), provider)
    return virtual(lambda: of.describe_state(having(power="on"), progress, read=read))


def off(power: Any = "off") -> Provider:
    return Provider(having(power=power))


PIN = SetPin(WEB01, "", checkpoint=Checkpoint(id="", name="nightly"), pin=PinChange(PinRequest()))
LOCK = SetLock(WEB01, "", checkpoint=Checkpoint(id="", name="nightly"))
UNLOCK_OLD = SetLock(WEB01, "superseded", checkpoint=Checkpoint(id="a0", name="nightly"), on=False)
AGAIN = "The next run pins the one that exists."


@pytest.mark.parametrize(
    ("begun", "carried_out", "open_", "said"),
    [
        ((CREATE, PIN), (CREATE,), (), 'Checkpoint "nightly" (m1) is not pinned.'),
        ((CREATE, PIN), (CREATE,), (PIN,), 'Checkpoint "nightly" (m1) may not be pinned.'),
        (
            (CREATE, PIN, LOCK),
            (CREATE, PIN),
            (),
            'Checkpoint "nightly" (m1) is not locked, though pinned.',
        ),
        (
            (CREATE, PIN, LOCK),
            (CREATE, PIN),
            (LOCK,),
            'Checkpoint "nightly" (m1) may not be locked, though pinned.',
        ),
        ((CREATE, PIN), (CREATE, PIN), (), None),
        ((CREATE,), (CREATE,), (), None),
        ((PIN,), (), (), None),
        ((SAFETY, PIN), (SAFETY,), (), None),
        ((), (), (), None),
        ((CREATE, OFF), (CREATE,), (), None),
        ((CREATE, UNLOCK_OLD), (CREATE,), (), None),  # about an older one that goes
    ],
)
def test_a_checkpoint_that_was_to_be_pinned_is_not_left_in_silence(
    begun: tuple[Action, ...], carried_out: tuple[Action, ...], open_: tuple[Action, ...], said: str | None
) -> None:
    progress = Progress[ObservedVm](begun=begun, done=done(*carried_out, result=MADE), open=open_)
    assert described(progress) == (None if said is None else Note(said, AGAIN))


TURN_ON = "Turn the VM on, or have the next run do that (power_after: on)."
TURNED_OFF = "The VM was turned off for it, and nothing has turned it on again."
MAY_BE = "Turning the VM off had begun, and it may be off by now."
MAY_STILL_BE_OFF = "The VM was turned off for it, and may still be off."
NOT_YET_ON = "The VM was turned off for it, and is not shown as on yet."
IS_OFF, LEFT_OFF = "The VM is off; it ran when the task began.", "The VM may be off; it ran when the task began."
LOOK = "Look whether the VM is on; if not, turn it on, or have the next run do that (power_after: on)."


@pytest.mark.parametrize(
    ("carried_out", "open_", "power", "note"),
    [
        ((OFF,), (), "off", Note(TURNED_OFF, TURN_ON)),
        ((OFF,), (), "unknown", Note(TURNED_OFF, TURN_ON)),
        ((OFF,), (), None, Note(TURNED_OFF, TURN_ON)),
        ((OFF,), (), "on", None),
        ((OFF, ON), (), "off", None),
        ((OFF, BACK, ON), (), "off", None),
        ((OFF,), (ON,), "off", Note(NOT_YET_ON, LOOK)),
        ((OFF,), (ON,), "unknown", Note(MAY_STILL_BE_OFF, LOOK)),
        ((OFF,), (ON,), None, Note(MAY_STILL_BE_OFF, LOOK)),
        ((OFF,), (BACK,), "off", Note(TURNED_OFF, TURN_ON)),
        ((), (OFF,), "off", Note(TURNED_OFF, TURN_ON)),
        ((), (OFF,), "on", Note(MAY_BE, LOOK)),
        ((), (OFF,), None, Note(MAY_BE, LOOK)),
        ((BACK,), (), "off", Note(IS_OFF, TURN_ON)),
        ((BACK,), (), "unknown", Note(LEFT_OFF, LOOK)),
        ((BACK,), (), None, Note(LEFT_OFF, LOOK)),
        ((BACK,), (), "on", None),
        ((), (BACK,), "on", Note(LEFT_OFF, LOOK)),
        ((BACK,), (ON,), "off", Note(IS_OFF, TURN_ON)),
        ((OFF, BACK), (), "off", Note(TURNED_OFF, TURN_ON)),
        ((SAFETY, OFF), (), "off", Note(TURNED_OFF, TURN_ON)),
        ((SAFETY, BACK), (), "off", Note(IS_OFF, TURN_ON)),
        ((SAFETY,), (OFF,), None, Note(MAY_BE, LOOK)),
        ((CREATE, OFF), (), "off", Note(TURNED_OFF, TURN_ON)),
    ],
)
def test_a_vm_that_is_off_is_not_left_so_in_silence(
    carried_out: tuple[Action, ...], open_: tuple[Action, ...], power: Any, note: Note | None
) -> None:
    progress = Progress(before=having(power="on"), done=done(*carried_out), open=open_)
    assert described(progress, Provider(Unavailable("503.")) if power is None else off(power)) == note
    if power is None:
        assert described(progress, off("on"), read=False) == note


@pytest.mark.parametrize("before", [None, having(power="off"), having(power="unknown")])
def test_a_restore_of_a_vm_that_did_not_run_leaves_nothing_off(before: ObservedVm | None) -> None:
    assert described(Progress(before=before, done=done(BACK)), off()) is None
    assert described(Progress(before=before, done=done(OFF)), off()) == Note(TURNED_OFF, TURN_ON)


@dataclass(frozen=True)
class Stage(NamedStep):
    """A step of a restore that says where the VM stands."""

    name: str = "swap"
    run: str = "r1"

    @property
    def restore_run_id(self) -> str:
        return self.run

    def describe_state(self, before: ObservedVm, now: ObservedVm) -> str:
        return "" if now.power == "unknown" else f"It was {before.power} and is {now.power}."


def test_a_restore_in_several_steps_says_where_the_vm_stands() -> None:
    progress = Progress(before=having(power="on"), begun=(Stage(WEB01, "why"),))
    again = "The same task, run again, continues from there."
    assert described(progress, off()) == Note("It was on and is off.", again)
    assert described(progress, Provider(Unavailable("503."))) == Note("When last read: It was on and is on.", again)
    assert described(progress, off(), read=False) == Note("When last read: It was on and is on.", again)
    assert described(progress, off("unknown")) is None
    assert described(Progress(begun=(Stage(WEB01, "why"),)), off()) == Note("It was off and is off.", again)
    assert described(Progress(begun=(Stage(WEB01, "why", run=""),)), off()) is None


def test_drift_of_the_plan_and_of_what_was_written_is_kept() -> None:
    planned = ({"field": "x"},)
    written = ours("a1", description="shortened")
    update = Update(WEB01, "", checkpoint=written, description="asked")

    def drift(plan: Plan | None, *of: Done) -> Any:
        execution = cast(Any, SimpleNamespace(progress=Progress[ObservedVm](plan=plan, done=of)))
        return virtual(lambda: kind().readiness(having(written), execution)).drift

    found = {"field": "description", "desired": "asked", "actual": "shortened"}
    assert drift(Plan(WEB01, (), drift=planned), *done(update)) == ({"field": "x"}, found)
    assert drift(Plan(WEB01, (), drift=planned)) == planned
    assert drift(None, *done(update)) == (found,)
    assert drift(None) is None
