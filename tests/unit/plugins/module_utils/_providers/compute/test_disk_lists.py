# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resource groups' disks are listed for a VM: its own, those of its disks, and those that restores lead to."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import anyio
import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import parse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse, Forbidden
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.base import Purpose
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.client import ComputeClient
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_lists import (
    DiskLists,
    KnownDisks,
    _Row,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_answers import SETTINGS, absent
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import SUBSCRIPTION
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    answer,
    reply,
    virtual,
)

Result = TypeVar("Result")


def disk_id(name: str, group: str) -> str:
    return f"{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Compute/disks/{name}"


def row(name: str, group: str, replaces: str = "") -> dict[str, Any]:
    tags = {"hybridvm-restore-replaces": replaces} if replaces else {}
    return {"id": disk_id(name, group), "name": name, "location": "l", "tags": tags, "properties": {}}


def vm(name: str, *disks: str) -> VmEntity:
    data = [{"lun": lun, "managedDisk": {"id": each}} for lun, each in enumerate(disks)]
    members = {"storageProfile": {"dataDisks": data}}
    return VmEntity.model_validate({"id": "/v", "name": name, "location": "l", "properties": members})


Lists = dict[str, list[dict[str, Any]]]


def asking(
    groups: Lists, act: Callable[[DiskLists], Awaitable[Result]], disks: Sequence[dict[str, Any]] = ()
) -> tuple[Result, list[str]]:
    """What the lists give, and what was asked for: groups, or ids of disks. What is not there is forbidden."""
    single = {each["id"].lower(): each for each in disks}
    asked: list[str] = []

    def answered(request: httpx.Request) -> Reply:
        path = request.url.path
        listed = re.search(r"resourceGroups/([^/]+)/providers/Microsoft.Compute/disks$", path)
        asked.append(listed[1] if listed is not None else path)
        if listed is not None and listed[1] in groups:
            return reply(200, {"value": groups[listed[1]]})
        if path.lower() in single:
            return reply(200, single[path.lower()])
        if listed is None:
            return absent(path)
        return reply(403, {"error": {"code": "AuthorizationFailed", "message": "It says no."}})

    async def main() -> Result:
        async with Script(answered).http() as http:
            arm = Arm(http, BASE, "client c")
            return await act(DiskLists(arm, ComputeClient(arm, SETTINGS), "2024-03-02"))

    return virtual(main), asked


def read(
    groups: Lists,
    machine: VmEntity,
    purpose: Purpose = "restore",
    *,
    home: str = "rg",
    disks: Sequence[dict[str, Any]] = (),
) -> tuple[KnownDisks, list[str]]:
    """What is known then, and what was asked for."""
    of = parse(f"{SUBSCRIPTION}/resourceGroups/{home}/providers/Microsoft.Compute/virtualMachines/v")
    return asking(groups, lambda lists: lists.of_vm(of, machine, purpose), disks)


@pytest.mark.parametrize(
    ("name", "of_disk"),
    [("Shop", "shop-os-r"), ("shop", "SHOP-os-r"), ("V" * 64, f"{'v' * 58}-os-r"), ("v" * 64, f"{'V' * 58}-os-r")],
)
def test_a_disk_that_a_restore_made_leads_to_where_the_old_one_lies(name: str, of_disk: str) -> None:
    groups = {"rg": [row(of_disk, "rg", "Far/old")], "far": [row("old", "far")]}
    found, listed = read(groups, vm(name))
    assert (listed, found.groups) == (["rg", "far"], frozenset({"rg", "far"}))
    assert set(found.disks) == {disk_id(of_disk, "rg").lower(), disk_id("old", "far").lower()}


@pytest.mark.parametrize(("of_disk", "replaces"), [("other-os-r", "far/old"), ("shop-os-r", "old"), ("shop-os-r", "")])
def test_what_is_of_another_vm_or_near_leads_nowhere(of_disk: str, replaces: str) -> None:
    assert read({"rg": [row(of_disk, "rg", replaces)]}, vm("shop"))[1] == ["rg"]


def test_what_a_group_s_list_holds_of_elsewhere_makes_no_sense() -> None:
    with pytest.raises(BadResponse, match="the list of disks of rg holds one of elsewhere"):
        read({"rg": [row("d", "far")]}, vm("v"))


def test_a_restore_ends_where_disks_may_not_be_listed_and_a_create_is_only_not_checked() -> None:
    with pytest.raises(Forbidden, match="listing disks of rg"):
        read({}, vm("v"))
    for purpose in ("change", "leftovers"):
        found, _listed = read({}, vm("v", disk_id("d", "rg")), purpose)
        assert (found.disks, found.unlisted is not None) == ({}, True)
    assert read({}, vm("v"), "list") == (KnownDisks(), [])


def test_for_a_change_the_attached_disks_alone_are_known() -> None:
    groups = {"rg": [row("D", "rg"), row("e", "rg")], "far": [row("f", "far")]}
    machine = vm("v", disk_id("D", "RG"), disk_id("f", "far"), disk_id("gone", "far"))
    found, listed = read(groups, machine, "change")
    assert (sorted(listed), found.groups) == (["far", "rg"], frozenset({"rg", "far"}))
    assert set(found.disks) == {disk_id("D", "rg").lower(), disk_id("f", "far").lower()}


def attached(**members: Any) -> VmEntity:
    """A VM with one data disk."""
    document = {"id": "/v", "name": "v", "location": "l"}
    disks = {"storageProfile": {"dataDisks": [{"lun": 0, **members}]}}
    return VmEntity.model_validate(document | {"properties": disks})


