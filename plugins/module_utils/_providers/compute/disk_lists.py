# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The managed disks of resource groups: fresh for a restore, else shared by all VMs of a task.

A VM that has thousands of neighbours keeps none of their disks.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field
from functools import partial

from ..._arm import ids as _arm_id
from ..._arm.client import Arm
from ..._arm.ids import ArmId
from ..._core.errors import BadResponse, Forbidden
from ..._deps import anyio
from ..._http.response import Response, parse_entity
from ..base import Purpose
from .client import ComputeClient
from .disk_entities import DiskEntity
from .tags import RestoreTags
from .vm_entities import Disk, VmEntity

MAX_GROUPS = 100
"""A VM has at most 65 disks; each may lie, or before a restore may have lain, in a group of its own."""
LIST_AGE = 5.0
"""Seconds for which a list serves where it only checks: the service itself refuses what it does not show."""

Kept = t.TypeVar("Kept")


@dataclass(frozen=True)
class KnownDisks:
    """Disks by lower-case id, the groups whose list was read for them, and why none may be listed if that is so."""

    disks: dict[str, DiskEntity] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    unlisted: Forbidden | None = None


class _Row(t.NamedTuple):
    """A listed disk as it was answered (JSON: thousands of parsed ones would fill the memory), and its page."""

    id: str
    text: bytes
    page: Response

    @classmethod
    def of(cls, page: Response, row: dict[str, t.Any]) -> _Row:
        """From a row of a list."""
        return cls(str(row.get("id")).lower(), json.dumps(row, separators=(",", ":")).encode(), page)


class _Shared(t.NamedTuple):
    """A list that several VMs use, or why it may not be read, and when that was."""

    read_at: float
    rows: dict[str, _Row]
    forbidden: Forbidden | None


class DiskLists:
    """Reads the lists for one task."""

    def __init__(self, arm: Arm, client: ComputeClient, api_version: str) -> None:
        self._arm, self._client, self._version = arm, client, api_version
        self._shared: dict[str, _Shared] = {}
        self._reading = anyio.Lock()

    async def of_vm(self, vm: ArmId, machine: VmEntity, purpose: Purpose) -> KnownDisks:
        """What a reading for that purpose knows of disks. A restore ends where they are denied: a step that takes
        them for none makes a disk without what protects the old one. A create is only checked by them.
        """
        if purpose == "list":
            return KnownDisks()
        if purpose == "restore":
            return await self._around(vm, machine)
        try:
            return await (self._around(vm, machine) if purpose == "leftovers" else self._attached(vm, machine))
        except Forbidden as problem:
            return KnownDisks(unlisted=problem)

    async def _around(self, vm: ArmId, machine: VmEntity) -> KnownDisks:
        """All disks of the VM's resource group, and of those that its disks lie in or, before a restore, lay in."""
        todo = [vm.group.lower(), *_by_group(machine)]
        found: dict[str, DiskEntity] = {}
        listed: set[str] = set()
        while todo:
            group = todo.pop(0)
            if group in listed or not _arm_id.is_name(group):
                continue
            listed.add(group)
            _bound(listed, vm)
            disks: list[DiskEntity] = []
            await self._list(vm.subscription, group, disks.append, partial(_parse, vm.subscription, group))
            for disk in disks:
                found[disk.id.lower()] = disk
                group, slash, _name = RestoreTags.of(disk).replaces.lower().partition("/")
                if slash and disk.name.lower().startswith(machine.name.lower()[:58]):
                    todo.append(group)
        for attached in machine.disks:
            is_resource = attached.managed_id and not attached.diffDiskSettings  # an ephemeral disk is in no list
            if is_resource and attached.managed_id not in found:
                found[attached.managed_id] = await self._left_out(attached, vm)
        return KnownDisks(found, frozenset(listed))

    async def _left_out(self, attached: Disk, vm: ArmId) -> DiskEntity:
        """A disk that the VM has and a list lacks: the list is behind, and no proof that there is none."""
        disk = await self._client.disk(attached.managed_id)
        if disk is None:
            raise BadResponse(
                f"it is shown with {attached.name or attached.managed_id} at {attached.slot}, and no such disk is.",
                subject=f"vm {vm.name}",
                remedy="Run the task again: one of the two answers is out of date.",
            )
        return disk

    async def _attached(self, vm: ArmId, machine: VmEntity) -> KnownDisks:
        """The disks that the VM has."""
        wanted = _by_group(machine)
        _bound(wanted, vm)
        found: dict[str, DiskEntity] = {}
        for group, ids in wanted.items():
            rows = await self._rows(vm.subscription, group)
            for disk_id in ids:
                if (row := rows.get(disk_id)) is not None:
                    found[disk_id] = _parse(vm.subscription, group, row.page, json.loads(row.text))
        return KnownDisks(found, frozenset(wanted))

    async def _rows(self, subscription: str, group: str) -> dict[str, _Row]:
        """The shared list of a group, read once by the first of the VMs that need it."""
        key = f"{subscription}/{group}".lower()
        async with self._reading:
            shared = self._shared.get(key)
            if shared is None or anyio.current_time() - shared.read_at >= LIST_AGE:
                shared = self._shared[key] = await self._read(subscription, group)
        if shared.forbidden is not None:
            raise shared.forbidden
        return shared.rows

    async def _read(self, subscription: str, group: str) -> _Shared:
        rows: dict[str, _Row] = {}
        forbidden: Forbidden | None = None
        try:
            await self._list(subscription, group, lambda row: rows.update({row.id: row}), _Row.of)
        except Forbidden as problem:
            forbidden = problem
        return _Shared(anyio.current_time(), rows, forbidden)

    async def _list(
        self,
        subscription: str,
        group: str,
        keep: t.Callable[[Kept], object],
        read: t.Callable[[Response, dict[str, t.Any]], Kept],
    ) -> None:
        """`keep` what is `read` of each row and its page; of the page only what an error says of it."""
        path = f"/subscriptions/{subscription}/resourceGroups/{_arm_id.quote(group)}"
        url = self._arm.url(f"{path}/providers/Microsoft.Compute/disks", self._version)

        def take(response: Response, rows: list[dict[str, t.Any]]) -> None:
            page = Response(response.status, response.headers, b"", response.label)
            for row in rows:
                keep(read(page, row))

        await self._arm.walk(url, take, context=f"listing disks of {group}")


def _parse(subscription: str, group: str, page: Response, row: dict[str, t.Any]) -> DiskEntity:
    disk = parse_entity(DiskEntity, row, page)
    if not disk.id.lower().startswith(f"/subscriptions/{subscription}/resourceGroups/{group}/".lower()):
        raise page.bad(f"the list of disks of {group} holds one of elsewhere.")
    return disk


def _by_group(machine: VmEntity) -> dict[str, list[str]]:
    """The ids of the VM's disks, in lower case, by the resource group that they lie in."""
    found: dict[str, list[str]] = {}
    for disk in machine.disks:
        parts = disk.managed_id.split("/")
        if len(parts) > 4:
            found.setdefault(parts[4], []).append(disk.managed_id)
    return found


def _bound(groups: t.Sized, vm: ArmId) -> None:
    if len(groups) > MAX_GROUPS:
        raise BadResponse(f"its disks lead to more than {MAX_GROUPS} resource groups.", subject=f"vm {vm.name}")
