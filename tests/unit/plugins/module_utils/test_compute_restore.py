# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore in place, decided without a network: which steps there are, which are done, what puts the VM back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._errors import OutcomeUnknown
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._model import VM, Checkpoint, Inventory, Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._plan import Step
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute_entities import (
    CollectionEntity,
    DiskEntity,
    VmEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute_restore import (
    Detail,
    amends,
    by_short,
    is_on,
    restore_steps,
    short_hash,
    taken,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._wish import RestoreTo

GROUP = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute"
ID = f"{GROUP}/virtualMachines/v"
WHO = VM(ID, "v", ID, ID.lower(), "compute", "https://arm")
POINT = f"{GROUP}/restorePointCollections/c/restorePoints/p"
TARGET = Checkpoint(POINT, "p")


def _disk(name: str, provisioning: str | None = "Succeeded", **tags: str) -> DiskEntity:
    told = {f"hybridvm-restore-{key}": value for key, value in tags.items()}
    if tags:
        told |= {"hybridvm-restore-vm": short_hash(ID), "hybridvm-restore-point-id": short_hash(POINT)}
    document = {"id": f"{GROUP}/disks/{name}", "name": name, "location": "l", "tags": told or None}
    return DiskEntity.model_validate({**document, "properties": {"provisioningState": provisioning}})


def _detail(*disks: DiskEntity, attached: dict[str, str] | None = None, point: bool = True) -> Detail:
    held = attached if attached is not None else {"os": "o"}
    data = [
        {"lun": int(place[3:]), "managedDisk": {"id": f"{GROUP}/disks/{name}"}}
        for place, name in held.items()
        if place != "os"
    ]
    os_disk = {"managedDisk": {"id": f"{GROUP}/disks/{held['os']}"}} if "os" in held else None
    view = {"statuses": [{"code": "PowerState/running"}]}
    properties: dict[str, Any] = {"storageProfile": {"osDisk": os_disk, "dataDisks": data}, "instanceView": view}
    raw = {"id": ID, "name": "v", "location": "l", "properties": properties}
    storage = {"storageProfile": {"osDisk": {"name": "o"}}}
    shown = {"id": POINT, "name": "p", "properties": {"provisioningState": "Succeeded", "sourceMetadata": storage}}
    home = {
        "id": POINT.rpartition("/restorePoints/")[0],
        "name": "c",
        "location": "l",
        "properties": {"restorePoints": [shown] if point else []},
    }
    return Detail(
        VmEntity.model_validate(raw),
        raw,
        None,
        "rg",
        CollectionEntity.model_validate(home),
        {disk.id.lower(): disk for disk in disks},
        frozenset({"rg"}),
    )


def _inventory(detail: Detail, power: Power = "on", points: tuple[Checkpoint, ...] = (TARGET,)) -> Inventory:
    return Inventory(WHO, points, now=datetime(2026, 11, 20, tzinfo=UTC), power=power, detail=detail)


def _steps(detail: Detail, power: Power = "on", **wish: Any) -> list[str]:
    staged = restore_steps(RestoreTo(name="p", **wish), _inventory(detail, power), lambda: TARGET, power)
    return [str(step.about["op"]) for step in staged.steps]


def test_the_whole_way_and_a_vm_that_stays_off() -> None:
    assert _steps(_detail(_disk("o"))) == ["create_disk", "deallocate", "swap", "start", "finish"]
    assert _steps(_detail(_disk("o")), "off") == ["create_disk", "deallocate", "swap", "finish"]
    assert _steps(_detail(_disk("o")), "off", power_after="on")[-2:] == ["start", "finish"]
    assert _steps(_detail(_disk("o")), power_after="off")[-2:] == ["swap", "finish"]
    assert _steps(_detail(_disk("o")), old_disks="delete")[-2:] == ["delete_disk", "finish"]


def test_a_step_that_nobody_knows_is_never_done() -> None:
    assert taken(Step(WHO, "", do="x", about={"op": "unheard of"}), _inventory(_detail())) is False
    assert taken(Step(WHO, "", do="x", about={"op": "make_collection"}), _inventory(_detail())) is True


@pytest.mark.parametrize(
    ("state", "is_done"), [("Succeeded", True), (None, True), ("Updating", False), ("Failed", False)]
)
def test_a_disk_is_made_when_it_says_so(state: str | None, is_done: bool) -> None:
    step = Step(WHO, "", do="x", about={"op": "create_disk", "disk": "n"})
    assert taken(step, _inventory(_detail(_disk("n", state)))) is is_done
    assert taken(step, _inventory(_detail())) is False


def test_only_a_group_that_was_listed_shows_that_a_disk_is_gone() -> None:
    for short, is_done in (("rg/gone", True), ("RG/GONE", True), ("rg/o", False), ("elsewhere/gone", False)):
        step = Step(WHO, "", do="x", about={"op": "delete_disk", "disk": short})
        assert taken(step, _inventory(_detail(_disk("o")))) is is_done, short


def test_being_on_no_disks_is_being_on_none() -> None:
    detail = _detail(_disk("o"))
    assert is_on(detail, {}) is False
    assert is_on(detail, {"os": "o"}) is True
    assert is_on(detail, {"os": "other"}) is False
    assert is_on(detail, {"lun0": "o"}) is False


def test_by_short_name() -> None:
    detail = _detail(_disk("o"))
    for short in ("o", "rg/o", "RG/O"):
        found = by_short(detail, short)
        assert found is not None, short
        assert found.name == "o"
    assert by_short(detail, "other/o") is None


def test_nothing_to_put_back() -> None:
    """Where the old disks are not known, nothing is made up."""
    detail = _detail(attached={})
    step = Step(WHO, "", do="swap", about={"op": "swap", "disks": {"os": "n"}, "run": "r"})
    assert amends(step, _inventory(detail)) == ()
    assert amends(Step(WHO, "", do="swap", about={"op": "swap"}), _inventory(_detail(_disk("o")))) == ()


def test_put_back_and_started_only_where_it_ran() -> None:
    step = Step(WHO, "", do="start the VM", about={"op": "start", "disks": {"os": "n"}, "run": "r"})
    back = [each.about["op"] for each in amends(step, _inventory(_detail(_disk("o"))))]
    assert back == ["deallocate", "detach", "swap_back", "start"]
    off = [each.about["op"] for each in amends(step, _inventory(_detail(_disk("o")), "off"))]
    assert off == ["deallocate", "detach", "swap_back"]


def test_an_ended_run_whose_point_is_gone() -> None:
    first = restore_steps(RestoreTo(name="p", restore_key="k"), _inventory(_detail(_disk("o"))), lambda: TARGET, "on")
    run = str(first.steps[0].about["run"])
    made = _disk(f"v-os-{run}", run=run, state="pending", point="c/p", power="on", replaces="rg/o")
    detail = _detail(_disk("o"), made, point=False)
    with pytest.raises(OutcomeUnknown, match="c/p is gone"):
        restore_steps(RestoreTo(name="p", restore_key="k"), _inventory(detail, points=()), lambda: TARGET, "on")


def test_the_same_run_is_taken_up_with_the_power_it_began_with() -> None:
    first = restore_steps(RestoreTo(name="p"), _inventory(_detail(_disk("o"))), lambda: TARGET, "on")
    run = str(first.steps[0].about["run"])
    made = _disk(f"v-os-{run}", run=run, state="pending", point="c/p", power="on", replaces="rg/o")
    again = restore_steps(RestoreTo(name="p"), _inventory(_detail(_disk("o"), made), "off"), lambda: TARGET, "off")
    assert again.resumed is True
    assert [each.about["op"] for each in again.steps] == ["deallocate", "swap", "start", "finish"]
    assert {each.about["run"] for each in again.steps} == {run}


def test_a_swapped_run_that_has_not_ended_goes_on() -> None:
    """Also when the task asks for nothing that tells the run: it is told by the disks the VM is on."""
    made = _disk("v-os-r", run="r", state="pending", point="c/p", power="on", replaces="rg/o")
    detail = _detail(_disk("o"), made, attached={"os": "v-os-r"})
    staged = restore_steps(RestoreTo(name="p"), _inventory(detail), lambda: TARGET, "on")
    assert (staged.resumed, [step.about["op"] for step in staged.steps]) == (True, ["finish"])
    assert staged.target == TARGET


def test_a_point_that_is_not_in_the_collection() -> None:
    assert _detail().point(f"{POINT}2") is None
    found = _detail().point(POINT.upper())
    assert found is not None
    assert found.name == "p"
