# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resource groups' disks are listed for a VM: its own, those of its disks, and those that restores lead to."""

from __future__ import annotations

import re
from typing import Any

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
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import SUBSCRIPTION
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
    virtual,
)


def disk_id(name: str, group: str) -> str:
    return f"{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Compute/disks/{name}"


def row(name: str, group: str, replaces: str = "") -> dict[str, Any]:
    tags = {"hybridvm-restore-replaces": replaces} if replaces else {}
    return {"id": disk_id(name, group), "name": name, "location": "l", "tags": tags, "properties": {}}


def vm(name: str, *disks: str) -> VmEntity:
    data = [{"lun": lun, "managedDisk": {"id": each}} for lun, each in enumerate(disks)]
    members = {"storageProfile": {"dataDisks": data}}
    return VmEntity.model_validate({"id": "/v", "name": name, "location": "l", "properties": members})


def read(
    groups: dict[str, list[dict[str, Any]]], machine: VmEntity, purpose: Purpose = "restore"
) -> tuple[KnownDisks, list[str]]:
    """What is known then, and the groups that were listed; a group that is not there is forbidden."""
    home = parse(f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/v")

    def answer(request: httpx.Request) -> Reply:
        listed = re.search(r"resourceGroups/([^/]+)/providers/Microsoft.Compute/disks$", request.url.path)
        if listed is not None and listed[1] in groups:
            return reply(200, {"value": groups[listed[1]]})
        return reply(403, {"error": {"code": "AuthorizationFailed", "message": "It says no."}})

    server = Script(answer)

    async def main() -> KnownDisks:
        async with server.http() as http:
            arm = Arm(http, BASE, "client c")
            settings: Any = type("S", (), {"compute_api_version": "2024-07-01", "disk_api_version": "2024-03-02"})
            lists = DiskLists(arm, ComputeClient(arm, settings), "2024-03-02")
            return await lists.of_vm(home, machine, purpose)

    found = virtual(main)
    return found, [request.url.path.split("/")[4] for request in server.requests]


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
