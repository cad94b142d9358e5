# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that change the VM, each by what it sends, what proves it, and how it is undone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import NotFound
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import RestoreRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.client import Request
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.base import RestoreRun
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.vm_steps import (
    Deallocate,
    DetachDataDisks,
    DetachNewDisks,
    KeepDisks,
    ReleaseDisks,
    Start,
    SwapBack,
    SwapDisks,
    VmStep,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import (
    Attachment,
    AzureVmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.tags import short_hash
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    ID,
    POINT,
    WHO,
    detail,
    disk,
    inventory,
)

RUN = RestoreRun("r", "c/p", short_hash(POINT), RestoreRequest(name="p", old_disks="delete"))
NEW = (Attachment("os", "n"), Attachment("lun0", "m"))
OLD = (Attachment("os", "rg/o", "ReadOnly/Delete/"), Attachment("lun0", "rg/d", "None//accelerated"))
HELD: dict[str, dict[str, Any]] = {
    "os": {"caching": "ReadOnly", "createOption": "FromImage", "deleteOption": "Delete", "unknown": 1},
    "lun0": {"caching": "None", "deleteOption": "Delete", "unknown": 2},
}
DISKS = (disk("o"), disk("d"), disk("n", run="r", held="ReadWrite/Detach/accelerated"), disk("m"))
BEFORE = {"os": "o", "lun0": "d"}
DETACHED = {"os": "o"}
AFTER = {"os": "n", "lun0": "m"}


def _state(attached: dict[str, str], power: str = "deallocated", **more: Any) -> AzureVmState:
    of = detail(*DISKS, attached=attached, power=power, **{"held": HELD, "also": {"lun0": "d"}, **more})
    return replace(of, etag="e-1")


def _step(kind: type[VmStep], *attachments: Attachment) -> VmStep:
    return kind(WHO, "asked", RUN, attachments or NEW)


def _back(kind: type[VmStep]) -> VmStep:
    """The same on the way back: to no point, and onto the old disks."""
    return kind(WHO, "swap its disks failed", RestoreRun("r"), OLD)


def _id(name: str) -> dict[str, str]:
    return {"id": f"{GROUP}/disks/{name}"}


# What it sends --------------------------------------------------------------------------------------------------------

OS_KEPT = {"createOption": "FromImage", "managedDisk": _id("o")}
DATA_KEPT = {"lun": 0, "caching": "None", "unknown": 2, "managedDisk": _id("d")}


@pytest.mark.parametrize(
    ("step", "attached", "profile"),
    [
        (
            _step(KeepDisks),
            BEFORE,
            {
                "dataDisks": [{**DATA_KEPT, "deleteOption": "Detach"}],
                "osDisk": {**OS_KEPT, "deleteOption": "Detach"},
            },
        ),
        (_step(KeepDisks, NEW[1]), BEFORE, {"dataDisks": [{**DATA_KEPT, "deleteOption": "Detach"}]}),
        (
            _back(ReleaseDisks),
            BEFORE,
            {"dataDisks": [{**DATA_KEPT, "deleteOption": "Delete"}], "osDisk": {**OS_KEPT, "deleteOption": "Delete"}},
        ),
        (_step(KeepDisks), {"lun0": "d"}, {"dataDisks": [{**DATA_KEPT, "deleteOption": "Detach"}]}),
        (_step(DetachDataDisks), BEFORE, {"dataDisks": []}),
        (
            _step(DetachDataDisks),
            AFTER,
            {"dataDisks": [{**DATA_KEPT, "deleteOption": "Delete", "managedDisk": _id("m")}]},
        ),
        (_back(DetachNewDisks), AFTER, {"dataDisks": []}),
        (
            _step(SwapDisks),  # whether the new OS disk goes with the VM its tag says, and no more
            DETACHED,
            {
                "osDisk": {
                    "caching": "ReadOnly",
                    "createOption": "FromImage",
                    "deleteOption": "Detach",
                    "name": "n",
                    "managedDisk": _id("n"),
                },
                "dataDisks": [{"lun": 0, "createOption": "Attach", "managedDisk": _id("m")}],
            },
        ),
        (
            _step(SwapDisks, Attachment("os", "m")),  # where a new disk says nothing, it is held as the old one
            DETACHED,
            {
                "osDisk": {
                    "caching": "ReadOnly",
                    "createOption": "FromImage",
                    "deleteOption": "Delete",
                    "name": "m",
                    "managedDisk": _id("m"),
                },
                "dataDisks": [],
            },
        ),
        (
            _back(SwapBack),  # each as the VM held it before
            {"os": "n", "lun3": "m"},
            {
                "osDisk": {
                    "caching": "ReadOnly",
                    "createOption": "FromImage",
                    "deleteOption": "Delete",
                    "name": "o",
                    "managedDisk": _id("o"),
                },
                "dataDisks": [
                    {
                        "lun": 0,
                        "createOption": "Attach",
                        "caching": "None",
                        "writeAcceleratorEnabled": True,
                        "managedDisk": _id("d"),
                    },
                    {"lun": 3, "managedDisk": _id("m")},
                ],
            },
        ),
    ],
)
def test_a_change_of_the_storage_profile(step: VmStep, attached: dict[str, str], profile: dict[str, Any]) -> None:
    body = {"properties": {"storageProfile": profile}}
    assert step.request(_state(attached)) == Request("PATCH", ID, body, step.activity, etag="e-1")


@pytest.mark.parametrize(
    ("kind", "verb", "activity"), [(Deallocate, "deallocate", "deallocating"), (Start, "start", "starting")]
)
def test_power(kind: type[VmStep], verb: str, activity: str) -> None:
    assert _step(kind).request(_state(BEFORE)) == Request("POST", f"{ID}/{verb}", None, f"{activity} the VM")


@pytest.mark.parametrize(("caching", "accelerated"), [("ReadOnly", True), (None, None)])
def test_a_data_disk_is_cached_as_the_point_says_else_as_what_is_attached(caching: Any, accelerated: Any) -> None:
    state = _state(BEFORE)
    (data,) = [each for each in state.points[0].disks if each.slot == "lun0"]
    object.__setattr__(data, "caching", caching)
    object.__setattr__(data, "writeAcceleratorEnabled", accelerated)
    body: Any = _step(SwapDisks, NEW[1]).request(state).body
    (entry,) = body["properties"]["storageProfile"]["dataDisks"]
    assert entry["caching"] == (caching or "None")
    assert entry.get("writeAcceleratorEnabled") is accelerated
    assert (entry["deleteOption"], entry.get("unknown")) == ("Delete", None)


def test_without_its_things_a_swap_is_not_sent() -> None:
    with pytest.raises(NotFound, match="the disks for lun1, lun2 are gone") as caught:
        _step(SwapDisks, NEW[0], Attachment("lun1", "x"), Attachment("lun2", "y")).request(_state(BEFORE))
    assert caught.value.remedy.startswith("Run the task again")
    with pytest.raises(NotFound, match="shows no OS disk to be replaced"):
        _step(SwapDisks).request(_state({"lun0": "d"}))


# What proves it -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "state", "is_done"),
    [
        (KeepDisks, _state(BEFORE), False),
        (KeepDisks, _state(BEFORE, held={"lun0": {"deleteOption": "Delete"}}), False),
        (KeepDisks, _state(BEFORE, held={}), True),
        (KeepDisks, _state(AFTER), True),  # past it
        (Deallocate, _state(BEFORE, "running"), False),
        (Deallocate, _state(BEFORE, "stopped"), False),
        (Deallocate, _state(BEFORE), True),
        (Deallocate, _state(AFTER, "running"), True),
        (DetachDataDisks, _state(BEFORE), False),
        (DetachDataDisks, _state({"os": "o", "lun0": "m"}), True),
        (DetachDataDisks, _state(DETACHED), True),
        (DetachNewDisks, _state(BEFORE), False),
        (SwapDisks, _state(DETACHED), False),
        (SwapDisks, _state({"os": "n"}), False),
        (SwapDisks, _state(AFTER), True),
        (SwapBack, _state(BEFORE), False),
        (Start, _state(AFTER), False),
        (Start, _state(BEFORE, "running"), False),
        (Start, _state(AFTER, "running"), True),
    ],
)
def test_what_proves_it(kind: type[VmStep], state: AzureVmState, is_done: bool) -> None:
    assert _step(kind).is_done(inventory(state)) is is_done


