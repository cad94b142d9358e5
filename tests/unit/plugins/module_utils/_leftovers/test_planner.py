# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One delete for each disk that is asked for; a single one that must stay refuses all."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    InvalidInput,
    Obstructed,
)
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
    assert plan(WHO, observed(), ()).warnings == ("ids is empty, so nothing is removed.",)


def test_older_ones_go_first() -> None:
    earlier = "fedcba987654"
    made = idle(disk(f"v-os-{earlier}", run=earlier, state="done", replaces="rg/o"), timeCreated="2026-01-03T00:00:00Z")
    assert names(observed(made, OLD)) == ["o", made.name]
    twins = [
        idle(disk(f"v-os-{run}", run=run, state="done", replaces="rg/o"), timeCreated="2026-01-03T00:00:00Z")
        for run in ("cccccccccccc", "bbbbbbbbbbbb")
    ]
    undated = idle(disk("v-os-dddddddddddd", run="dddddddddddd", state="done", replaces="rg/o"))
    assert names(observed(*twins, undated, OLD)) == [undated.name, "o", twins[1].name, twins[0].name]


REMEDY = "Nothing was changed. vm_checkpoint_info with leftovers: true lists those that can be removed."
STRANGER = "no restore of this VM has made it or taken its place"
BUSY = idle(OLD, diskState="ActiveSAS")


@pytest.mark.parametrize(
    ("of", "error", "reasons"),
    [
        (observed(OLD, idle(disk("s"))), InvalidInput, f"1 of 2 disks are no leftovers that may go: s: {STRANGER}"),
        (
            observed(OLD, attached={"os": "o"}),
            Obstructed,
            "1 of 1 disks are no leftovers that may go: o: this VM has it",
        ),
        (observed(BUSY), Obstructed, "1 of 1 disks are no leftovers that may go: o: its state is ActiveSAS"),
        (
            observed(BUSY, idle(disk("s"))),
            InvalidInput,
            f"2 of 2 disks are no leftovers that may go: o: its state is ActiveSAS; s: {STRANGER}",
        ),
    ],
)
def test_one_that_must_stay_refuses_all(of: ObservedDisks, error: type[CheckpointError], reasons: str) -> None:
    with pytest.raises(error) as refused:
        names(of)
    assert str(refused.value) == f"ids: {reasons}. {REMEDY}"
    assert type(refused.value).__name__ == error.__name__


@pytest.mark.parametrize(
    ("verb", "stops"),
    [("delete_disk rg/o", True), ("delete_disk rg/p", False), ("delete", False), ("delete_disk", True)],
)
def test_a_lock_on_the_disk(verb: str, stops: bool) -> None:
    of = observed(OLD, obstacles=(Obstacle((verb,), "a lock.", "Have it removed."),))
    if stops:
        with pytest.raises(Obstructed, match=r"^a lock\. Nothing was changed\. Have it removed\.$"):
            names(of)
    else:
        assert names(of) == ["o"]


def test_what_would_no_longer_be_known_is_named() -> None:
    earlier = "fedcba987654"
    made = idle(disk(f"v-os-{earlier}", run=earlier, state="done", replaces="rg/p"))
    old = idle(disk("p"))
    assert plan(WHO, observed(made, others=(old,)), ()).warnings == (
        "with these disks goes what shows that disk p is a leftover. Give its id too, or remove it by other means.",
    )
    assert plan(WHO, observed(made, OLD), ()).warnings == ()
    again = idle(disk("v-os-aaaaaaaaaaaa", run="aaaaaaaaaaaa", state="done", replaces="rg/p"))
    assert plan(WHO, observed(made, others=(old, again)), ()).warnings == ()
    assert len(plan(WHO, observed(made, again, others=(old,)), ()).warnings) == 1


def test_what_goes_as_well_needs_nothing_that_shows_it() -> None:
    made = observed().state.disks[f"{GROUP}/disks/{NEW}".lower()]
    assert plan(WHO, observed(made, OLD, attached={"os": "x"}), ()).warnings == ()
    assert len(plan(WHO, observed(made, others=(OLD,), attached={"os": "x"}), ()).warnings) == 1


def test_what_a_restore_made_itself_is_known_without_the_disk_that_replaced_it() -> None:
    first, second = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
    own = idle(disk(f"v-os-{first}", run=first, state="done", replaces="rg/q"))
    made = idle(disk(f"v-os-{second}", run=second, state="done", replaces=f"rg/v-os-{first}"))
    assert plan(WHO, observed(made, others=(own,)), ()).warnings == ()


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
    assert DeleteLeftover(WHO, "why", idle(disk("Old"))).kinds == ("delete_disk", "delete_disk rg/old")
    assert first.details() == {"disk": {"id": f"{GROUP}/disks/o", "name": "o", "size_gb": None}}
    assert first.covered() == {"disk_id": f"{GROUP}/disks/o".lower(), "unique_id": "1"}
    assert DeleteLeftover(WHO, "why", idle(disk("o"), diskSizeGB=3)).details()["disk"]["size_gb"] == 3
    assert (first.verb, first.once, first.writes) == ("delete", True, True)


def test_ids_are_read_in_any_case_and_each_disk_once() -> None:
    ids = [f"{GROUP}/disks/o", f"{GROUP}/DISKS/O/".upper(), f"{GROUP}/disks/p"]
    assert LeftoverSpec(state="absent", ids=ids).ids == [ids[0], ids[2]]
    with pytest.raises(InvalidInput) as raised:
        LeftoverSpec(state="absent", ids=[ids[0], f"{GROUP}/virtualMachines/v"])
    assert str(raised.value) == (
        "ids, element 2 of 2: is the id of one of Microsoft.Compute/virtualMachines, and only disks can be removed."
    )
    with pytest.raises(InvalidInput) as raised:
        LeftoverSpec(state="absent", ids=["o"])
    assert str(raised.value).startswith("ids, element 1 of 1 o: malformed ARM id")
    assert "providers/Microsoft.Compute/disks/NAME" in str(raised.value)


def test_the_reason_is_what_shows_it_to_be_ours() -> None:
    (action,) = plan(WHO, observed(OLD), ()).actions
    assert action.reason == f"replaced by {NEW} in the restore {RUN}"
