# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every spec and every world: plans converge, keep what is not ours, and stay in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
    Delete,
    Restore,
    Update,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.diff import as_planned
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.planner import plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.approval import Approval
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan, digest, to_result
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import Absent, Present, Spec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    SERVICE,
    absent,
    chain,
    having,
    mark,
    point,
    present,
    restore,
)

names = st.sampled_from(["nightly", "weekly"])
pins = st.sampled_from([None, None, Pin(), Pin(NOW - timedelta(days=1)), Pin(NOW + timedelta(days=1))])
ages = st.sampled_from([None, "1h", "3h", "5h", "9h", "2d"])


@st.composite
def worlds(draw: st.DrawFn) -> ObservedVm:
    """Up to six checkpoints, ours and others', dated or not, usable or not, in one line or side by side."""
    points = []
    for number in range(draw(st.integers(0, 6))):
        managed = draw(st.booleans())
        points.append(
            point(
                f"{number}a",
                draw(ages),
                name=draw(names),
                description=draw(st.sampled_from(["", "words"])),
                usability=draw(st.sampled_from(["usable", "usable", "unusable", "unknown", "arriving"])),
                mark=mark(f"{number}").with_pin(draw(pins)) if managed else None,
            )
        )
    return having(*(chain(*points) if draw(st.booleans()) else points), power="on")


presents = st.builds(
    present,
    description=st.sampled_from([None, "", "words", "new"]),
    max_age=st.sampled_from([None, "2h", "4h"]),
    supersede=st.booleans(),
    on_ambiguous=st.sampled_from(["fail", "newest", "oldest", "all"]),
    pin=st.sampled_from([None, None, False]),
) | st.builds(
    present,
    description=st.sampled_from([None, "new"]),
    max_age=st.sampled_from([None, "2h"]),
    pin=st.just(True),
    pin_until=st.sampled_from([None, "1h", "1d", "2026-11-21T12:00:00Z", "2026-11-19T12:00:00Z"]),
)
selects = st.sampled_from(
    ["oldest", {"older_than": "4h"}, {"which": "latest", "managed": True}, {"name_matches": "n.*"}, {"pinned": False}]
)
absents = st.builds(absent, on_ambiguous=st.sampled_from(["fail", "newest", "oldest", "all"])) | st.builds(
    absent, select=selects
)
restores = st.builds(
    restore,
    safety_checkpoint=st.booleans(),
    if_running=st.sampled_from(["proceed", "stop"]),
    power_after=st.sampled_from([None, "on", "off", "previous"]),
    on_ambiguous=st.sampled_from(["fail", "newest", "oldest"]),
)
specs: st.SearchStrategy[Spec] = st.one_of(presents, absents, restores)


def plan_or_none(spec: Spec, world: ObservedVm) -> Plan | None:
    try:
        return plan(spec, world, SERVICE)
    except CheckpointError:
        return None


def carried_out(made: Plan, world: ObservedVm) -> ObservedVm:
    """The world after every step went well."""
    points = list(world.checkpoints)
    for action in made.writes:
        if isinstance(action, Create):
            pin = action.pin.for_creation(NOW) if action.pin else None
            bears = mark("e", "0s").with_pin(pin)
            new = Checkpoint("new", action.name, action.description or "", "h", created=NOW, mark=bears)
            points.append(new)
        elif isinstance(action, Update):
            new = as_planned(action.checkpoint, [action])
            points = [new if c.id == new.id else c for c in points]
        elif isinstance(action, Delete):
            points = [c for c in points if c.id != action.checkpoint.id]
    return replace(world, checkpoints=tuple(points))


def _means_another_each_time(wish: Spec) -> bool:
    return isinstance(wish, Absent) and wish.select is not None and wish.select.which is not None


@given(absents, worlds())
def test_absent_removes_nothing_that_is_pinned_but_by_its_id(wish: Absent, world: ObservedVm) -> None:
    made = plan_or_none(wish, world)
    for action in made.writes if made else ():
        assert isinstance(action, Delete)
        assert not world.is_pinned(action.checkpoint)


@given(st.one_of(presents, absents), worlds())
def test_what_is_carried_out_is_not_asked_for_again(spec: Spec, world: ObservedVm) -> None:
    # absent with newest or oldest means one more each time: only `fail` and `all` name a state.
    assume(isinstance(spec, Present) or (spec.on_ambiguous in ("fail", "all") and not _means_another_each_time(spec)))
    made = plan_or_none(spec, world)
    assume(made is not None)
    assert made is not None
    assert plan(spec, carried_out(made, world), SERVICE).writes == ()


@given(presents, worlds())
def test_present_deletes_nothing_that_is_not_ours_or_is_pinned_or_of_another_name(
    spec: Present, world: ObservedVm
) -> None:
    made = plan_or_none(spec, world)
    for action in made.writes if made else ():
        if isinstance(action, Delete):
            assert spec.supersede
            assert action.checkpoint.mark is not None
            assert not world.is_pinned(action.checkpoint)
            assert action.checkpoint.name == spec.name


@given(presents, worlds())
def test_present_never_ends_without_a_checkpoint_that_was_there_and_usable(spec: Present, world: ObservedVm) -> None:
    made = plan_or_none(spec, world)
    if made and any(c.name == spec.name and c.usable for c in world.checkpoints):
        assert any(c.name == spec.name and c.usable for c in carried_out(made, world).checkpoints)


@given(specs, worlds())
def test_steps_come_in_the_order_create_restore_delete(spec: Spec, world: ObservedVm) -> None:
    made = plan_or_none(spec, world)
    rank = {Create: 0, Update: 0, Restore: 1, Delete: 2}
    order = [rank[type(action)] for action in (made.writes if made else ()) if type(action) in rank]
    assert order == sorted(order)
    gone = [a.checkpoint.created for a in (made.writes if made else ()) if isinstance(a, Delete)]
    dated = [moment for moment in gone if moment is not None]
    assert dated == sorted(dated)
    assert None not in gone[len(gone) - len(dated) :]


@given(specs, worlds())
def test_a_plan_is_the_same_whenever_it_is_made_and_passes_its_own_approval(spec: Spec, world: ObservedVm) -> None:
    made = plan_or_none(spec, world)
    assume(made is not None)
    assert made is not None
    again = plan(spec, world, SERVICE)
    assert again == made
    assert digest([again]) == digest([made]) == to_result([made])["digest"]
    Approval(to_result([made])).check([again])
    Approval(digest([made])).check([again])


@given(restores, worlds())
def test_a_restore_deletes_nothing_and_goes_to_one_usable_checkpoint(spec: Spec, world: ObservedVm) -> None:
    made = plan_or_none(spec, world)
    if made:
        assert [a.checkpoint.usable for a in made.writes if isinstance(a, Restore)] == [True]
        assert not any(isinstance(a, Delete | Update) for a in made.writes)
