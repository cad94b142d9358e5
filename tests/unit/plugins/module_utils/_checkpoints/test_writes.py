# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each action on a checkpoint sends, what a reading must show of it, and what is said where it does not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
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
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.kind import VmCheckpoints
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.writes import drift_after
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import NotVerified
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import join
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin, PinRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import WriteRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Done, Progress
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    SERVICE,
    WEB01,
    NamedStep,
    ago,
    chain,
    having,
    hidden,
    mark,
    ours,
    point,
    present,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

OLD = point("a1", description="before")
PIN = Pin()


@dataclass(frozen=True)
class Shown(NamedStep):
    """A step that is done once the VM is off."""

    name: str = "swap the disks"
    shows: dict[str, Any] = field(default_factory=dict)

    def is_done(self, observed: ObservedVm) -> bool:
        return observed.power == "off"


class Provider:
    """Notes every call."""

    capabilities = SERVICE

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        async def call(*given: Any) -> None:
            self.calls.append((name, *given))

        return call


def request(
    action: Action, observed: ObservedVm | None = None, progress: Progress[ObservedVm] | None = None
) -> tuple[WriteRequest[ObservedVm], Provider]:
    provider = Provider()
    kind = VmCheckpoints(cast(Any, provider), WEB01, present(), 10.0)
    return kind.write(action, observed or having(OLD), progress or Progress()), provider


def sent(found: tuple[WriteRequest[ObservedVm], Provider]) -> tuple[Any, ...]:
    virtual(cast(Any, found[0].send))
    (call,) = found[1].calls
    return call


def made(checkpoint: Checkpoint | None) -> Progress[ObservedVm]:
    return Progress(done=(Done(Create(WEB01, "", name="nightly"), "n", Completed(checkpoint)),))


def test_what_is_no_action_of_a_checkpoint_is_refused() -> None:
    @dataclass(frozen=True)
    class Other(Action):
        verb = "paint"

        def details(self) -> dict[str, Any]:
            return {}

        def title(self) -> str:
            return "paint it"

    with pytest.raises(TypeError, match=r"^no write carries out 'paint'$"):
        request(Other(WEB01, "why"))


def test_an_update_sends_the_whole_text_and_is_proven_by_it() -> None:
    marked = ours("a1", description="before")
    found = request(Update(WEB01, "", checkpoint=marked, description="after"), having(marked))
    assert found[0].context == 'updating checkpoint "nightly"'
    assert sent(found) == ("update", WEB01, marked, join("after", marked.mark))
    after = having(replace(marked, description="after"))
    assert found[0].verified(after)
    assert not found[0].verified(having(marked))
    assert not found[0].verified(having())
    assert found[0].notes(after) == found[0].notes(having()) == ()
    assert found[0].remains is not None
    assert [found[0].remains(now).changed for now in (after, having(marked))] == [True, False]


def test_another_text_than_was_sent_is_said() -> None:
    found, _provider = request(Update(WEB01, "", checkpoint=OLD, description="after"))
    odd = having(replace(OLD, description="AFTER"))
    assert found.verified(odd)
    assert found.notes(odd) == ('the service keeps another description of checkpoint "nightly" than it was sent.',)


@pytest.mark.parametrize("described", [None, "after"])
def test_a_pin_in_a_mark_is_proven_by_the_mark(described: str | None) -> None:
    marked = ours("a1", description="before")
    assert marked.mark is not None
    pinned = replace(marked, mark=marked.mark.with_pin(PIN), description=described or "before")
    change = PinChange(PinRequest(), None, PIN)
    found = request(Update(WEB01, "", checkpoint=marked, description=described, pin=change), having(marked))
    assert sent(found)[3] == join(described or "before", pinned.mark)
    assert found[0].verified(having(pinned))
    assert not found[0].verified(having(replace(pinned, mark=marked.mark)))
    assert found[0].verified(having(replace(pinned, description="before"))) is (described is None)


