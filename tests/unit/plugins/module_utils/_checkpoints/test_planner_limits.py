# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service would refuse is refused by the plan, so in check mode too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import LimitReached, VmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, Obstacle
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import Spec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    SERVICE,
    absent,
    ours,
    planned,
    point,
    present,
    restore,
    steps,
)


def others(count: int) -> tuple[Checkpoint, ...]:
    return tuple(point(f"n{i}", "1d", name=f"n{i}") for i in range(count))


def test_the_fiftieth_is_made_and_the_fifty_first_refused() -> None:
    assert steps(planned(present(), *others(49))) == ["create nightly"]
    with pytest.raises(LimitReached) as caught:
        planned(present(), *others(50))
    assert str(caught.value) == (
        "50 checkpoints exist and SPF allows 50 per VM; 1 more would be needed. Nothing was changed. "
        "Remove some first (state: absent)."
    )


def test_the_safety_checkpoint_counts() -> None:
    assert steps(planned(restore(safety_checkpoint=True), point("a"), *others(48)))[0].startswith("create safety")
    with pytest.raises(LimitReached):
        planned(restore(safety_checkpoint=True), point("a"), *others(49))
    assert steps(planned(restore(), point("a"), *others(49))) == ["restore a"]


def test_what_supersede_would_remove_comes_too_late() -> None:
    with pytest.raises(LimitReached):
        planned(present(supersede=True, max_age="30m"), ours("a1", "1h"), *others(49))


def test_at_the_limit_everything_but_a_create_goes_on() -> None:
    assert steps(planned(present(), point("a"), *others(49))) == []
    assert steps(planned(present(description="new"), point("a"), *others(49))) == ["update a"]
    assert steps(planned(absent(), point("a"), *others(49))) == ["delete a"]


def test_each_service_has_its_own_limit() -> None:
    with pytest.raises(LimitReached):
        planned(present(), *others(3), capabilities=replace(SERVICE, max_points=3))


@pytest.mark.parametrize(
    ("spec", "points"),
    [
        (present(), ()),
        (present(description="new"), (point("a"),)),
        (absent(), (point("a"),)),
        (restore(), (point("a"),)),
    ],
)
def test_a_vm_whose_state_refuses_is_not_touched(spec: Spec, points: tuple[Any, ...]) -> None:
    for passes, remedy, retry in (
        (False, "Bring the VM into another state first.", "never"),
        (True, "Run the task again once that has ended.", "safe"),
    ):
        with pytest.raises(VmState) as caught:
            planned(spec, *points, refuses="Stored", refuses_for_now=passes)
        told = "its state is Stored, in which SPF allows no checkpoint work. Nothing was changed."
        assert (str(caught.value), caught.value.retry) == (f"{told} {remedy}", retry)


@pytest.mark.parametrize(
    ("verbs", "refused"),
    [(("create",), True), (("create", "delete"), True), (("delete",), False), (("step", "power"), False), ((), False)],
)
def test_an_obstacle_stands_in_the_way_of_its_verbs_only(verbs: tuple[str, ...], refused: bool) -> None:
    obstacle = Obstacle(verbs, "its disk is shared.", "Exclude the disk.")
    if not refused:
        assert steps(planned(present(), obstacles=(obstacle,))) == ["create nightly"]
        return
    with pytest.raises(VmState) as caught:
        planned(present(), obstacles=(obstacle,))
    assert str(caught.value) == "its disk is shared. Nothing was changed. Exclude the disk."


def test_where_nothing_is_to_be_done_no_state_refuses() -> None:
    assert steps(planned(present(), point("a"), refuses="Stored")) == []
    assert steps(planned(absent(), refuses="Stored")) == []
    assert steps(planned(absent(), obstacles=(Obstacle(("delete",), "it is locked.", "Unlock it."),))) == []
