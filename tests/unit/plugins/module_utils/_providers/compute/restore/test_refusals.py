# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a restore in place is refused before anything is written, and what is no reason to."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import RestorePlan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    InvalidInput,
    MissingCheckpoint,
    Obstructed,
    VmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import RestoreRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.plan import restore_steps
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.refusals import origin
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.runs import replaced_by
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import AzureVmState
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    TARGET,
    detail,
    disk,
    inventory,
)


def _plan(of: AzureVmState, power: Power = "on", **spec: Any) -> RestorePlan:
    return restore_steps(RestoreRequest(name="p", **spec), inventory(of, power), lambda: TARGET, power)


def _ops(staged: RestorePlan) -> list[str]:
    return [str(step.about()["op"]) for step in staged.steps]


def _new_names(of: AzureVmState, **spec: Any) -> dict[str, str]:
    """The disks that the restore would make, by place."""
    return {str(s.about()["place"]): str(s.about()["disk"]) for s in _plan(of, **spec).steps if "place" in s.about()}


# Strangers ------------------------------------------------------------------------------------------------------------


def _from(name: str, source: str | None, option: str | None = "Restore") -> DiskEntity:
    made = {"createOption": option, "sourceResourceId": source} if option else None
    document = {"id": f"{GROUP}/disks/{name}", "name": name, "location": "l", "properties": {"creationData": made}}
    return DiskEntity.model_validate(document)


@pytest.mark.parametrize("place", ["os", "lun0"])
@pytest.mark.parametrize(
    ("source", "option"),
    [
        (None, None),  # it does not say
        (None, "Empty"),
        (f"{GROUP}/disks/other", "Copy"),
        (f"{GROUP}/restorePointCollections/c/restorePoints/other/diskRestorePoints/o_1", "Restore"),
    ],
)
def test_a_stranger_that_bears_a_new_disks_name(place: str, source: str | None, option: str | None) -> None:
    olds = (disk("o"), disk("d"))
    attached, also = {"os": "o", "lun0": "d"}, {"lun0": "d"}
    names = _new_names(detail(*olds, attached=attached, also=also))
    assert set(names) == {"os", "lun0"}
    stranger = _from(names[place], source, option)
    with pytest.raises(InvalidInput, match=f"named {names[place]} exists and was not made from that restore point"):
        _plan(detail(*olds, stranger, attached=attached, also=also))


def test_the_disk_of_the_other_place_is_a_stranger_too() -> None:
    names = _new_names(detail(disk("o"), disk("d"), attached={"os": "o", "lun0": "d"}, also={"lun0": "d"}))
    swapped = _from(names["lun0"], f"{GROUP}/restorePointCollections/c/restorePoints/p/diskRestorePoints/o_1")
    with pytest.raises(InvalidInput, match=names["lun0"]):
        _plan(detail(disk("o"), disk("d"), swapped, attached={"os": "o", "lun0": "d"}, also={"lun0": "d"}))


def test_a_disk_made_from_that_very_point_is_none_in_any_spelling() -> None:
    names = _new_names(detail(disk("o")))
    source = f"{GROUP}/restorePointCollections/c/restorePoints/p/diskRestorePoints/o_1".upper()
    assert _ops(_plan(detail(disk("o"), _from(names["os"], source))))[0] == "deallocate"


# What a tag claims ----------------------------------------------------------------------------------------------------


def test_a_forged_tag_makes_no_disk_of_somebody_else_s_an_old_one() -> None:
    """It would be deleted, or attached when the VM is put back."""
    foreign = disk("foreign")
    run = str(_plan(detail(disk("o"), foreign), restore_key="k").steps[0].about()["run"])
    made = disk(f"v-os-{run}", run=run, state="pending", replaces="rg/foreign", point="c/p", source="x")
    of = detail(disk("o"), foreign, made, attached={"os": f"v-os-{run}"})
    assert replaced_by(of, "os", f"v-os-{run}") is None
    staged = _plan(of, restore_key="k", old_disks="delete")
    assert "delete_disk" not in _ops(staged)


@pytest.mark.parametrize("why", ["of the point", "attached", "made by a restore of the VM", "gone"])
def test_a_tag_is_believed_of_a_disk_that_is_the_vm_s(why: str) -> None:
    names = {"of the point": "o", "attached": "d", "made by a restore of the VM": "v-os-old", "gone": "gone"}
    old = names[why]
    made = disk("v-os-r", run="r", state="pending", replaces=f"rg/{old}")
    others = [] if why == "gone" else [disk(old, run="old", state="done") if why.startswith("made") else disk(old)]
    attached = {"os": "v-os-r", **({"lun0": "d"} if why == "attached" else {})}
    assert replaced_by(detail(made, *others, attached=attached), "os", "v-os-r") == f"rg/{old}"


# Power ----------------------------------------------------------------------------------------------------------------


