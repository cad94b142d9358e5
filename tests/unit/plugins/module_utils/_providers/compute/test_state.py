# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VM shows: which disks it has, how it holds them, and which disks are its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import (
    Attachment,
    held_options,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    POINT,
    detail,
    disk,
)


def test_how_the_vm_holds_a_disk() -> None:
    of = detail(held={"os": {"caching": "ReadOnly", "deleteOption": "Delete", "writeAcceleratorEnabled": True}})
    assert of.held("os") == "ReadOnly/Delete/accelerated"
    assert held_options(of.held("os")) == {
        "caching": "ReadOnly",
        "deleteOption": "Delete",
        "writeAcceleratorEnabled": True,
    }
    assert (detail().held("os"), held_options("//")) == ("//", {})
    assert (of.held("lun0"), held_options("")) == ("", {})
    two = detail(attached={"lun0": "d", "lun1": "e"}, held={"lun1": {"caching": "None"}})
    assert (two.held("lun1"), two.held("lun7"), two.held("os"), of.held("os2")) == ("None//", "", "", "")


def test_a_vm_that_shows_no_disks_holds_none() -> None:
    bare = replace(detail(), raw={"properties": {"storageProfile": {}}})
    assert (bare.os_disk, bare.data_disks, bare.held("os"), bare.delete_option("lun0")) == ({}, {}, "", "")


@pytest.mark.parametrize(
    ("held", "options"),
    [
        ("None//", {"caching": "None"}),
        ("ReadOnly/Delete/", {"caching": "ReadOnly", "deleteOption": "Delete"}),
        ("ReadWrite/Detach/", {"caching": "ReadWrite", "deleteOption": "Detach"}),
        ("//accelerated", {"writeAcceleratorEnabled": True}),
        ("//acceleratedTwice", {}),
    ],
)
def test_what_a_tag_says_of_how_a_disk_was_held(held: str, options: dict[str, Any]) -> None:
    assert held_options(held) == options


def test_a_tag_with_nonsense_in_it_says_nothing() -> None:
    assert held_options("Anything/Purge/yes/more") == {}


def test_a_disk_that_is_no_managed_one_has_no_id() -> None:
    assert detail(held={"os": {"managedDisk": None}}).attached_ids == set()
    assert detail().attached_ids == {f"{GROUP}/disks/o".lower()}


@pytest.mark.parametrize(("slot", "name", "is_on"), [("os", "o", True), ("os", "other", False), ("lun0", "o", False)])
def test_being_on_a_disk(slot: str, name: str, is_on: bool) -> None:
    assert detail(disk("o"), disk("other")).is_on([Attachment(slot, name)]) is is_on


def test_being_on_some_of_the_disks_is_not_enough() -> None:
    of = detail(disk("o"), disk("d"))
    assert of.is_on([Attachment("os", "o"), Attachment("lun0", "d")]) is False
    assert detail(disk("o"), disk("oo"), attached={"os": "oo"}).is_on([Attachment("os", "o")]) is False


def test_being_on_no_disks_is_being_on_none() -> None:
    assert detail(disk("o")).is_on([]) is False


def test_only_another_disk_at_a_lun_is_in_the_way() -> None:
    of = detail(disk("o"), disk("d"), attached={"os": "o", "lun0": "d"})
    wanted = [Attachment("os", "n"), Attachment("lun0", "m"), Attachment("lun1", "l")]
    assert of.in_the_way(wanted) == ["lun0"]
    assert of.in_the_way([Attachment("lun0", "d")]) == []


def test_a_disk_by_its_name_in_the_vm_s_group() -> None:
    of = detail(disk("o"), disk("oo"))
    found = of.named("O")
    assert found is not None
    assert found.name == "o"
    assert of.named("x") is None


def test_a_disk_by_its_short_name() -> None:
    of = detail(disk("o"))
    for short in ("o", "rg/o", "RG/O"):
        found = of.disk(short)
        assert found is not None, short
        assert found.name == "o"
    assert of.disk("other/o") is None


@pytest.mark.parametrize(
    ("state", "is_made"), [("Succeeded", True), (None, True), ("Updating", False), ("SucceededInPart", False)]
)
def test_a_disk_is_made_when_it_says_so_or_the_vm_is_on_it(state: str | None, is_made: bool) -> None:
    """`Updating` is also one whose tags are being written: by this very run, when it has swapped."""
    made = disk("n", state)
    assert detail(made).is_made(made) is is_made
    assert detail(made, attached={"os": "o", "lun4": "n"}).is_made(made) is True


def test_its_own_disks() -> None:
    made = disk("v-os-r", run="r", replaces="rg/before")
    of = detail(disk("o"), disk("before"), disk("other"), made, attached={"os": "o"})
    gone = disk("v-lun0-r", run="r", replaces="rg/gone")
    assert detail(gone).own_disks() == sorted(f"{GROUP}/disks/{name}".lower() for name in ("o", "v-lun0-r"))
    assert of.own_disks() == sorted(f"{GROUP}/disks/{name}".lower() for name in ("o", "before", "v-os-r"))
    assert [of.is_own(each) for each in of.disks.values()] == [True, False, False, True]


def test_a_point_that_is_not_in_the_collection() -> None:
    assert detail().point(f"{POINT}2") is None
    assert detail().point(POINT[:-1]) is None
    found = detail().point(POINT.upper())
    assert found is not None
    assert found.name == "p"


@pytest.mark.parametrize(
    ("of_disk", "of_view", "expected"),
    [("V2", "V1", "V2"), (None, "V1", "V1"), ("V2", None, "V2"), (None, None, "")],
)
def test_its_generation_is_its_os_disk_s_else_what_the_vm_shows(
    of_disk: str | None, of_view: str | None, expected: str
) -> None:
    os_disk = disk("o").model_copy(
        update={"properties": disk("o").properties.model_copy(update={"hyperVGeneration": of_disk})}
    )
    of = detail(os_disk)
    view = of.vm.properties.instanceView
    assert view is not None
    shown = of.vm.properties.model_copy(update={"instanceView": view.model_copy(update={"hyperVGeneration": of_view})})
    assert replace(of, vm=of.vm.model_copy(update={"properties": shown})).generation == expected


def test_a_vm_that_shows_no_os_disk_and_no_view_has_no_generation() -> None:
    bare = detail(attached={})
    shown = bare.vm.properties.model_copy(update={"instanceView": None})
    assert replace(bare, vm=bare.vm.model_copy(update={"properties": shown})).generation == ""


def test_what_a_new_disk_is_to_be_like() -> None:
    (of_point,) = detail().points[0].disks
    of = detail(disk("o"), disk("before"))
    for short, name in (("rg/before", "before"), ("rg/gone", "o"), ("", "o")):
        found = of.replaced(short, of_point)
        assert found is not None
        assert found.name == name
    assert detail().replaced("rg/gone", of_point) is None