@pytest.mark.parametrize(("held", "is_done"), [(HELD, True), ({}, False), ({"os": {"deleteOption": "Detach"}}, False)])
def test_released_is_what_goes_with_the_vm_again(held: dict[str, Any], is_done: bool) -> None:
    assert _back(ReleaseDisks).is_done(inventory(_state(BEFORE, held=held))) is is_done


# How it is undone -----------------------------------------------------------------------------------------------------

BACK = [Deallocate, DetachNewDisks, SwapBack]


@pytest.mark.parametrize("kind", [DetachDataDisks, SwapDisks, Start])
def test_what_fails_once_its_disks_are_touched_is_put_back(kind: type[VmStep]) -> None:
    back = _step(kind).compensation(inventory(_state(BEFORE)))
    assert [type(each) for each in back] == [*BACK, ReleaseDisks, Start]
    held = {"os": "ReadOnly/Delete/", "lun0": "None/Delete/"}
    assert [each.about() for each in back] == [
        {"op": op, "run": "r", "disks": {"os": "rg/o", "lun0": "rg/d"}, "held": held, **more}
        for op, more in (
            ("deallocate", {}),
            ("detach", {}),
            ("swap_back", {}),
            ("release", {"options": {"os": "Delete", "lun0": "Delete"}}),
            ("start", {}),
        )
    ]
    assert {each.reason for each in back} == {f"{_step(kind).summary} failed"}


