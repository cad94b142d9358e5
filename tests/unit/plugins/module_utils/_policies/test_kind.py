# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "series of checkpoints": which of them are asked about, what is waited for, and what is left short."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    InvalidInput,
    NoSlotYet,
    NotFound,
    TooManyDeletes,
    VmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import InProgress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Done, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.actions import RemovePoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.kind import VmPolicy
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.specs import PolicySpec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    SERVICE,
    WEB01,
    having,
    ours,
    point,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual


async def _poll() -> Status:
    raise AssertionError


RUNNING, FAILED = (Operation("arm", None, _poll, last=Status(state)) for state in ("running", "failed"))


class Provider:
    """A service that shows some checkpoints as still arriving, or as failed."""

    capabilities = SERVICE

    def __init__(self, shown: Mapping[str, Operation] | None = None) -> None:
        self.shown = dict(shown or {})
        self.asked: list[str] = []
        self.read_for: list[str] = []

    async def readiness(self, _actual: object, checkpoint: Checkpoint) -> Operation | None:
        self.asked.append(checkpoint.id)
        return self.shown.get(checkpoint.id)

    async def current_operation(self, _vm: object) -> None:
        return None

    async def read(self, _vm: object, purpose: str) -> ObservedVm:
        self.read_for.append(purpose)
        return having()

    async def first_reading(self, _vm: object, purpose: str) -> ObservedVm:
        self.read_for.append(f"first for {purpose}")
        return having()

    async def read_points(self, _known: object) -> ObservedVm:
        self.read_for.append("points")
        return having()


def policy(provider: Provider | None = None, patience: float = 600.0, **options: Any) -> VmPolicy:
    spec = validate_options(PolicySpec, {"prefix": "nightly", "max_age": "1d", **options})
    return VmPolicy(cast(Any, provider or Provider()), WEB01, spec, 10.0, patience)


def waits(of: VmPolicy, observed: ObservedVm) -> tuple[ObservedVm, InProgress | None]:
    return virtual(lambda: of.in_progress(observed, Progress()))


SERIES = [ours("a1", "1h"), ours("b2", "2h"), ours("c3", "3h"), ours("d4", "4h")]


@pytest.mark.parametrize(("min_good", "asked"), [(1, ["a1"]), (2, ["a1", "b2"]), (9, ["a1", "b2", "c3", "d4"])])
def test_the_newest_are_asked_about_until_there_are_enough(min_good: int, asked: list[str]) -> None:
    provider = Provider()
    waits(policy(provider, min_good=min_good), having(*reversed(SERIES)))
    assert provider.asked == asked


def test_what_has_failed_is_of_others_or_of_unknown_time_is_not_asked_about() -> None:
    provider = Provider()
    failed, undated = replace(SERIES[0], usability="unusable"), ours("e5", created=None)
    waits(policy(provider, min_good=9), having(failed, point("x"), undated, SERIES[1]))
    assert provider.asked == ["b2"]


def test_one_that_is_open_for_another_reason_is_not_good_enough() -> None:
    provider = Provider()
    waits(policy(provider), having(replace(SERIES[0], usability="unknown"), SERIES[1], SERIES[2]))
    assert provider.asked == ["a1", "b2"]


def test_a_fresh_one_that_is_still_arriving_is_waited_for() -> None:
    provider = Provider({"a1": RUNNING})
    observed, pending = waits(policy(provider), having(SERIES[0]))
    assert pending == InProgress('bringing the data of checkpoint "nightly"', RUNNING)
    assert [each.usability for each in observed.checkpoints] == ["arriving"]


@pytest.mark.parametrize(
    ("options", "age"), [({"max_age": "30m"}, "1h"), ({"max_age": None, "keep": {"last": 1}}, "1h"), ({}, "25h")]
)
def test_one_that_would_not_do_is_not_waited_for(options: dict[str, Any], age: str) -> None:
    provider = Provider({"a1": RUNNING})
    observed, pending = waits(policy(provider, **options), having(ours("a1", age)))
    assert (pending, [each.usability for each in observed.checkpoints]) == (None, ["arriving"])


def test_one_that_is_just_young_enough_is_waited_for() -> None:
    assert waits(policy(Provider({"a1": RUNNING}), max_age="1h"), having(SERIES[0]))[1] is not None


def test_of_several_the_newest_is_waited_for() -> None:
    later = Operation("arm", "later", _poll)
    pending = waits(policy(Provider({"a1": later, "b2": RUNNING})), having(*SERIES))[1]
    assert pending is None  # c3 is whole, and fresh
    pending = waits(policy(Provider({"a1": later, "b2": RUNNING})), having(*SERIES[:2]))[1]
    assert pending is not None
    assert pending.operation is later


def test_one_whose_data_could_not_be_copied_has_failed() -> None:
    of = policy(Provider({"a1": FAILED}))
    observed, pending = waits(of, having(*SERIES[:2]))
    assert (pending, [each.usability for each in observed.checkpoints]) == (None, ["unusable", "usable"])
    assert [each.id for each in of.audit(having(*SERIES[:2]), Progress()).failed] == ["a1"]
    fresh = waits(of, having(SERIES[1]))[0]
    assert [each.usability for each in fresh.checkpoints] == ["usable"]


