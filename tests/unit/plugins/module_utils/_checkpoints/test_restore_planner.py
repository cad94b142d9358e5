# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore is an act: it is planned each time, to exactly one checkpoint, with the steps asked for around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Create
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.progress import CheckpointProgress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    Ambiguous,
    MissingCheckpoint,
    UnknownTime,
    Unsupported,
    VmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Usability
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    SERVICE,
    chain,
    mark,
    planned,
    point,
    restore,
    steps,
)

SAFETY = point("s", "0s", name="safety before restore to nightly", mark=mark("5afe", "0s", safety=True))
OLD, NEW = point("old", "9h"), point("new", "1h")


def test_it_is_planned_again_and_again_even_to_where_the_vm_stands() -> None:
    made = planned(restore(), point("a", current=True))
    assert steps(made) == ["restore a"]
    assert made.satisfied_by is not None
    assert made.satisfied_by.id == "a"


@pytest.mark.parametrize(
    ("options", "target", "reason"),
    [
        ({"name": "weekly"}, "w", 'it is the checkpoint named "weekly"'),
        ({"on_ambiguous": "newest"}, "new", 'it is the checkpoint named "nightly"'),
        ({"on_ambiguous": "oldest"}, "old", 'it is the checkpoint named "nightly"'),
        ({"select": "latest"}, "w", "select: latest"),
        ({"select": "oldest"}, "old", "select: oldest"),
        ({"select": {"before": "2026-11-20T04:00:00Z"}}, "old", "select: before 2026-11-20 04:00Z"),
        ({"name": "nightly", "select": "latest"}, "new", 'select: latest among those named "nightly"'),
        ({"checkpoint_id": "OLD"}, "old", "named by checkpoint_id"),
        ({"checkpoint_id": "host-OLD"}, "old", "named by checkpoint_id"),
    ],
)
def test_which_one_and_why(options: dict[str, Any], target: str, reason: str) -> None:
    made = planned(restore(**options), OLD, NEW, point("w", "30m", name="weekly"))
    assert steps(made) == [f"restore {target}"]
    assert made.writes[0].reason == reason


def test_several_of_the_name_are_ambiguous() -> None:
    with pytest.raises(Ambiguous):
        planned(restore(), OLD, NEW)


def test_an_order_that_nobody_knows_is_not_guessed() -> None:
    for options in ({"select": "latest"}, {"select": "oldest"}, {"on_ambiguous": "newest"}):
        with pytest.raises(UnknownTime):
            planned(restore(**options), OLD, point("who", None))


@pytest.mark.parametrize(
    ("options", "points", "line"),
    [
        ({}, (), 'nothing to restore: no checkpoint named "nightly". There are no checkpoints. Make one first.'),
        (
            {"name": "weekly"},
            (OLD,),
            'nothing to restore: no checkpoint named "weekly". There are: nightly (2026-11-20 03:00Z). '
            "Name one that exists.",
        ),
        ({"select": "latest"}, (), "nothing to restore: no checkpoint. There are no checkpoints. Make one first."),
        (
            {"checkpoint_id": "gone"},
            (OLD,),
            "nothing to restore: no checkpoint has the id gone. There are: nightly (2026-11-20 03:00Z). "
            "Name one that exists.",
        ),
        (
            {},
            (replace(OLD, usability="unknown"),),
            'nothing to restore: no usable checkpoint named "nightly" (1 exist, but the service does not show them as '
            "usable). There are: nightly (2026-11-20 03:00Z). Name it by checkpoint_id to restore it all the same.",
        ),
    ],
)
def test_a_missing_target_fails_and_lists_what_exists(options: dict[str, Any], points: Any, line: str) -> None:
    with pytest.raises(MissingCheckpoint) as caught:
        planned(restore(**options), *points)
    assert str(caught.value) == line


@pytest.mark.parametrize("usability", ["unknown", "arriving", "unusable"])
def test_one_not_known_to_be_usable_is_restored_only_by_its_id(usability: Usability) -> None:
    doubtful = replace(NEW, usability=usability)
    assert steps(planned(restore(), OLD, doubtful)) == ["restore old"]
    assert steps(planned(restore(select="latest"), OLD, doubtful)) == ["restore old"]
    assert steps(planned(restore(checkpoint_id="new"), OLD, doubtful)) == ["restore new"]


def test_a_way_back_is_no_point_to_go_forward_to_unless_it_is_named() -> None:
    assert steps(planned(restore(select="latest"), OLD, SAFETY)) == ["restore old"]
    assert steps(planned(restore(name=SAFETY.name), OLD, SAFETY)) == ["restore s"]
    assert steps(planned(restore(name=SAFETY.name, select="latest"), OLD, SAFETY)) == ["restore s"]
    assert steps(planned(restore(checkpoint_id="s"), OLD, SAFETY)) == ["restore s"]
    with pytest.raises(MissingCheckpoint):
        planned(restore(select="latest"), SAFETY)


