# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes on what a service keeps otherwise than it was sent, and whose answer was lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
    PinChange,
    Restore,
    SetPin,
    Update,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.kind import VmCheckpoints
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin, PinRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import WriteRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Progress
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    SERVICE,
    WEB01,
    chain,
    having,
    mark,
    ours,
    point,
    present,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

OLD = point("a1", description="before")
HOURS = PinRequest(timedelta(hours=1))


async def _poll() -> Status:
    raise AssertionError


class Provider:
    """Notes what is written; one operation runs on its VM."""

    capabilities = SERVICE

    def __init__(self, work: str | None = None) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.running = Operation("job", "j1", _poll, last=Status("running"), work=work)

    async def update(self, *given: Any) -> None:
        self.sent.append(given)

    async def pin(self, *given: Any) -> None:
        self.sent.append(given)

    async def current_operation(self, _vm: object) -> Operation:
        return self.running


def request(action: Action, observed: ObservedVm, provider: Provider) -> WriteRequest[ObservedVm]:
    return VmCheckpoints(cast(Any, provider), WEB01, present(), 10.0).write(action, observed, Progress())


def sent(action: Action, observed: ObservedVm) -> tuple[Any, ...]:
    provider = Provider()
    virtual(cast(Any, request(action, observed, provider).send))
    (call,) = provider.sent
    return call


@pytest.mark.parametrize(
    ("asked", "kept", "proven"),
    [
        ("after", "after", True),
        ("after", "AFTER", True),
        ("after", "something else", True),
        ("after", "before", False),
        ("before", "before", True),
    ],
)
def test_a_description_is_written_once_it_is_another_one_or_the_one_that_was_asked_for(
    asked: str, kept: str, proven: bool
) -> None:
    found = request(Update(WEB01, "", checkpoint=OLD, description=asked), having(OLD), Provider())
    assert found.verified(having(replace(OLD, description=kept))) is proven


def test_a_text_that_is_cut_where_it_ended_before_is_known_by_the_mark_that_went_with_the_rest() -> None:
    before = ours("a1", description="x" * 100)
    found = request(Update(WEB01, "", checkpoint=before, description="x" * 101), having(before), Provider())
    assert [found.verified(having(each)) for each in (before, replace(before, mark=None))] == [False, True]


def test_what_bears_no_mark_is_given_none_for_a_pin() -> None:
    change = PinChange(PinRequest(), None, Pin())
    assert sent(Update(WEB01, "", checkpoint=OLD, description="after", pin=change), having(OLD))[2] == "after"


@pytest.mark.parametrize("after", [Pin(NOW + timedelta(hours=5)), None])
def test_a_pin_whose_end_was_planned_ends_then(after: Pin | None) -> None:
    """Of one whose end nobody could plan, the end follows from the time that is read now."""
    pinned = sent(SetPin(WEB01, "", checkpoint=OLD, pin=PinChange(HOURS, None, after)), having(OLD))
    assert pinned[2] == (after or Pin(NOW))


@pytest.mark.parametrize(
    ("action", "work"),
    [(Create(WEB01, "", name="nightly"), "create"), (Restore(WEB01, "", checkpoint=OLD), "restore")],
)
def test_after_a_lost_answer_the_work_of_that_kind_is_looked_for(action: Action, work: str) -> None:
    execution: Any = SimpleNamespace(is_own=lambda _operation: False)
    for runs, taken in ((work, True), ("delete", False)):
        provider = Provider(runs)
        found = request(action, having(OLD), provider)

        async def look(given: WriteRequest[ObservedVm] = found) -> Operation | None:
            assert given.find_lost is not None
            return await given.find_lost(execution)

        assert virtual(look) is (provider.running if taken else None)


def test_a_safety_checkpoint_below_the_one_that_the_vm_stands_on_makes_a_run_restore_again() -> None:
    points = chain(OLD, point("s2", mark=mark("5afe", safety=True)), point("c3"))
    there = having(*points[:2], replace(points[2], current=True), current_known=True)
    found = request(Restore(WEB01, "", checkpoint=points[0], has_restore_key=True), there, Provider())

    async def until(_verified: object, _tries: int | None) -> tuple[ObservedVm, bool]:
        return there, False

    async def complete() -> tuple[str, ...]:
        assert found.complete is not None
        return (await found.complete(there, cast(Any, SimpleNamespace(until=until)))).warnings

    assert virtual(complete) == (
        "the restore was reported as done, but the service does not show the VM on a1 (nightly); a run with the same "
        "restore_key would therefore restore again.",
    )