def test_for_a_restore_the_groups_of_its_disks_are_listed_once_each() -> None:
    groups = {"rg": [row("d", "rg"), row("other", "rg")], "far": [row("e", "far"), row("f", "far")]}
    machine = vm("v", disk_id("d", "rg"), disk_id("e", "FAR"), disk_id("f", "far"))
    found, asked = read(groups, machine, home="RG")
    assert (asked, found.groups, found.unlisted) == (["rg", "far"], frozenset({"rg", "far"}), None)
    assert sorted(each.name for each in found.disks.values()) == ["d", "e", "f", "other"]
    assert read(groups, machine, "leftovers") == (found, ["rg", "far"])


def test_a_claim_that_is_no_name_of_a_group_leads_nowhere_and_the_next_one_does() -> None:
    groups = {"rg": [row("v-os-r", "rg", "../old"), row("v-lun0-r", "rg", "far/sub/old")], "far": []}
    assert read(groups, vm("v"))[1] == ["rg", "far"]


def test_the_first_58_characters_of_a_name_tell_vms_apart() -> None:
    assert read({"rg": [row(f"{'v' * 57}x-os-r", "rg", "far/old")]}, vm("v" * 58))[1] == ["rg"]


@pytest.mark.parametrize(
    "held",
    [
        {"managedDisk": {"id": disk_id("d", "rg")}, "diffDiskSettings": {"option": "Local"}},
        {"vhd": {"uri": "https://blobs/d"}},
    ],
)
def test_a_disk_that_is_no_resource_is_not_looked_for(held: dict[str, Any]) -> None:
    assert read({"rg": []}, attached(**held)) == (KnownDisks(groups=frozenset({"rg"})), ["rg"])
    assert read({"rg": []}, attached(vhd={"uri": "https://blobs/d"}), "change") == (KnownDisks(), [])


def test_a_disk_that_the_list_lacks_is_read_alone() -> None:
    path = disk_id("d", "rg")
    found, asked = read({"rg": []}, vm("v", path), disks=[row("D", "rg")])
    assert (asked, {key: disk.name for key, disk in found.disks.items()}) == (["rg", path.lower()], {path.lower(): "D"})


@pytest.mark.parametrize(("name", "shown"), [("data", "data"), (None, disk_id("d", "rg").lower())])
def test_a_disk_that_is_nowhere_is_a_contradiction(name: Any, shown: str) -> None:
    with pytest.raises(BadResponse) as raised:
        read({"rg": []}, attached(name=name, managedDisk={"id": disk_id("d", "rg")}))
    assert str(raised.value) == (
        f"vm v: it is shown with {shown} at lun0, and no such disk is. "
        "Run the task again: one of the two answers is out of date."
    )


def test_an_id_that_is_none_of_a_disk() -> None:
    """Too short to lie in a resource group, or just long enough."""
    assert read({}, vm("v", "/a/b/c"), "change") == (KnownDisks(), [])
    assert read({"d": []}, vm("v", "/a/b/c/d"), "change") == (KnownDisks(groups=frozenset({"d"})), ["d"])


def test_the_disks_of_a_vm_lie_in_a_hundred_groups_at_most() -> None:
    groups = {"rg": [row("d", "rg")]} | {f"g{number}": [row("d", f"g{number}")] for number in range(101)}
    said = "vm v: its disks lead to more than 100 resource groups."

    def of(count: int, purpose: Purpose) -> int:
        machine = vm("v", *(disk_id("d", f"g{number}") for number in range(count)))
        return len(read(groups, machine, purpose)[0].groups)

    assert (of(99, "restore"), of(100, "change")) == (100, 100)
    beyond: tuple[tuple[int, Purpose], ...] = ((100, "restore"), (101, "change"))
    for count, purpose in beyond:
        with pytest.raises(BadResponse) as raised:
            of(count, purpose)
        assert str(raised.value) == said


def test_a_list_that_only_checks_serves_all_vms_for_five_seconds() -> None:
    below = "/subscriptions/abcdef01-0000-4000-8000-00000000000a/resourceGroups/rg/providers/Microsoft.Compute"
    shown = row("d", "rg") | {"id": f"{below}/disks/d"}

    async def act(lists: DiskLists) -> list[int]:
        counts = []
        for pause in (0.0, 4.5, 0.5):
            await anyio.sleep(pause)
            for spelled in (below, below.replace("abcdef", "ABCDEF").replace("/rg/", "/RG/")):
                found = await lists.of_vm(parse(f"{spelled}/vms/v"), vm("v", f"{spelled}/disks/d"), "change")
                counts.append(len(found.disks))
        return counts

    assert asking({"rg": [shown]}, act) == ([1] * 6, ["rg", "rg"])


def test_a_listed_disk_is_kept_without_a_space() -> None:
    kept = _Row.of(answer(), {"id": "/D", "tags": {"a": "b"}})
    assert (kept.id, kept.text) == ("/d", b'{"id":"/D","tags":{"a":"b"}}')


def test_why_a_list_may_not_be_read_serves_as_well() -> None:
    home = parse(f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/v")

    async def act(lists: DiskLists) -> list[str]:
        said = []
        for _time in range(2):
            found = await lists.of_vm(home, vm("v", disk_id("d", "rg")), "change")
            said.append("" if found.unlisted is None else found.unlisted.message)
        return said

    said = "listing disks of rg: forbidden (403): AuthorizationFailed: It says no."
    assert asking({}, act) == ([said, said], ["rg"])