def test_the_safety_checkpoint_comes_first_and_is_marked_as_one() -> None:
    made = planned(restore(safety_checkpoint=True), OLD)
    assert steps(made) == ["create safety before restore to nightly", "restore old"]
    create = made.writes[0]
    assert isinstance(create, Create)
    assert (create.safety, create.key, create.description) == (True, None, None)


def test_its_name_fits() -> None:
    made = planned(restore(name="x" * 255, safety_checkpoint=True), point("a", name="x" * 255))
    assert len(made.writes[0].details()["checkpoint"]["name"]) == 255


def _cut(*names: str, unique: bool = False) -> list[str]:
    service = replace(SERVICE, longest_series=40, names_unique=unique)
    plans = [planned(restore(name=n, safety_checkpoint=True), point("a", name=n), capabilities=service) for n in names]
    return [str(made.writes[0].details()["checkpoint"]["name"]) for made in plans]


def test_a_name_that_was_cut_means_one_restore() -> None:
    first, second, exact = _cut("x" * 30 + "1", "x" * 30 + "2", "x" * 15)
    assert first != second
    assert (len(first), len(second), exact) == (40, 40, "safety before restore to " + "x" * 15)
    # On a service where names are one in any case, so is what is said of one.
    one, other = (name[-8:] for name in _cut("x" * 30 + "A", "x" * 30 + "a", unique=True))
    assert one == other
    assert len({name[-8:] for name in _cut("x" * 30 + "A", "x" * 30 + "a")}) == 2


def test_a_plan_made_anew_after_a_lock_makes_no_second_one() -> None:
    assert SAFETY.mark is not None
    memory = CheckpointProgress(made=frozenset({SAFETY.mark.nonce}))
    assert steps(planned(restore(safety_checkpoint=True), OLD, SAFETY, memory=memory)) == ["restore old"]
    assert len(steps(planned(restore(safety_checkpoint=True), OLD, SAFETY))) == 2


@pytest.mark.parametrize(
    ("options", "power", "expected"),
    [
        ({}, "on", ["restore a", "power on"]),
        ({"if_running": "proceed"}, "on", ["restore a", "power on"]),
        ({}, "off", ["restore a", "power off"]),
        ({}, "unknown", ["restore a"]),
        ({"if_running": "stop"}, "on", ["power off", "restore a", "power on"]),
        ({"if_running": "stop"}, "off", ["restore a", "power off"]),
        ({"if_running": "stop"}, "unknown", ["restore a"]),
        ({"if_running": "fail"}, "off", ["restore a", "power off"]),
        ({"power_after": "on"}, "off", ["restore a", "power on"]),
        ({"power_after": "off"}, "on", ["restore a", "power off"]),
        ({"power_after": "previous"}, "on", ["restore a", "power on"]),
        ({"power_after": "previous"}, "off", ["restore a", "power off"]),
        ({"power_after": "previous"}, "unknown", ["restore a"]),
        ({"if_running": "stop", "power_after": "previous"}, "on", ["power off", "restore a", "power on"]),
        (
            {"safety_checkpoint": True, "if_running": "stop", "power_after": "on"},
            "on",
            ["create safety before restore to nightly", "power off", "restore a", "power on"],
        ),
    ],
)
def test_power_around_it(options: dict[str, Any], power: Any, expected: list[str]) -> None:
    assert steps(planned(restore(**options), point("a"), power=power)) == expected


def test_previous_of_an_unknown_state_is_a_warning() -> None:
    assert planned(restore(power_after="previous"), point("a"), power="unknown").warnings == (
        "its power state is unknown; power_after: previous leaves it as the restore does.",
    )


def test_previous_is_the_state_in_which_the_run_began_not_the_one_it_has_made() -> None:
    made = planned(restore(power_after="previous"), point("a"), power="off", memory=CheckpointProgress(power="on"))
    assert steps(made) == ["restore a", "power on"]


@pytest.mark.parametrize(("power", "expected"), [("on", "it is running"), ("unknown", "it has an unknown power state")])
def test_if_running_fail_fails_unless_the_vm_is_known_to_be_off(power: Any, expected: str) -> None:
    with pytest.raises(VmState, match=f"{expected} and if_running is fail. Nothing was changed."):
        planned(restore(if_running="fail"), point("a"), power=power)


@pytest.mark.parametrize(
    ("options", "capability"),
    [
        ({}, {"restore_in_place": False}),
        ({"power_after": "on"}, {"power": False}),
        ({"if_running": "stop"}, {"power": False}),
    ],
)
def test_what_a_service_cannot_do_is_said(options: dict[str, Any], capability: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match="SPF cannot"):
        planned(restore(**options), point("a"), capabilities=replace(SERVICE, **capability))


@pytest.mark.parametrize("if_running", ["proceed", "fail"])
def test_a_service_without_power_restores_all_the_same(if_running: str) -> None:
    made = planned(restore(if_running=if_running), point("a"), capabilities=replace(SERVICE, power=False), power="off")
    assert steps(made) == ["restore a"]


def test_later_checkpoints_stay() -> None:
    points = chain(point("a", "9h", name="base"), point("b", "5h", name="mid"), point("c", "1h", name="top"))
    assert steps(planned(restore(name="base"), *points)) == ["restore a"]
