# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""restore_key: a retried job does the restore at most once, or says that nobody can tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Create, NoOp
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.progress import CheckpointProgress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.restore_planner import (
    evidence_age_left,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    InvalidInput,
    MissingCheckpoint,
    OutcomeUnknown,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, Usability
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import (
    Ownership,
    id_hash,
    key_hash,
    name_hash,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    SERVICE,
    TIMELESS,
    ago,
    having,
    mark,
    planned,
    point,
    present,
    restore,
    steps,
)

KEY = "pipeline-42"
NAME = "safety before restore to nightly"
TARGET = point("t", "9h")
SAFETY = point(
    "s", "1h", name=NAME, parent_id="t", depth=2, mark=mark("5afe", safety=True, power="on", key=key_hash(KEY))
)
ON_TOP = point("above", "30m", name="later", parent_id="s", depth=3)
ASIDE = point("aside", "30m", name="later", parent_id="t", depth=2)


def again(*points: Checkpoint, current: str | None = None, **options: Any) -> Plan:
    """The plan of a job run again, the VM standing on `current`."""
    standing = [replace(c, current=c.id == current) for c in points]
    world = {name: options.pop(name) for name in ("power", "current_known", "memory") if name in options}
    return planned(restore(**{"safety_checkpoint": True, "restore_key": KEY} | options), *standing, **world)


def test_the_first_run_takes_the_safety_checkpoint_and_restores() -> None:
    made = again(TARGET, current="t")
    assert steps(made) == [f"create {NAME}", "restore t"]
    create = made.writes[0]
    assert isinstance(create, Create)
    assert create.key == key_hash(KEY)


@pytest.mark.parametrize(
    ("name", "points", "current"),
    [
        ("the VM stands on the safety checkpoint", (TARGET, SAFETY), "s"),
        ("the VM stands on what was made on top of it", (TARGET, SAFETY, ON_TOP), "above"),
    ],
)
def test_not_done_the_restore_is_carried_out_without_another_safety_checkpoint(
    name: str, points: tuple[Checkpoint, ...], current: str
) -> None:
    assert steps(again(*points, current=current)) == ["restore t", "power on"], name


@pytest.mark.parametrize(
    ("name", "points", "current"),
    [
        ("the VM stands on the target", (TARGET, SAFETY), "t"),
        ("on what was made on top of the target", (TARGET, SAFETY, ASIDE), "aside"),
        ("on no checkpoint", (TARGET, SAFETY), None),
        ("the target is gone", (SAFETY, replace(ASIDE, parent_id=None)), "aside"),
        ("another of the target's name was made", (TARGET, SAFETY, replace(ASIDE, name="nightly")), "aside"),
    ],
)
def test_done_nothing_is_repeated(name: str, points: tuple[Checkpoint, ...], current: str | None) -> None:
    made = again(*points, current=current, power="on")
    assert steps(made) == [], name
    assert (made.satisfied_by and made.satisfied_by.id) == current
    for kept in made.actions:
        assert isinstance(kept, NoOp)
        assert kept.reason == "restore_key: the VM no longer stands on the safety checkpoint s of that restore"


def test_where_the_evidence_is_missing_nobody_knows_and_nothing_is_repeated() -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        again(TARGET, SAFETY, current_known=False)
    assert caught.value.code == "outcome_unknown"
    assert "whether the restore ran is not known, and it is not repeated" in caught.value.message
    assert "remove the checkpoint s" in caught.value.remedy


def test_where_a_link_of_the_tree_is_missing_nobody_knows() -> None:
    """Hyper-V Manager made one on top of the safety checkpoint, and VMM has not seen it yet (soak 100868)."""
    above = replace(ASIDE, parent_id=None, root="not-listed")
    with pytest.raises(OutcomeUnknown) as caught:
        again(replace(TARGET, root="vm"), SAFETY, above, current="aside")
    assert "stand on one that the service does not list" in caught.value.message
    assert steps(again(replace(TARGET, root="vm"), SAFETY, ASIDE, current="aside", power="on")) == []


@pytest.mark.parametrize("usability", ["unusable", "unknown"])
def test_a_safety_checkpoint_that_was_never_usable_proves_nothing(usability: Usability) -> None:
    """The row of a create that failed: the VM never stood on it, so it cannot have left it by a restore."""
    with pytest.raises(OutcomeUnknown) as caught:
        again(TARGET, replace(SAFETY, usability=usability), ASIDE, current="aside")
    assert "is not shown as usable" in caught.value.message
    assert steps(again(TARGET, replace(SAFETY, usability=usability), current="s")) == ["restore t", "power on"]


def test_a_key_names_one_restore_where_the_safety_checkpoint_s_name_was_cut() -> None:
    """Two long names that begin alike are two restores."""
    one, other = (replace(TARGET, id=end, name="x" * 254 + end) for end in "ab")
    made = planned(restore(name=one.name, safety_checkpoint=True, restore_key=KEY), one, other)
    safety = replace(SAFETY, name=str(made.writes[0].details()["checkpoint"]["name"]))
    assert steps(again(one, other, safety, current="s", name=one.name)) == ["restore a", "power on"]
    with pytest.raises(InvalidInput, match="it was used for another restore"):
        again(one, other, safety, current="s", name=other.name)


@pytest.mark.parametrize("spec", [{"name": "other"}, {"name": None, "checkpoint_id": "o"}])
def test_a_key_names_one_restore(spec: dict[str, Any]) -> None:
    other = replace(TARGET, id="o", name="other")
    with pytest.raises(InvalidInput) as caught:
        again(TARGET, other, SAFETY, current="s", **spec)
    assert "it was used for another restore" in caught.value.message
    assert 'this one is to "other' in caught.value.message
    assert caught.value.remedy == "Give each restore a key of its own."


def test_a_restore_of_the_latest_whatever_its_name_is_the_same_one_under_its_key() -> None:
    assert steps(again(TARGET, SAFETY, current="s", name=None, select="latest")) == ["restore t", "power on"]


def test_a_key_names_one_of_two_that_bear_the_same_name() -> None:
    """The safety checkpoint's mark remembers which one it was; one of an older release does not."""
    twin = replace(TARGET, id="twin")
    made = planned(restore(name=None, checkpoint_id="t", safety_checkpoint=True, restore_key=KEY), TARGET, twin)
    assert isinstance(made.writes[0], Create)
    assert made.writes[0].back_from == "t"
    earlier = replace(SAFETY, mark=mark("5afe", safety=True, power="on", key=key_hash(KEY), target=id_hash("T")))
    for stands in ("s", "t"):
        with pytest.raises(InvalidInput, match=r'to "nightly \(twin\)"'):
            again(TARGET, twin, earlier, current=stands, name=None, checkpoint_id="twin")
    assert steps(again(TARGET, twin, earlier, current="s", name=None, checkpoint_id="t")) == ["restore t", "power on"]
    assert steps(again(TARGET, twin, SAFETY, current="s", name=None, checkpoint_id="twin")) == [
        "restore twin",
        "power on",
    ]


def test_a_retry_goes_to_the_very_checkpoint_that_was_chosen_first() -> None:
    """Another one of its name that was made since, perhaps on top of the safety checkpoint, is another restore's."""
    earlier = replace(SAFETY, mark=mark("5afe", safety=True, power="on", key=key_hash(KEY), target=id_hash("t")))
    newer = replace(TARGET, id="newer", created=ago("10m"), parent_id="s", depth=3)
    assert steps(again(TARGET, earlier, newer, current="newer", on_ambiguous="newest")) == ["restore t", "power on"]
    with pytest.raises(MissingCheckpoint) as caught:
        again(earlier, newer, current="newer", on_ambiguous="newest")
    assert "the checkpoint that its restore was to go to is gone" in caught.value.message
    assert caught.value.remedy == "Use another restore_key for a restore to another checkpoint."


KEPT = replace(TARGET, name="nightl", mark=mark("7a", name=name_hash("nightly")))
AFTER_KEPT = replace(
    SAFETY,
    name="safety before restore to nightl",
    mark=mark("5afe", safety=True, power="on", key=key_hash(KEY), target=id_hash("t")),
)


@pytest.mark.parametrize("options", [{}, {"name": None, "select": "latest"}, {"name": None, "checkpoint_id": "t"}])
def test_a_safety_checkpoint_is_called_after_the_name_that_the_service_keeps(options: dict[str, Any]) -> None:
    other = replace(TARGET, id="other")
    for points in ((KEPT, AFTER_KEPT), (other, KEPT, AFTER_KEPT)):
        assert steps(again(*points, current="s", **options)) == ["restore t", "power on"]


BARE = replace(SAFETY, mark=None, owned=Ownership(True, key_hash(KEY)[:12], safety=True))
"""As on Azure, where a name holds the nonce and nothing more."""


@pytest.mark.parametrize(("power", "last"), [("on", "power on"), ("off", "power off")])
def test_where_there_is_no_mark_the_nonce_is_the_evidence_and_the_power_that_of_the_run(power: str, last: str) -> None:
    options = {"power": power, "power_after": "previous"}
    assert steps(again(TARGET, BARE, current="s", **options)) == ["restore t", last]
    assert steps(again(TARGET, BARE, current="t", **options)) == []


@pytest.mark.parametrize("named", [NAME, "as the service would have it"])
def test_without_a_key_this_run_s_safety_checkpoint_binds_it_to_no_target(named: str) -> None:
    memory = CheckpointProgress(made=frozenset({mark("5afe").nonce}))
    safety = replace(SAFETY, name=named, mark=mark("5afe", safety=True, target=id_hash("t")))
    newer = replace(TARGET, id="newer", created=ago("10m"))
    made = again(TARGET, newer, safety, current="s", memory=memory, restore_key=None, on_ambiguous="newest")
    assert steps(made) == ["restore newer"]


def test_by_the_id_of_the_same_target_the_key_means_the_same_restore() -> None:
    assert steps(again(TARGET, SAFETY, current="s", name=None, checkpoint_id="t")) == ["restore t", "power on"]


def test_what_this_run_has_restored_is_not_restored_again() -> None:
    """A lock at the power step makes a new plan: it begins behind the restore."""
    memory = CheckpointProgress(restored="t", power="on")
    made = planned(restore(power_after="previous"), TARGET, memory=memory, power="off")
    assert steps(made) == ["power on"]
    assert (made.satisfied_by and made.satisfied_by.id) == "t"


def test_without_the_safety_checkpoint_the_pointer_does_not_matter() -> None:
    assert steps(again(TARGET, current_known=False)) == [f"create {NAME}", "restore t"]


@pytest.mark.parametrize(
    "other",
    [
        replace(SAFETY, mark=mark("5afe", safety=True, key=key_hash("pipeline-43"))),
        replace(SAFETY, mark=mark("5afe", safety=True)),
        replace(SAFETY, mark=mark("5afe", key=key_hash(KEY))),
        replace(SAFETY, mark=None),
    ],
)
def test_only_a_safety_checkpoint_with_this_key_is_evidence(other: Checkpoint) -> None:
    assert steps(again(TARGET, other, current="t")) == [f"create {NAME}", "restore t"]


def test_without_a_key_an_earlier_safety_checkpoint_is_no_evidence() -> None:
    standing = (replace(TARGET, current=True), SAFETY)
    assert steps(planned(restore(safety_checkpoint=True), *standing)) == [f"create {NAME}", "restore t"]


def test_the_key_needs_the_safety_checkpoint_that_carries_it() -> None:
    with pytest.raises(InvalidInput, match="restore_key needs safety_checkpoint: true on SPF"):
        planned(restore(restore_key=KEY), TARGET)


def test_the_safety_checkpoint_of_this_very_run_means_not_done() -> None:
    assert SAFETY.mark is not None
    memory = CheckpointProgress(made=frozenset({SAFETY.mark.nonce}))
    assert steps(again(TARGET, SAFETY, current="s", memory=memory)) == ["restore t", "power on"]


@pytest.mark.parametrize(
    ("options", "power", "expected"),
    [
        ({"power_after": "on"}, "on", []),
        ({"power_after": "on"}, "off", ["power on"]),
        ({"power_after": "off"}, "on", ["power off"]),
        ({"power_after": "previous"}, "off", ["power on"]),
        ({"power_after": "previous"}, "on", []),
        ({"if_running": "fail"}, "on", []),
        ({"if_running": "stop"}, "on", []),
    ],
)
def test_done_only_the_power_that_is_still_missing_is_set(
    options: dict[str, Any], power: str, expected: list[str]
) -> None:
    """The safety checkpoint's mark remembers that the VM was on when the first run began."""
    assert steps(again(TARGET, SAFETY, current="t", power=power, **options)) == expected


def test_not_done_previous_is_what_the_mark_remembers() -> None:
    made = again(TARGET, SAFETY, current="s", power="off", power_after="previous")
    assert steps(made) == ["restore t", "power on"]
    silent = replace(SAFETY, mark=mark("5afe", safety=True, key=key_hash(KEY)))
    assert steps(again(TARGET, silent, current="s", power="off", power_after="previous")) == ["restore t", "power off"]


ARC = replace(TIMELESS, operations_findable=False)


@pytest.mark.parametrize(
    ("name", "age", "current", "capabilities", "wanted"),
    [
        ("young, and the VM elsewhere", "30s", "t", ARC, 90.0),
        ("old enough", "2m", "t", ARC, 0.0),
        ("the VM stands on it", "30s", "s", ARC, 0.0),
        ("its job can be looked at", "30s", "t", SERVICE, 0.0),
    ],
)
def test_evidence_ripens_where_no_job_can_be_looked_at(
    name: str, age: str, current: str, capabilities: Capabilities, wanted: float
) -> None:
    earlier = mark("5afe", age, safety=True, power="on", key=key_hash(KEY))
    points = [replace(TARGET, current=current == "t"), replace(SAFETY, created=ago(age), mark=earlier)]
    points[1] = replace(points[1], current=current == "s")
    keyed = restore(safety_checkpoint=True, restore_key=KEY)
    assert evidence_age_left(keyed, having(*points), capabilities, 120.0) == wanted, name
    assert evidence_age_left(restore(), having(*points), capabilities, 120.0) == 0.0, name
    assert evidence_age_left(keyed, having(points[0]), capabilities, 120.0) == 0.0, name
    assert evidence_age_left(present(), having(*points), capabilities, 120.0) == 0.0, name
    unknown = having(*points, current_known=False)
    assert evidence_age_left(keyed, unknown, capabilities, 120.0) == 0.0, name
    timeless = having(points[0], replace(points[1], created=None))
    assert evidence_age_left(keyed, timeless, capabilities, 120.0) == 0.0, name