def test_the_next_create_is_waited_for_where_one_is_due() -> None:
    opens = NOW + timedelta(seconds=90)
    pending = waits(policy(), having(next_create=opens))[1]
    assert pending is not None
    assert (pending.context, pending.pause, pending.operation) == ("the wait for the next create", 91.0, None)
    assert (pending.plan_meanwhile, pending.blocks_writes) == (True, True)
    assert pending.at_deadline is not None
    problem = pending.at_deadline(60.0)
    assert isinstance(problem, NoSlotYet)
    assert "the next one at 2026-11-20T12:01:30Z" in problem.message
    assert "wait_timeout is 1m" in problem.message
    assert waits(policy(), having(SERIES[0], next_create=opens))[1] is None
    assert waits(policy(), having(next_create=NOW))[1] is None
    assert waits(policy(), having())[1] is None


def test_a_job_that_holds_the_vm_comes_first() -> None:
    pending = waits(policy(Provider({"a1": RUNNING})), having(SERIES[0], busy="a restore"))[1]
    assert pending is not None
    assert pending.context == "a restore"
    assert [policy().is_busy(having(busy=each)) for each in ("a job", None)] == [True, False]


def test_what_is_left_is_told_by_the_plan() -> None:
    of = policy(max_age=None, keep={"last": 1}, max_deletes=2)
    made = of.plan(having(*SERIES), Progress())
    assert made.writes == ()
    assert isinstance(made.shortfall, TooManyDeletes)
    assert of.plan(having(*SERIES[:2]), Progress()).shortfall is None


def test_what_was_allotted_bounds_a_plan_that_is_made_again() -> None:
    of = policy(max_age=None, keep={"last": 1})
    of.allotted = 2
    assert of.plan(having(*SERIES), Progress()).writes == ()
    of.allotted = 3
    assert len(of.plan(having(*SERIES), Progress()).writes) == 3


def test_a_slot_beyond_the_task_s_time_is_refused() -> None:
    later = having(next_create=NOW + timedelta(seconds=90))
    assert policy(patience=90.0).plan(later, Progress()).writes
    with pytest.raises(NoSlotYet):
        policy(patience=89.0).plan(later, Progress())


def test_it_reads_and_fails_as_any_checkpoint_of_a_vm() -> None:
    provider = Provider()
    of = policy(provider)

    async def main() -> None:
        await of.first_reading()
        await of.observe(for_write=True)
        await of.observe(for_write=False)
        await of.prove(having())

    virtual(main)
    assert provider.read_for == ["first for change", "change", "list", "points"]
    assert [of.is_for_all(each) for each in (InvalidInput("x"), NotFound("x"), VmState("x"))] == [True, True, False]
    assert [of.is_fresh(having(from_list=each)) for each in (True, False)] == [False, True]
    assert of.at_once == SERVICE.at_once


def test_it_is_about_the_vm_and_writes_to_as_many_as_the_service_takes() -> None:
    provider = Provider()
    provider.capabilities = replace(SERVICE, at_once=(3, 7))
    of = policy(provider)
    assert (of.target, of.vm, of.at_once, of.capabilities) == (WEB01, WEB01, (3, 7), provider.capabilities)


def test_what_the_run_has_removed_counts_where_it_plans_again() -> None:
    of = policy(max_age=None, keep={"last": 1}, max_deletes=3)
    removed = Done(RemovePoint(WEB01, "not kept", checkpoint=ours("e5", "5h")))
    assert len(of.plan(having(*SERIES), Progress()).writes) == 3
    assert of.plan(having(*SERIES), Progress(done=(removed,))).writes == ()
    assert len(of.plan(having(*SERIES[:3]), Progress(done=(removed,))).writes) == 2


def test_what_was_begun_within_the_limit_goes_on_where_more_has_become_due() -> None:
    of = policy(max_age=None, keep={"last": 1}, max_deletes=2)
    within = of.plan(having(*SERIES[:3]), Progress())
    assert len(within.writes) == 2
    planned = Progress[ObservedVm](plan=within)
    assert of.plan(having(*SERIES), planned).writes == ()
    assert of.plan(having(*SERIES), planned.begins(within.writes[0])).writes == within.writes


def test_a_write_is_that_of_any_checkpoint() -> None:
    removal = RemovePoint(WEB01, "not kept", checkpoint=SERIES[1])
    request = policy().write(removal, having(*SERIES), Progress())
    assert request.context == 'deleting checkpoint "nightly" (b2)'
    assert request.verified(having(SERIES[0]))
    assert not request.verified(having(*SERIES))


def test_what_was_shown_as_arriving_is_forgotten_when_it_is_asked_about_anew() -> None:
    provider = Provider({"a1": RUNNING})
    of = policy(provider)
    assert [each.usability for each in waits(of, having(SERIES[0]))[0].checkpoints] == ["arriving"]
    provider.shown.clear()
    assert [each.usability for each in waits(of, having(SERIES[0]))[0].checkpoints] == ["usable"]


def test_of_the_same_time_the_greater_id_is_asked_about_first() -> None:
    provider = Provider()
    twins = [replace(SERIES[0], id=each) for each in ("b1", "c1", "a1")]
    waits(policy(provider, min_good=9), having(*twins))
    assert provider.asked == ["c1", "b1", "a1"]


def test_one_that_has_failed_is_not_waited_for() -> None:
    observed, pending = waits(policy(Provider({"a1": FAILED})), having(SERIES[0]))
    assert (pending, [each.usability for each in observed.checkpoints]) == (None, ["unusable"])
    pending = waits(policy(Provider({"a1": FAILED, "b2": RUNNING})), having(*SERIES[:2]))[1]
    assert pending is not None
    assert pending.operation is RUNNING


def test_only_one_of_known_age_would_do_and_only_where_one_is_asked_for() -> None:
    undated = ours("e5", created=None)
    assert [policy()._would_do(each, having(each)) for each in (SERIES[0], undated)] == [True, False]
    assert not policy(max_age=None, keep={"last": 1})._would_do(SERIES[0], having(SERIES[0]))
