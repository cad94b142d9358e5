# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes behind Azure's steps: collection, disks from a point, deallocate, swap, start, tags."""

from __future__ import annotations

import typing as t

from ..._arm import ids as _arm_id
from ..._arm.client import Arm
from ..._arm.ids import ArmId
from ..._core.errors import NotFound, Unsupported, VmState
from ..._core.model import Inventory
from ..._core.operation import Operation, State, Status
from ..._core.plan import Step
from ..._core.settings import ArmSettings
from ..._deps import anyio
from ..._http.response import parse_entity
from .entities import Disk, DiskEntity, DiskRestorePointEntity
from .restore_disk import new_disk
from .restore_state import DONE, GIVEN_UP, HELD_TAG, STATE_TAG, Detail, as_held, by_short
from .restore_verify import in_the_way

ENDS: dict[str, State] = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}
"""How a disk's making has ended, by the disk's own state."""
TAG = "hybridvm-checkpoints"
TAG_VALUE = "managed"
"""The tag of collections that this collection made: what lies in them is ours."""


class ComputeSteps:
    """Carries out steps by `about.op`; each is a single write whose effect reading shows."""

    def __init__(self, arm: Arm, settings: ArmSettings) -> None:
        self._arm = arm
        self._compute = settings.compute_api_version
        self._disk = settings.disk_api_version

    async def take(self, step: Step, actual: Inventory) -> Operation:
        """The write that the step stands for."""
        arm_id = _arm_id.parse(step.vm.id)
        op = step.about.get("op")
        if op == "create_disk":
            return await self._create_disk(step, actual, arm_id)
        if op == "deallocate":
            return await self.power(arm_id, False)
        if op == "start":
            return await self.power(arm_id, True)
        if op in ("swap", "swap_back"):
            return await self._swap(step, actual, arm_id)
        if op == "detach":
            return await self._detach(step, actual, arm_id)
        if op == "keep":
            return await self._let_go(step, actual, arm_id, dict.fromkeys(step.about.get("disks") or {}, "Detach"))
        if op == "release":
            return await self._let_go(step, actual, arm_id, step.about["options"])
        if op in ("finish", "give_up"):
            return await self._mark(step, actual, DONE if op == "finish" else GIVEN_UP)
        if op == "delete_disk":
            return await self._delete_disk(step, actual)
        raise Unsupported(f"no such step: {step.do}.", subject=str(step.vm))

    async def power(self, vm: ArmId, on: bool) -> Operation:
        """Start or deallocate."""
        action = "start" if on else "deallocate"
        url = self._arm.url(f"{vm.path}/{action}", self._compute)
        return await self._arm.write("POST", url, None, context=f"{action} of vm {vm.name}")

    async def make_collection(self, step: Step, home: ArmId) -> Operation:
        """A collection of the VM's points, with the tag that says whose they are."""
        body = {
            "location": step.about["location"],
            "tags": {TAG: TAG_VALUE},
            "properties": {"source": {"id": step.vm.id}},
        }
        return await self._arm.write("PUT", self._arm.url(home.path, self._compute), body, context=step.do)

    async def _create_disk(self, step: Step, actual: Inventory, vm: ArmId) -> Operation:
        """A disk from the disk restore point, where the VM is, of the kind it replaces, encrypted as that was."""
        detail: Detail = actual.detail
        place, name = str(step.about["place"]), str(step.about["disk"])
        if (under_way := detail.named(name)) is not None and under_way.state not in ENDS:
            return self._joined(under_way)  # an earlier run's request is still at it
        source = self._source(step, detail, place)
        source_id = source.diskRestorePoint.id if source.diskRestorePoint else None
        if not source_id:
            why = f"the restore point has no disk restore point for {place}."
            raise NotFound(why, subject=str(step.vm), remedy="Choose another restore point.")
        # All of the point's disks are looked at before the first new one is made.
        begun = bool(detail.of_run(str(step.about["run"])))
        concerned = {place: source} if begun else self._sources(step, detail)
        told = {each: await self._disk_restore_point(disk, step, begun) for each, disk in concerned.items()}[place]
        old = by_short(detail, str(step.about.get("replaces") or "")) or detail.disks.get(source.managed_id)
        body = new_disk(step.about, detail, source, told, old)
        path = str(ArmId(vm.subscription, vm.group, "Microsoft.Compute/disks", name))
        url = self._arm.url(_arm_id.quote(path), self._disk)
        return await self._arm.write("PUT", url, body, context=step.do)

    def _joined(self, disk: DiskEntity) -> Operation:
        url = self._arm.url(_arm_id.quote(disk.id), self._disk)

        async def poll() -> Status:
            response = await self._arm.find(url, context=f"reading disk {disk.name}")
            if response is None:
                return Status("unknown")
            state = parse_entity(DiskEntity, response.json(), response).state
            return Status(ENDS.get(state, "running"), state)

        return Operation("arm", None, poll, anyio.current_time(), joined=True)

    def _source(self, step: Step, detail: Detail, place: str) -> Disk:
        found = self._sources(step, detail).get(place)
        if found is not None:
            return found
        why = f"restore point {step.about['point']} no longer holds {place}."
        raise NotFound(why, subject=str(step.vm), remedy="Choose another restore point.")

    async def _disk_restore_point(self, source: Disk, step: Step, begun: bool) -> DiskRestorePointEntity | None:
        """Its encryption and whether it is whole; the 2021 form of its id has a query and cannot be read."""
        source_id = (source.diskRestorePoint.id if source.diskRestorePoint else None) or "?"
        if "?" in source_id:
            return None
        url = self._arm.url(_arm_id.quote(source_id), self._disk)
        response = await self._arm.find(url, context="reading a disk restore point")
        if response is None:
            return None
        found = parse_entity(DiskRestorePointEntity, response.json(), response)
        percent = found.properties.completionPercent
        if percent is not None and percent < 100:
            raise VmState(
                f"the restore point is not usable yet: {found.name} is at {percent:g} %.",
                changed_nothing=not begun,
                subject=str(step.vm),
                remedy="Run the task again when it is at 100 %.",
            )
        return found

    async def _let_go(self, step: Step, actual: Inventory, vm: ArmId, options: t.Mapping[str, str]) -> Operation:
        """What becomes of disks, by place. What is replaced must outlive it: whether a detached disk with deleteOption
        Delete goes is unknown.
        """
        raw = actual.detail.raw["properties"]["storageProfile"]
        data = [
            {**disk, "deleteOption": options[place]} if (place := f"lun{disk['lun']}") in options else disk
            for disk in raw.get("dataDisks") or []
        ]
        profile: dict[str, t.Any] = {"dataDisks": data}
        if "os" in options and raw.get("osDisk"):
            profile["osDisk"] = {
                **_kept(raw["osDisk"], ("name", "createOption", "managedDisk")),
                "deleteOption": options["os"],
            }
        return await self._patch(step, actual, vm, profile)

    async def _detach(self, step: Step, actual: Inventory, vm: ArmId) -> Operation:
        """The data disks that are in the way of those that come."""
        raw = actual.detail.raw["properties"]["storageProfile"]
        gone = in_the_way(actual.detail, step.about.get("disks") or {})
        kept = [disk for disk in raw.get("dataDisks") or [] if f"lun{disk['lun']}" not in gone]
        return await self._patch(step, actual, vm, {"dataDisks": kept})

    async def _patch(self, step: Step, actual: Inventory, vm: ArmId, profile: dict[str, t.Any]) -> Operation:
        """A change of the storage profile of the VM as it was read: If-Match refuses it when somebody was faster."""
        headers = {"If-Match": actual.detail.etag} if actual.detail.etag else {}
        url = self._arm.url(vm.path, self._compute)
        body = {"properties": {"storageProfile": profile}}
        return await self._arm.write("PATCH", url, body, context=step.do, headers=headers)

    async def _swap(self, step: Step, actual: Inventory, vm: ArmId) -> Operation:
        """One PATCH of the storage profile: the OS disk changes, the data disks come; the others stay as they are."""
        detail: Detail = actual.detail
        raw = detail.raw["properties"]["storageProfile"]
        wanted = {place: by_short(detail, str(name)) for place, name in (step.about.get("disks") or {}).items()}
        missing = [place for place, disk in wanted.items() if disk is None]
        if missing:
            raise _gone(step, f"the disks for {', '.join(missing)} are gone.")
        profile: dict[str, t.Any] = {}
        if (disk := wanted.get("os")) is not None:
            if not raw.get("osDisk"):
                raise _gone(step, "the VM shows no OS disk to be replaced.")
            kept = _kept(raw["osDisk"], ("caching", "createOption", "deleteOption"))
            profile["osDisk"] = {**kept, **_held(step, "os", disk), "name": disk.name, "managedDisk": {"id": disk.id}}
        held = {place: _held(step, place, disk) for place, disk in wanted.items() if disk is not None}
        profile["dataDisks"] = _data_disks(raw.get("dataDisks") or [], wanted, self._sources(step, detail), held)
        return await self._patch(step, actual, vm, profile)

    def _sources(self, step: Step, detail: Detail) -> dict[str, Disk]:
        """The point's disks by place: their caching is what the attachments get; empty where the point is gone."""
        name = str(step.about.get("point") or "").rsplit("/", 1)[-1].lower()
        points = (detail.collection.properties.restorePoints or []) if detail.collection else []
        return {disk.place: disk for point in points if point.name.lower() == name for disk in point.disks}

    async def _mark(self, step: Step, actual: Inventory, state: str) -> Operation:
        """Tags are sent whole: a PATCH replaces them all."""
        detail: Detail = actual.detail
        disk = detail.named(str(step.about["disk"]))
        if disk is None:
            raise _gone(step, f"disk {step.about['disk']} is gone.")
        url = self._arm.url(_arm_id.quote(disk.id), self._disk)
        body = {"tags": {**(disk.tags or {}), STATE_TAG: state}}
        return await self._arm.write("PATCH", url, body, context=step.do)

    async def _delete_disk(self, step: Step, actual: Inventory) -> Operation:
        disk = by_short(actual.detail, str(step.about["disk"]))
        if disk is None:
            raise _gone(step, f"disk {step.about['disk']} is gone.")
        return await self._arm.write("DELETE", self._arm.url(_arm_id.quote(disk.id), self._disk), None, context=step.do)


