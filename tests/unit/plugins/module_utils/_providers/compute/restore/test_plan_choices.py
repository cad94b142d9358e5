# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore in place takes earlier disks and points for, case by case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import ArmId
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import RestorePlan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import MissingCheckpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import RestoreRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.base import RestoreRun
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.plan import (
    _is_from,
    restore_steps,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.runs import disks_of
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.vm_steps import Deallocate
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import AzureVmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.steps import MakeCollection
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.tags import short_hash
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    POINT,
    TARGET,
    WHO,
    detail,
    disk,
    inventory,
    made_of,
)

OLD = disk("o")
OTHER = Checkpoint(f"{POINT}2", "q")


def made(name: str, state: str = "pending", of: str = "o", **tags: str) -> DiskEntity:
    """A disk that the run at the end of its name has made of the point."""
    point = {"point": "c/p", "source": short_hash(made_of(of))}
    return disk(name, of=of, run=name.rpartition("-")[2], state=state, **{**point, **tags})


def planned(of: AzureVmState, power: Power = "on", run: str | None = None, **spec: Any) -> RestorePlan:
    request = RestoreRequest(**(spec or {"name": "p"}))
    return restore_steps(request, inventory(of, power, points=(OTHER, TARGET)), lambda: TARGET, power, run)


def swapped_to(plan: RestorePlan) -> object:
    return next(step.about()["disks"] for step in plan.steps if step.about()["op"] == "swap")


def run_of(plan: RestorePlan) -> object:
    return plan.steps[0].about()["run"]


def with_second_point(of: AzureVmState, *sources: str) -> AzureVmState:
    """The collection holds another point too, of disks that come from these disk restore points."""
    assert of.collection is not None
    document = of.collection.model_dump(mode="json")
    data = [{"lun": number, "diskRestorePoint": {"id": source}} for number, source in enumerate(sources)]
    metadata = {"storageProfile": {"dataDisks": data}}
    properties = {"provisioningState": "Succeeded", "sourceMetadata": metadata}
    document["properties"]["restorePoints"].append({"id": f"{POINT}2", "name": "q", "properties": properties})
    return replace(of, collection=type(of.collection).model_validate(document))


# Which run ------------------------------------------------------------------------------------------------------------


def test_a_run_whose_disks_are_of_two_points_is_not_gone_on_with() -> None:
    theirs = f"{POINT}2/diskRestorePoints/d_1"
    of = detail(OLD, made("v-os-u"), made("v-lun0-u", source=short_hash(theirs)), also={"lun0": "d"})
    assert run_of(planned(with_second_point(of, theirs))) not in ("u", "")


def test_a_task_stays_with_the_run_that_it_has_begun_whatever_is_the_target_by_now() -> None:
    of = detail(OLD, made("v-os-mine"), attached={"os": "v-os-mine"})
    plan = restore_steps(RestoreRequest(name="q"), inventory(of), lambda: OTHER, "on", "mine")
    assert ([step.about()["op"] for step in plan.steps], run_of(plan)) == (["finish"], "mine")


def test_disks_are_of_a_point_by_its_id_and_by_their_sources() -> None:
    whole = detail(OLD, made("v-os-r"), made("v-lun0-r", of="d", **{"point-id": "other"}), also={"lun0": "d"})
    assert _is_from(whole, disks_of(whole, "r"), TARGET)
    other = detail(OLD, made("v-os-r", **{"point-id": "other"}))
    assert not _is_from(other, disks_of(other, "r"), TARGET)


@pytest.mark.parametrize(
    ("home", "collection", "found"),
    [("c", "c", True), ("C", "c", True), ("c", "C", True), ("", "c", False), ("c", "c2", False), ("c2", "c", False)],
)
def test_a_point_that_has_gone_is_known_by_its_collection_in_any_spelling(
    home: str, collection: str, found: bool
) -> None:
    swapped = made("v-os-r", point=f"{home}/p", power="on", replaces="rg/o")
    of = detail(OLD, swapped, attached={"os": "v-os-r"}, point=False)
    assert of.collection is not None
    document = {**of.collection.model_dump(mode="json"), "name": collection}
    of = replace(of, collection=type(of.collection).model_validate(document))

    def target() -> Checkpoint:
        raise MissingCheckpoint("nothing to restore")

    if found:
        assert restore_steps(RestoreRequest(name="p"), inventory(of, points=()), target, "on").resumed
        return
    with pytest.raises(MissingCheckpoint):
        restore_steps(RestoreRequest(name="p"), inventory(of, points=()), target, "on")


def test_its_collection_is_the_one_that_would_be_made_whatever_else_comes_first() -> None:
    swapped = made("v-os-r", power="on", replaces="rg/o")
    of = replace(detail(OLD, swapped, attached={"os": "v-os-r"}, point=False), collection=None)
    make = MakeCollection(WHO, "", ArmId("s", "rg", "Microsoft.Compute/restorePointCollections", "c"), "l")
    actual = replace(inventory(of, points=()), prelude=(Deallocate(WHO, "", RestoreRun("x"), ()), make))

    def target() -> Checkpoint:
        raise MissingCheckpoint("nothing to restore")

    assert restore_steps(RestoreRequest(name="p"), actual, target, "on").resumed