def test_a_description_alone_leaves_the_pin_in_its_mark() -> None:
    marked = ours("a1", mark=mark("a1", pin=True))
    found = request(Update(WEB01, "", checkpoint=marked, description="after"), having(marked))
    assert sent(found)[3] == join("after", marked.mark)
    assert found[0].verified(having(replace(marked, description="after", mark=None)))


def test_a_pin_of_its_own_is_proven_by_what_the_service_keeps() -> None:
    found = request(SetPin(WEB01, "", checkpoint=OLD, pin=PinChange(PinRequest(), None, PIN)))
    assert found[0].context == 'pinning checkpoint "nightly"'
    assert sent(found) == ("pin", having(OLD), OLD, PIN)
    assert [found[0].verified(having(*now)) for now in ([], [OLD], [replace(OLD, kept=PIN)])] == [False, False, True]


def test_a_pin_that_is_lifted() -> None:
    kept = replace(OLD, kept=PIN)
    found = request(SetPin(WEB01, "", checkpoint=kept, pin=PinChange(None, PIN)), having(kept))
    assert found[0].context == 'lifting the pin of checkpoint "nightly"'
    assert sent(found) == ("pin", having(kept), kept, None)
    assert [found[0].verified(having(*now)) for now in ([], [OLD], [kept])] == [False, True, False]


@pytest.mark.parametrize("created", [ago("3h"), None])
def test_a_new_one_is_pinned_from_its_creation_on(created: Any) -> None:
    """Its own time counts; where the service tells none, that of the reading."""
    new = replace(OLD, created=created)
    action = SetPin(
        WEB01, "", checkpoint=Checkpoint(id="", name="nightly"), pin=PinChange(PinRequest(timedelta(hours=1)))
    )
    found = request(action, having(new), made(new))
    assert sent(found)[2:] == (new, Pin((created or NOW) + timedelta(hours=1)))


@pytest.mark.parametrize(("on", "verb"), [(True, "locking"), (False, "unlocking")])
def test_a_lock(on: bool, verb: str) -> None:
    found = request(SetLock(WEB01, "", checkpoint=OLD, on=on))
    assert found[0].context == f'{verb} checkpoint "nightly"'
    assert sent(found) == ("lock", having(OLD), OLD, on)
    locked = replace(OLD, locked=True)
    assert [found[0].verified(having(*now)) for now in ([], [OLD], [locked])] == [False, not on, on]
    assert (found[0].may_resend is None) is on
    assert found[0].may_resend is None or found[0].may_resend(having(locked))


@pytest.mark.parametrize("result", [None, point("b2")])
def test_what_was_to_be_pinned_and_has_gone(result: Checkpoint | None) -> None:
    for new in (Checkpoint(id="", name="nightly"), point("c3")):
        with pytest.raises(NotVerified) as raised:
            request(SetLock(WEB01, "", checkpoint=new), progress=made(result))
        assert str(raised.value) == (
            'checkpoint "nightly" was to be pinned, and is not there any more. Look who has removed it.'
        )


def test_a_delete_is_by_id_and_proven_by_a_list() -> None:
    found = request(Delete(WEB01, "", checkpoint=OLD))
    assert found[0].context == 'deleting checkpoint "nightly" (a1)'
    assert sent(found) == ("delete", WEB01, OLD)
    again = replace(OLD, created=ago("1m"))
    for now, gone, replan in ((having(), True, False), (having(OLD), False, False), (having(again), True, True)):
        assert (found[0].verified(now), found[0].replan(now)) == (gone, replan)
        assert found[0].remains is not None
        assert found[0].remains(now).changed is gone
    assert found[0].may_resend is not None
    assert (found[0].may_resend(having(OLD)), found[0].met_by_others) == (True, True)


def test_one_more_without_an_id_is_not_gone() -> None:
    found, _provider = request(Delete(WEB01, "", checkpoint=OLD))
    assert not found.verified(having(hidden()))
    found, _provider = request(Delete(WEB01, "", checkpoint=OLD), having(OLD, hidden()))
    assert found.verified(having(hidden()))