def _gone(step: Step, why: str) -> NotFound:
    remedy = "Run the task again: what is there by then decides what is left to do."
    return NotFound(why, subject=str(step.vm), remedy=remedy)


def _kept(raw: t.Mapping[str, t.Any], names: t.Sequence[str]) -> dict[str, t.Any]:
    return {name: raw[name] for name in names if name in raw}


def _held(step: Step, place: str, disk: DiskEntity) -> dict[str, t.Any]:
    """How the VM is to hold a disk: one that comes back as it did; a new one goes with the VM where the old one did."""
    told = step.about.get("held") or {}
    if place in told:
        return as_held(str(told[place]))
    found = as_held((disk.tags or {}).get(HELD_TAG, ""))
    return _kept(found, ("deleteOption",))


def _data_disks(
    raw: t.Sequence[dict[str, t.Any]],
    wanted: t.Mapping[str, DiskEntity | None],
    sources: t.Mapping[str, Disk],
    held: t.Mapping[str, dict[str, t.Any]],
) -> list[dict[str, t.Any]]:
    """The data disks as they are, with those of the point in their places; one that had been detached comes back."""
    attached = {f"lun{disk['lun']}": disk for disk in raw}
    result = [disk for place, disk in attached.items() if place not in wanted]
    for place, disk in wanted.items():
        if place == "os" or disk is None:
            continue
        entry = _kept(attached.get(place, {}), ("caching", "writeAcceleratorEnabled", "deleteOption"))
        if (source := sources.get(place)) is not None:
            told = {"caching": source.caching, "writeAcceleratorEnabled": source.writeAcceleratorEnabled}
            entry |= {name: value for name, value in told.items() if value is not None}
        lun = int(place.removeprefix("lun"))
        result.append({**entry, **held[place], "lun": lun, "createOption": "Attach", "managedDisk": {"id": disk.id}})
    return sorted(result, key=lambda disk: int(disk["lun"]))