# What was left --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "disks", "by_hand"),
    [
        ({"power": "on"}, (OLD,), " To have the VM as it was: attach o again, start the VM."),
        ({"power": "off"}, (OLD,), " To have the VM as it was: attach o again."),
        ({"power": "once"}, (OLD,), " To have the VM as it was: attach o again."),
        ({"power": "on"}, (), " To have the VM as it was: start the VM."),  # its old disk has gone too
        ({}, (), ""),
    ],
)
def test_what_is_to_be_done_by_hand(tags: dict[str, str], disks: tuple[DiskEntity, ...], by_hand: str) -> None:
    of = detail(*disks, made("v-os-r", replaces="rg/o", **tags), attached={}, point=False, power="deallocated")

    def target() -> Checkpoint:
        raise MissingCheckpoint("nothing to restore")

    with pytest.raises(MissingCheckpoint) as caught:
        restore_steps(RestoreRequest(name="p"), inventory(of, "off", points=()), target, "off")
    assert caught.value.remedy == f"Restore to another checkpoint, or remove those disks.{by_hand}"


@pytest.mark.parametrize(("entity", "attached"), [("v-os-stood", "V-OS-Stood"), ("V-os-stood", "v-os-stood")])
def test_a_disk_that_goes_is_not_marked_in_any_spelling(entity: str, attached: str) -> None:
    of = detail(OLD, made(entity), attached={"os": attached})
    plan = planned(of, name="p", restore_key="k", old_disks="delete")
    marks = [step.about()["disk"] for step in plan.steps if step.about()["op"] in ("finish", "give_up")]
    assert marks == [f"v-os-{run_of(plan)}"]


# What an interrupted run has detached ---------------------------------------------------------------------------------


def detached(*disks: DiskEntity, **more: Any) -> RestorePlan:
    """With disks that interrupted runs have detached: each is the VM's, as a restore of it has made it."""
    return planned(detail(OLD, *disks, **more), name="p", restore_key="k")


def own(name: str) -> DiskEntity:
    return made(name, "done")


def left(name: str, replaces: str) -> DiskEntity:
    """A restore of another point has made it, and has detached what it replaces."""
    return made(name, replaces=f"rg/{replaces}", keyed="yes")


def test_a_place_that_this_restore_brings_a_disk_for_gets_that() -> None:
    both = {"also": {"lun0": "d"}}
    plan = detached(own("v-lun0-e"), left("v-lun0-q", "v-lun0-e"), **both)
    run = run_of(plan)
    assert swapped_to(plan) == {"os": f"v-os-{run}", "lun0": f"v-lun0-{run}"}
    assert not any("comes back" in text for text in plan.warnings)


def test_a_place_where_something_is_attached_by_now_keeps_that() -> None:
    plan = detached(own("v-lun3-e"), left("v-lun3-q", "v-lun3-e"), attached={"os": "o", "lun3": "new"})
    assert swapped_to(plan) == {"os": f"v-os-{run_of(plan)}"}
    assert plan.warnings == ("the point holds no lun3; what is attached there stays as it is.",)


def test_each_of_several_comes_back_that_can() -> None:
    plan = detached(
        own("v-lun5-e"),
        left("v-lun2-q", "gone"),
        left("v-lun4-q", ""),
        left("v-lun5-q", "v-lun5-e"),
        left("v-os-q", "o"),
    )
    assert swapped_to(plan) == {"os": f"v-os-{run_of(plan)}", "lun5": "rg/v-lun5-e"}
    assert plan.warnings == ("a restore that was interrupted has detached lun5; rg/v-lun5-e comes back there.",)


def test_an_os_disk_does_not_come_back_to_a_vm_that_the_point_holds_none_for() -> None:
    disks = disk("d"), own("v-os-e"), left("v-os-q", "v-os-e")
    of = detail(*disks, attached={"lun0": "d"}, also={"lun0": "d"})
    assert of.collection is not None
    document = of.collection.model_dump(mode="json")
    metadata = document["properties"]["restorePoints"][0]["properties"]["sourceMetadata"]
    metadata["storageProfile"]["osDisk"] = None
    plan = planned(replace(of, collection=type(of.collection).model_validate(document)), name="p", restore_key="k")
    assert swapped_to(plan) == {"lun0": f"v-lun0-{run_of(plan)}"}
    assert plan.warnings == ()


@pytest.mark.parametrize("name", ["v-lun3-q-copy", "copy-of-v-lun3-q", "v-data-q"])
def test_a_copy_with_the_tags_of_an_interrupted_restore_s_disk_tells_of_no_place(name: str) -> None:
    """Somebody has copied it, tags and all: it is of no run by its name, and nothing is attached on its word."""
    copy = disk(name, run="q", state="pending", replaces="rg/v-lun3-e", keyed="yes")
    plan = detached(own("v-lun3-e"), copy)
    assert swapped_to(plan) == {"os": f"v-os-{run_of(plan)}"}
    assert plan.warnings == ()