@pytest.mark.parametrize("by_plan", [True, False])
def test_a_delete_that_takes_our_own_along_is_an_error(by_plan: bool) -> None:
    kept = point("k1", name="kept")
    plan = Plan(WEB01, (), satisfied_by=kept if by_plan else None)
    done = () if by_plan else made(kept).done + made(None).done
    progress = Progress[ObservedVm](plan=plan, done=done)
    found, _provider = request(Delete(WEB01, "", checkpoint=OLD))
    execution = cast(Any, SimpleNamespace(progress=progress))

    async def complete(*now: Checkpoint) -> Completed:
        assert found.complete is not None
        return await found.complete(having(*now), execution)

    assert virtual(lambda: complete(kept)) == Completed()
    with pytest.raises(NotVerified) as raised:
        virtual(complete)
    assert str(raised.value) == (
        'checkpoint "kept" (k1) was there and has gone with "nightly" (a1). Look at the VM\'s checkpoints; this '
        "service seems to remove with one what stands on it."
    )


def test_a_delete_of_our_own_or_without_any_is_none() -> None:
    found, _provider = request(Delete(WEB01, "", checkpoint=OLD))
    for plan in (None, Plan(WEB01, (), satisfied_by=None), Plan(WEB01, (), satisfied_by=OLD)):
        execution = cast(Any, SimpleNamespace(progress=Progress[ObservedVm](plan=plan)))

        async def complete(given: Any = execution) -> Completed:
            assert found.complete is not None
            return await found.complete(having(), given)

        assert virtual(complete) == Completed()


def tree(current: str | None, *, known: bool = True, **fields: Any) -> ObservedVm:
    """A safety checkpoint on the target, and the VM on one of them."""
    both = chain(point("t1", "2h"), point("s2", "1h", **fields))
    return having(*(replace(each, current=each.id == current) for each in both), current_known=known)


class Reads:
    """An execution whose readings are all alike."""

    def __init__(self, now: ObservedVm) -> None:
        self.now, self.asked = now, list[int | None]()

    async def until(self, verified: Any, tries: int | None = None) -> tuple[ObservedVm, bool]:
        self.asked.append(tries)
        return self.now, bool(verified(self.now))


def restored(
    before: ObservedVm, now: ObservedVm, later: ObservedVm, *, keyed: bool = False
) -> tuple[list[int | None], tuple[str, ...]]:
    """How long the pointer was looked for, and what is warned of."""
    target = before.checkpoints[0]
    found, _provider = request(Restore(WEB01, "", checkpoint=target, has_restore_key=keyed), before)
    reads = Reads(later)

    async def complete() -> Completed:
        assert found.complete is not None
        return await found.complete(now, cast(Any, reads))

    return reads.asked, virtual(complete).warnings


def test_a_restore_is_sent_once_and_proven_by_its_operation() -> None:
    before = tree("s2")
    found = request(Restore(WEB01, "", checkpoint=before.checkpoints[0]), before)
    assert found[0].context == 'restoring to checkpoint "nightly" (t1)'
    assert sent(found) == ("restore", WEB01, before.checkpoints[0])
    assert (found[0].proof, found[0].reading_can_prove, found[0].may_resend) == ("operation", True, None)
    assert [found[0].verified(tree(each)) for each in ("s2", "t1", None)] == [False, True, False]
    standing, _provider = request(Restore(WEB01, "", checkpoint=before.checkpoints[0]), tree("t1"))
    unknown, _provider = request(Restore(WEB01, "", checkpoint=before.checkpoints[0]), tree("s2", known=False))
    for each in (standing, unknown):
        assert (each.reading_can_prove, each.verified(tree("t1"))) == (False, False)


@pytest.mark.parametrize(
    ("before", "now", "asked"),
    [
        (tree("s2"), tree("s2"), True),
        (tree("s2"), tree("t1"), False),
        (tree("t1"), tree("s2"), False),
        (tree("s2", known=False), tree("s2"), False),
        (tree("s2"), tree(None, known=False), False),
    ],
)
def test_the_pointer_is_looked_for_only_where_it_had_to_move(before: ObservedVm, now: ObservedVm, asked: bool) -> None:
    assert restored(before, now, tree("t1")) == ([3] if asked else [], ())