def test_a_vm_of_unknown_power_is_not_switched_off() -> None:
    with pytest.raises(VmState, match="is to run after the restore") as caught:
        _plan(detail(disk("o")), "unknown")
    assert caught.value.retry == "safe"
    assert "power_after" in caught.value.remedy


def test_with_power_after_its_power_need_not_be_known() -> None:
    assert "start" in _ops(_plan(detail(disk("o")), "unknown", power_after="on"))
    assert "start" not in _ops(_plan(detail(disk("o")), "unknown", power_after="off"))


def test_a_run_that_is_taken_up_knows_it() -> None:
    run = str(_plan(detail(disk("o"))).steps[0].about()["run"])
    made = disk(f"v-os-{run}", run=run, state="pending", power="on", replaces="rg/o")
    assert "start" in _ops(_plan(detail(disk("o"), made), "unknown"))


# The OS disk ----------------------------------------------------------------------------------------------------------


def test_a_vm_that_shows_no_os_disk_is_not_switched_off_for_a_swap_of_it() -> None:
    with pytest.raises(VmState, match="it shows no OS disk to be replaced") as caught:
        _plan(detail(disk("o"), attached={}))
    assert caught.value.retry == "safe"


def test_where_the_point_holds_none_it_need_not_show_any() -> None:
    of = detail(disk("o"), disk("d"), attached={"lun0": "d"}, also={"lun0": "d"})
    assert of.collection is not None
    (point,) = of.collection.properties.restorePoints or []
    metadata = point.properties.sourceMetadata
    assert metadata is not None
    object.__setattr__(metadata.storageProfile, "osDisk", None)
    assert _ops(_plan(of)) == ["create_disk", "deallocate", "detach", "swap", "start", "finish"]


# The same disk at another LUN -----------------------------------------------------------------------------------------


def test_a_disk_of_the_point_that_sits_at_another_lun() -> None:
    of = detail(disk("o"), disk("d"), attached={"os": "o", "lun3": "d"}, also={"lun0": "d"})
    with pytest.raises(Obstructed, match="data disk d sits at lun3, and the restore point holds it at lun0") as caught:
        _plan(of)
    assert (caught.value.retry, "Move it back to lun0" in caught.value.remedy) == ("never", True)


def test_one_that_an_earlier_restore_has_put_in_its_place_too() -> None:
    """Also after several of them, and where the first one is gone."""
    first = disk("v-lun0-a", of="d", run="a", state="done", replaces="rg/d")
    second = disk("v-lun0-b", of="d", run="b", state="done", replaces="rg/v-lun0-a")
    for made, name in (((first,), "v-lun0-a"), ((first, second), "v-lun0-b")):
        of = detail(disk("o"), *made, attached={"os": "o", "lun3": name}, also={"lun0": "d"})
        with pytest.raises(Obstructed, match="sits at lun3"):
            _plan(of)


def test_two_disks_that_have_changed_places_are_both_replaced_by() -> None:
    of = detail(
        disk("o"), disk("d"), disk("e"), attached={"os": "o", "lun0": "e", "lun1": "d"}, also={"lun0": "d", "lun1": "e"}
    )
    assert _ops(_plan(of)).count("create_disk") == 3


def test_a_disk_of_the_user_s_own_making_stays_where_it_is() -> None:
    """Made from the same point, it is not the VM's disk: somebody looks at how it was."""
    mine = _from("mine", f"{GROUP}/restorePointCollections/c/restorePoints/p/diskRestorePoints/d_1")
    others = disk("others", run="r", vm="another VM", replaces="rg/d")
    attached = {"os": "o", "lun0": "d", "lun3": "mine", "lun4": "others"}
    of = detail(disk("o"), disk("d"), mine, others, attached=attached, also={"lun0": "d"})
    assert any("no lun3, lun4; what is attached there stays" in text for text in _plan(of).warnings)


def test_tags_that_lead_in_a_circle_end() -> None:
    one, two = disk("one", run="r", replaces="rg/two"), disk("two", run="r", replaces="rg/one")
    assert origin(detail(one, two), f"{GROUP}/disks/one") in ("rg/one", "rg/two")


# The point ------------------------------------------------------------------------------------------------------------


def test_a_point_that_lacks_a_disk_restore_point() -> None:
    with pytest.raises(MissingCheckpoint, match="lacks the disk restore point of os"):
        _plan(detail(disk("o"), source=None))


@pytest.mark.parametrize(("state", "expected"), [("Failed", "it is failed"), ("Odd", "it is odd")])
def test_a_point_that_is_not_whole(state: str | None, expected: str) -> None:
    of = detail(disk("o"))
    assert of.collection is not None
    (point,) = of.collection.properties.restorePoints or []
    object.__setattr__(point.properties, "provisioningState", state)
    with pytest.raises(MissingCheckpoint, match=expected):
        _plan(of)