@pytest.mark.parametrize("kind", [KeepDisks, Deallocate, ReleaseDisks, DetachNewDisks, SwapBack])
def test_what_comes_before_and_what_puts_back_is_not_undone(kind: type[VmStep]) -> None:
    assert _step(kind).compensation(inventory(_state(BEFORE))) == ()


def test_only_what_went_with_the_vm_is_released_and_only_what_ran_is_started() -> None:
    held = {"os": {"deleteOption": "Detach"}}
    back = _step(SwapDisks).compensation(inventory(_state(BEFORE, held=held), "off"))
    assert [type(each) for each in back] == BACK
    back = _step(SwapDisks).compensation(inventory(_state(BEFORE, held={"lun0": HELD["lun0"]}), "off"))
    assert [type(each) for each in back] == [*BACK, ReleaseDisks]
    assert back[-1].about()["options"] == {"lun0": "Delete"}


def test_where_the_old_disks_are_not_known_nothing_is_made_up() -> None:
    assert _step(SwapDisks).compensation(inventory(_state({}))) == ()


# What it shows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "summary", "doing", "op"),
    [
        (
            _step(KeepDisks),
            "keep the old disks when they are detached",
            "keeping the old disks when they are detached",
            "keep",
        ),
        (_step(Deallocate), "deallocate the VM", "deallocating the VM", "deallocate"),
        (_step(DetachDataDisks), "detach its data disks", "detaching its data disks", "detach"),
        (_step(DetachNewDisks), "detach the new data disks", "detaching the new data disks", "detach"),
        (_step(SwapDisks), "swap its disks", "swapping its disks", "swap"),
        (_step(SwapBack), "swap the old disks back", "swapping the old disks back", "swap_back"),
        (_step(Start), "start the VM", "starting the VM", "start"),
    ],
)
def test_what_it_shows(step: VmStep, summary: str, doing: str, op: str) -> None:
    assert (step.summary, step.activity) == (summary, doing)
    run = {"run": "r", "point": "c/p", "point_id": short_hash(POINT), "terms": {"old_disks": "delete"}}
    assert step.details() == {"step": summary, "about": {"op": op, "disks": {"os": "n", "lun0": "m"}, **run}}
    assert step.kinds == ("step", "change_vm", *(["swap"] if isinstance(step, SwapDisks) else []))
    assert step.restore_run_id == "r"
    assert step.title() == f"step {summary} of v (old_disks: delete)"


def test_only_what_had_been_detached_shows_how_it_was_held() -> None:
    about = _step(SwapDisks, NEW[0], Attachment("lun3", "rg/d", "")).about()
    assert (about["disks"], about["held"]) == ({"os": "n", "lun3": "rg/d"}, {"lun3": ""})