def test_with_a_restore_key_the_pointer_is_waited_for() -> None:
    assert restored(tree("s2"), tree("s2"), tree("t1"), keyed=True) == ([None], ())


@pytest.mark.parametrize(
    ("keyed", "safety", "on", "again"),
    [
        (True, True, "s2", True),
        (False, True, "s2", False),
        (True, False, "s2", False),
        (True, True, None, False),
    ],
)
def test_a_pointer_that_does_not_move_is_said(keyed: bool, safety: bool, on: str | None, again: bool) -> None:
    there = tree(on, mark=mark("5afe", safety=safety))
    more = "; a run with the same restore_key would therefore restore again" if again else ""
    (_tries,), said = restored(tree("s2"), tree("s2"), there, keyed=keyed)
    assert said == (f"the restore was reported as done, but the service does not show the VM on t1 (nightly){more}.",)


def test_adapters_that_come_back_without_a_network_are_named_each() -> None:
    before = replace(tree("s2"), unplugged=frozenset({"n0"}))
    found, _provider = request(Restore(WEB01, "", checkpoint=before.checkpoints[0]), before)
    assert found.notes(before) == ()
    assert found.notes(replace(before, unplugged=frozenset({"n2", "n0", "n1"}))) == tuple(
        f"the restore brought network adapter {each} back without a network; connect it." for each in ("n1", "n2")
    )


@pytest.mark.parametrize(("on", "state"), [(True, "on"), (False, "off")])
def test_power(on: bool, state: Any) -> None:
    found = request(Power(WEB01, "", on=on))
    assert found[0].context == f"turning the VM {state}"
    assert sent(found) == ("power", WEB01, on)
    other = cast(Any, "off" if on else "on")
    assert [found[0].verified(having(power=each)) for each in (state, other)] == [True, False]
    after_loss = found[0].verified_after_loss
    assert after_loss is not None
    assert [after_loss(having(power=each)) for each in (state, other)] == [True, False]
    assert not after_loss(having(power=state, busy="a job"))


def test_a_step_is_done_when_it_shows_and_after_a_loss_once_nothing_is_at_work() -> None:
    step = Shown(WEB01, "why")
    found = request(step)
    assert found[0].context == "doing: swap the disks"
    assert sent(found) == ("execute_step", step, having(OLD))
    after_loss = found[0].verified_after_loss
    assert after_loss is not None
    done, busy, not_yet = having(power="off"), having(power="off", busy="a job"), having(power="on")
    assert [found[0].verified(each) for each in (done, busy, not_yet)] == [True, True, False]
    assert [after_loss(each) for each in (done, busy, not_yet)] == [True, False, False]


def test_drift_is_told_of_what_this_run_has_written_alone() -> None:
    new = replace(OLD, description="shortened")
    for action, result in (
        (Create(WEB01, "", name="nightly", description="asked"), OLD),
        (Update(WEB01, "", checkpoint=OLD, description="asked"), None),
    ):
        progress = Progress[ObservedVm](done=(Done(action, "n", Completed(result)),))
        assert drift_after(progress, having(new)) == (
            {"field": "description", "desired": "asked", "actual": "shortened"},
        )
        assert drift_after(progress, having(replace(OLD, description="asked"))) == drift_after(progress, having()) == ()
    silent = (
        Done(Create(WEB01, "", name="nightly", description="asked"), "n", Completed(None)),
        Done(Create(WEB01, "", name="nightly"), "n", Completed(OLD)),
        Done(Update(WEB01, "", checkpoint=OLD)),
        Done(Delete(WEB01, "", checkpoint=OLD)),
        Done(Power(WEB01, "")),
    )
    assert drift_after(Progress(done=silent), having(new)) == ()
    asked = Done(Update(WEB01, "", checkpoint=OLD, description="asked"))
    assert len(drift_after(Progress(done=(*silent, asked)), having(new))) == 1
