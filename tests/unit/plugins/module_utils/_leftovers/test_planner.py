# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One delete for each disk that is asked for; a single one that must stay refuses all."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput, Obstructed
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Obstacle
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._leftovers.actions import DeleteLeftover
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._leftovers.planner import (
    ObservedDisks,
    in_use,
    plan,
    same_disk,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._leftovers.specs import LeftoverSpec
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from tests.unit.plugins.module_utils.azure_builders import GROUP, WHO, detail, disk

RUN = "0123456789ab"
NEW = f"v-os-{RUN}"


def idle(found: DiskEntity, **properties: Any) -> DiskEntity:
    """The disk as one that the service shows as unattached."""
    document = found.model_dump(mode="json")
    shown = {**document["properties"], "diskState": "Unattached", **properties}
    return DiskEntity.model_validate({**document, "properties": shown})


def observed(*asked: DiskEntity, others: tuple[DiskEntity, ...] = (), **more: Any) -> ObservedDisks:
    """A VM that stands on a restore's disk, and these disks beside it."""
    made = idle(disk(NEW, run=RUN, state="done", replaces="rg/o"))
    state = detail(*asked, *others, made, attached=more.pop("attached", {"os": NEW}))
    return ObservedDisks(state, {each.id.lower(): each for each in asked}, **more)


def names(of: ObservedDisks, done: tuple[str, ...] = ()) -> list[str]:
    """The disks that are to go, in order."""
    found = plan(WHO, of, done)
    return [action.disk.name for action in found.actions if isinstance(action, DeleteLeftover)]


OLD = idle(disk("o"), timeCreated="2026-01-02T00:00:00Z", uniqueId="1")


def test_what_is_there_goes_but_for_what_this_run_has_removed() -> None:
    assert names(observed(OLD)) == ["o"]
    assert names(observed(OLD), done=(OLD.id.lower(),)) == []
    gone = ObservedDisks(observed().state, {OLD.id.lower(): None})
    assert names(gone) == []
    assert plan(WHO, gone, ()).warnings == ()
    (warning,) = plan(WHO, observed(), ()).warnings
    assert "ids is empty" in warning


def test_older_ones_go_first() -> None:
    earlier = "fedcba987654"
    made = idle(disk(f"v-os-{earlier}", run=earlier, state="done", replaces="rg/o"), timeCreated="2026-01-03T00:00:00Z")
    assert names(observed(made, OLD)) == ["o", made.name]


def test_one_that_must_stay_refuses_all() -> None:
    stranger = idle(disk("s"))
    with pytest.raises(InvalidInput, match="1 of 2 disks are no leftovers that may go: s: no restore") as refused:
        names(observed(OLD, stranger))
    assert refused.value.changed_nothing
    with pytest.raises(Obstructed, match="o: this VM has it"):
        names(observed(OLD, attached={"os": "o"}))
    with pytest.raises(Obstructed, match="o: its state is ActiveSAS"):
        names(observed(idle(OLD, diskState="ActiveSAS")))


@pytest.mark.parametrize(
    ("verb", "stops"),
    [("delete_disk rg/o", True), ("delete_disk rg/p", False), ("delete", False), ("delete_disk", True)],
)
def test_a_lock_on_the_disk(verb: str, stops: bool) -> None:
    of = observed(OLD, obstacles=(Obstacle((verb,), "a lock.", "Have it removed."),))
    if stops:
        with pytest.raises(Obstructed, match="a lock"):
            names(of)
    else:
        assert names(of) == ["o"]


def test_what_would_no_longer_be_known_is_named() -> None:
    earlier = "fedcba987654"
    made = idle(disk(f"v-os-{earlier}", run=earlier, state="done", replaces="rg/p"))
    old = idle(disk("p"))
    (warning,) = plan(WHO, observed(made, others=(old,)), ()).warnings
    assert "disk p is a leftover" in warning


def test_what_showed_it_may_have_gone_before_it() -> None:
    stranger = idle(disk("s"))
    state = detail(stranger)
    assert in_use(state, stranger) == ""
    assert in_use(detail(OLD), OLD) == "this VM has it"
    assert in_use(state, idle(stranger, diskState="Attached")) == "its state is Attached"


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        ({"uniqueId": "1"}, {"uniqueId": "1"}, True),
        ({"uniqueId": "1"}, {"uniqueId": "2"}, False),
        ({"timeCreated": "2026-01-01T00:00:00Z"}, {"timeCreated": "2026-01-01T00:00:00Z"}, True),
        ({"timeCreated": "2026-01-01T00:00:00Z"}, {"timeCreated": "2026-01-02T00:00:00Z"}, False),
        ({"uniqueId": "1", "timeCreated": "2026-01-01T00:00:00Z"}, {"timeCreated": "2026-01-01T00:00:00Z"}, True),
    ],
)
def test_a_disk_is_known_by_its_unique_id(before: dict[str, str], now: dict[str, str], same: bool) -> None:
    assert same_disk(idle(disk("o"), **now), idle(disk("o"), **before)) is same


def test_an_approval_covers_the_very_disk() -> None:
    first, second = (DeleteLeftover(WHO, "why", idle(disk("o"), uniqueId=unique)) for unique in ("1", "2"))
    assert first.id != second.id
    assert first.id == DeleteLeftover(WHO, "another", idle(disk("o"), uniqueId="1", diskSizeGB=3)).id
    assert first.title() == "delete disk o of v"
    assert first.kinds == ("delete_disk", "delete_disk rg/o")


def test_ids_are_read_in_any_case_and_each_disk_once() -> None:
    ids = [f"{GROUP}/disks/o", f"{GROUP}/DISKS/O/".upper(), f"{GROUP}/disks/p"]
    assert LeftoverSpec(state="absent", ids=ids).ids == [ids[0], ids[2]]
    with pytest.raises(InvalidInput, match="only disks can be removed"):
        LeftoverSpec(state="absent", ids=[f"{GROUP}/virtualMachines/v"])
    with pytest.raises(InvalidInput, match="malformed ARM id"):
        LeftoverSpec(state="absent", ids=["o"])


def test_the_reason_is_what_shows_it_to_be_ours() -> None:
    (action,) = plan(WHO, observed(OLD), ()).actions
    assert action.reason == f"replaced by {NEW} in the restore {RUN}"
