# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken back of a group that failed: only what is proven to be this run's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Create, Delete, Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.undo import reversals
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import Ownership
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Done, Progress
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    WEB01,
    having,
    hidden,
    mark,
    ours,
    point,
)

NONCE = "abc000000000"
CREATE = Create(WEB01, "it is missing", name="nightly")
MADE = point("m1", "1h", mark=mark("abc"))
UNMARKED = point("m1", "1h", owned=Ownership(True))
"""As on Azure, where a fixed name has no room for a nonce."""


def done(made: Checkpoint | None, *, created: bool = False) -> Done:
    return Done(CREATE, NONCE, Completed(made), created)


def undone(progress: Progress[ObservedVm], *points: Checkpoint) -> tuple[list[str], int, int]:
    """The ids that go, how many are gone already, and how many nobody can prove to be this run's."""
    found = reversals(having(*points), progress)
    ids = [each.action.checkpoint.id for each in found.writes if isinstance(each.action, Delete)]
    return ids, len(found.gone), len(found.unproven)


def after(*actions: Done, before: tuple[Checkpoint, ...] = ()) -> Progress[ObservedVm]:
    return Progress(before=having(*before), done=actions)


def test_what_bears_this_runs_nonce_goes() -> None:
    older = ours("a1", "5h")
    assert undone(after(done(MADE), before=(older,)), older, MADE) == (["m1"], 0, 0)
    assert undone(Progress(done=(done(MADE),)), MADE) == (["m1"], 0, 0)


def test_a_power_step_is_nothing_to_take_back() -> None:
    assert undone(after(Done(Power(WEB01, "on")))) == ([], 0, 0)


def test_what_is_gone_is_nothing_to_take_back() -> None:
    assert undone(after(done(MADE))) == ([], 1, 0)


def test_what_has_lost_its_mark_stays() -> None:
    bare = replace(MADE, mark=None)
    assert undone(after(done(bare)), bare) == ([], 0, 1)


def test_what_was_there_before_stays_whatever_it_claims() -> None:
    assert undone(after(done(MADE), before=(MADE,)), MADE) == ([], 0, 1)


@pytest.mark.parametrize(("before", "now"), [("M1", "m1"), ("m1", "M1")])
def test_an_id_is_the_same_in_any_case(before: str, now: str) -> None:
    there = replace(MADE, id=now)
    assert undone(after(done(there), before=(replace(MADE, id=before),)), there) == ([], 0, 1)
    gone = Done(Delete(WEB01, "in the way", checkpoint=replace(MADE, id=before)))
    assert undone(after(gone, done(there), before=(there,)), there) == ([now], 0, 0)


def test_what_is_shown_without_an_id_stays_and_is_told() -> None:
    shown = hidden(mark=mark("abc"))
    assert undone(after(done(shown)), shown) == ([], 0, 1)
    assert undone(after(done(MADE)), shown) == ([], 1, 0)
    assert undone(after(done(shown)), MADE) == ([], 0, 1)


def test_where_another_one_bears_the_nonce_both_stay() -> None:
    made = after(done(UNMARKED, created=True))
    assert undone(made, UNMARKED, replace(MADE, id="m2")) == ([], 0, 1)


def test_what_was_shown_with_a_nonce_is_known_by_nothing_less() -> None:
    assert undone(after(done(MADE, created=True)), replace(MADE, mark=None)) == ([], 0, 1)


def test_two_of_one_nonce_both_stay() -> None:
    assert undone(after(done(MADE)), MADE, replace(MADE, id="m2")) == ([], 0, 1)


def test_another_one_that_bears_the_nonce_stays() -> None:
    assert undone(after(done(MADE)), replace(MADE, id="m2")) == ([], 1, 0)


def test_what_somebody_has_pinned_since_stays() -> None:
    assert undone(after(done(MADE)), replace(MADE, mark=mark("abc", pin=True))) == ([], 0, 1)


def test_a_fixed_name_goes_where_the_service_said_that_it_was_created() -> None:
    assert undone(after(done(UNMARKED, created=True)), UNMARKED) == (["m1"], 0, 0)
    assert undone(after(done(UNMARKED)), UNMARKED) == ([], 0, 1)


def test_a_fixed_name_that_was_made_anew_stays() -> None:
    again = replace(UNMARKED, created=point("x", "2m").created)
    assert undone(after(done(UNMARKED, created=True)), again) == ([], 0, 1)
    timeless = replace(UNMARKED, created=None)
    assert undone(after(done(timeless, created=True)), timeless) == ([], 0, 1)


def test_one_that_replaced_a_failed_one_of_its_name_goes() -> None:
    """The failed one was in the way and had the same id."""
    failed = replace(UNMARKED, usability="unusable")
    first = Done(Delete(WEB01, "in the way", checkpoint=failed))
    assert undone(after(first, done(UNMARKED, created=True), before=(failed,)), UNMARKED) == (["m1"], 0, 0)


def test_one_of_which_only_its_making_is_known_goes_by_its_nonce_alone() -> None:
    """It exists, and waiting for it failed."""
    assert undone(after(done(None)), MADE) == (["m1"], 0, 0)
    assert undone(after(done(None, created=True)), UNMARKED) == ([], 0, 1)


def test_what_a_failed_create_left_goes_if_it_bears_the_nonce() -> None:
    failed = Progress(before=having(), open=(CREATE,), failed=(done(None),))
    assert undone(failed, MADE) == (["m1"], 0, 0)
    assert undone(failed, replace(MADE, mark=None)) == ([], 0, 1)
    assert undone(failed, point("other", name="weekly")) == ([], 0, 0)
    assert undone(failed) == ([], 0, 0)


def test_what_an_open_create_may_have_made_stays() -> None:
    assert undone(Progress(before=having(), open=(CREATE,)), MADE) == ([], 0, 1)
    assert undone(Progress(before=having(), open=(Power(WEB01, "on"),)), MADE) == ([], 0, 0)


def test_of_two_of_the_same_second_the_one_that_it_was_shown_goes() -> None:
    other = replace(UNMARKED, id="m2")
    assert undone(after(done(UNMARKED, created=True)), other, UNMARKED) == (["m1"], 0, 0)


def test_a_create_without_a_nonce_has_made_nothing_that_bears_one() -> None:
    bare = Done(CREATE, "", Completed(MADE))
    assert undone(after(bare), MADE) == ([], 0, 1)
