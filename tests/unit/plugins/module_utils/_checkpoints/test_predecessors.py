# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints of another VM that had the name: they satisfy nothing, and only an id leads to one."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.planner import decisive_checkpoints
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.progress import CheckpointProgress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import MissingCheckpoint, Obstructed
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import key_hash
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    UNIQUE,
    absent,
    having,
    mark,
    ours,
    planned,
    point,
    present,
    restore,
    steps,
)

NOT_COUNTED = '1 checkpoint is named "nightly" and of another VM that had this name; only a checkpoint_id leads there.'


def old(point_id: str = "a1", age: str = "1h", **fields: Any) -> Checkpoint:
    """A checkpoint of our series that another VM of this name has left."""
    return ours(point_id, age, **{"name": f"nightly-{point_id}", "series": "nightly", "of_another": True, **fields})


def _told(made: Plan) -> list[str]:
    return [text for text in made.warnings if "another VM" in text]


@pytest.mark.parametrize("options", [{}, {"max_age": "4h"}, {"supersede": True}])
def test_it_satisfies_no_spec_and_stays(options: dict[str, Any]) -> None:
    made = planned(present(**options), old(), capabilities=UNIQUE)
    assert (steps(made), made.warnings) == (["create nightly"], (NOT_COUNTED,))


def test_beside_one_of_this_vm_it_is_not_counted() -> None:
    made = planned(present(max_age="4h", supersede=True), old(), old("b2"), ours("c3", "2h"), capabilities=UNIQUE)
    assert (steps(made), made.satisfied_by and made.satisfied_by.id) == ([], "c3")
    assert made.warnings == (NOT_COUNTED.replace("1 checkpoint is", "2 checkpoints are"),)


def test_what_bears_a_name_that_is_needed_is_not_removed_for_it() -> None:
    for usability in ("usable", "unusable"):
        taken = old(name="nightly", usability=usability)
        with pytest.raises(Obstructed, match=r"the name .nightly. is taken by a checkpoint of another VM") as caught:
            planned(present(), taken, capabilities=UNIQUE)
        assert "remove that one by its checkpoint_id" in caught.value.remedy
        assert steps(planned(present(max_age="4h"), taken, capabilities=UNIQUE)) == ["create nightly"]


def test_by_its_id_it_is_meant() -> None:
    made = planned(present(checkpoint_id="a1", pin=True), old(), capabilities=UNIQUE)
    assert (made.satisfied_by and made.satisfied_by.id, made.warnings) == ("a1", ())
    assert steps(planned(absent(checkpoint_id="a1"), old())) == ["delete a1"]


@pytest.mark.parametrize(
    "options", [{}, {"on_ambiguous": "newest"}, {"select": {"which": "latest"}}, {"select": {"older_than": "1m"}}]
)
def test_a_restore_by_name_or_time_never_goes_there(options: dict[str, Any]) -> None:
    with pytest.raises(MissingCheckpoint, match=r"\(1 of another VM that had this name\)") as caught:
        planned(restore(**options), old())
    assert caught.value.remedy == "Name it by checkpoint_id to restore it all the same."
    made = planned(restore(**options), old("a1", "1h"), ours("b2", "2h"))
    assert (steps(made), _told(made)) == (["restore b2"], [])


def test_a_restore_by_its_id_does_with_a_warning() -> None:
    made = planned(restore(checkpoint_id="a1"), old())
    (warning,) = _told(made)
    assert steps(made) == ["restore a1"]
    assert "is of another VM that had this name: its disks take the place of this one's" in warning


def test_its_safety_checkpoint_is_no_way_back_of_this_vm() -> None:
    key = mark("e", safety=True, key=key_hash("k"))
    before = point("e1", name="safety-before-nightly", mark=key, of_another=True)
    made = planned(restore(restore_key="k", safety_checkpoint=True), before, ours("b2"))
    assert steps(made)[0].startswith("create safety")


def test_nothing_rests_on_it() -> None:
    def decisive(*points: Checkpoint, **options: Any) -> list[str]:
        return [each.id for each in decisive_checkpoints(present(**options), having(*points), CheckpointProgress())]

    assert decisive(old(), ours("b2"), max_age="4h") == ["b2"]
    assert decisive(old(usability="unknown")) == []
    assert decisive(old(usability="unknown"), checkpoint_id="a1") == ["a1"]
