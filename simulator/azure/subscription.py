# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Azure subscription as Microsoft.Compute sees it: what there is, what runs, and what stands in the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from simulator.azure.jobs import AzureJob, PlannedEnd, Refused
from simulator.azure.model import AzureVm, Collection, Disk, DiskPoint, Lock, Point, group_of
from simulator.switches.all import Switches
from simulator.timing import Timing
from simulator.wire.ids import Ids

_DISK_POINT = re.compile(
    r"(?P<collection>.+/restorePointCollections/[^/]+)/restorePoints/(?P<point>[^/]+)/"
    r"(?:diskRestorePoints/(?P<name>[^/?]+)|disks/(?P<disk>[^/?]+)\?id=(?P<guid>[^/?]+))",
    re.IGNORECASE,
)
_POINT = re.compile(r"(?P<collection>.+/restorePointCollections/[^/]+)/restorePoints/(?P<point>[^/]+)", re.IGNORECASE)


class Azure:
    """VMs, disks and collections by id, operations, locks; verbs are in the azure_* files beside this one."""

    def __init__(
        self, ids: Ids, now: Callable[[], float], switches: Switches, subscription_id: str, locations: list[str]
    ) -> None:
        self.ids = ids
        self.chance = ids.beside("durations")
        self.now = now
        self.switches = switches
        self.subscription_id = subscription_id
        self.locations = locations
        self.resource_group = ""  # where things go whose document names no other
        self.groups: dict[str, tuple[str, str]] = {}  # lower-case name -> name, location
        self.vms: dict[str, AzureVm] = {}  # by lower-case id, as the next two
        self.disks: dict[str, Disk] = {}
        self.collections: dict[str, Collection] = {}
        self.locks: list[Lock] = []
        self.jobs: dict[str, AzureJob] = {}
        self.planned: list[PlannedEnd] = []
        self.taken: list[tuple[str, str, float]] = []  # creates of points: whose, which kind, when
        self.rights = "all"
        self.forbidden: list[str] = []  # single actions that the caller may not do, whatever `rights` says
        self._running: list[AzureJob] = []

    # Looking ----------------------------------------------------------------------------------------------------

    def vm(self, id_: str) -> AzureVm | None:
        return self.vms.get(id_.lower())

    def named(self, name: str) -> AzureVm:
        """The VM of that name or id; KeyError when there is none."""
        self.settle()
        found = self.vm(name) or next((vm for vm in self.vms.values() if vm.name.lower() == name.lower()), None)
        if found is None:
            raise KeyError(name)
        return found

    def disk(self, id_: str) -> Disk | None:
        return self.disks.get(id_.lower())

    def collection(self, id_: str) -> Collection | None:
        return self.collections.get(id_.lower())

    def find_point(self, id_: str) -> tuple[Collection, Point] | None:
        """The restore point of that ARM id, and where it is."""
        found = _POINT.fullmatch(id_)
        collection = self.collection(found["collection"]) if found else None
        point = collection.point(found["point"]) if found and collection else None
        return (collection, point) if collection and point else None

    def find_disk_point(self, id_: str) -> tuple[Collection, Point, DiskPoint] | None:
        """The disk restore point of that ARM id, in either of the two shapes that were recorded."""
        found = _DISK_POINT.fullmatch(id_)
        if found is None:
            return None
        where = self.find_point(f"{found['collection']}/restorePoints/{found['point']}")
        if where is None:
            return None
        name = found["name"] or f"{found['disk']}_{found['guid']}"
        disk_point = where[1].disk_point(name)
        return (*where, disk_point) if disk_point else None

    def points_of(self, vm_id: str) -> list[Point]:
        """All points that were made of a VM, over all collections; copies are not its own any more."""
        return [
            point
            for collection in self.collections.values()
            for point in collection.points
            if point.vm_id.lower() == vm_id.lower() and point.kind != "copy"
        ]

    def resource_id(self, kind: str, name: str, group: str | None = None) -> str:
        """The ARM id of something of Microsoft.Compute; an id stays as it is."""
        if name.startswith("/"):
            return name
        group = group or self.resource_group
        return f"/subscriptions/{self.subscription_id}/resourceGroups/{group}/providers/Microsoft.Compute/{kind}/{name}"

    def files(self, vm: AzureVm, disk: str = "os") -> dict[str, str]:
        """What the guest has on its OS disk (`os`) or on a data disk (its LUN); KeyError for a disk it has not."""
        lun = None if disk == "os" else int(disk)
        held = next((each for each in vm.attachments() if each.lun == lun), None)
        found = self.disk(held.disk) if held else None
        if found is None:
            raise KeyError(f"disk {disk}")
        return found.files

    # What stands in the way -------------------------------------------------------------------------------------

    def check_locks(self, id_: str, action: str) -> None:
        """Refused when a lock on the resource or above it forbids `delete` or `write`."""
        low = id_.lower()
        scopes = [
            lock.scope
            for lock in self.locks
            if (low == lock.scope.lower() or low.startswith(f"{lock.scope.lower()}/"))
            and (lock.level == "ReadOnly" or action == "delete")
            and not (self.switches.compute_point_lock == "ignored" and _POINT.fullmatch(lock.scope))
        ]
        if scopes:
            raise Refused(
                409,
                "ScopeLocked",
                f"The scope '{id_}' cannot perform {action} operation because following scope(s) are locked: "
                f"'{','.join(scopes)}'. Please remove the lock and try again.",
            )

    def planned_end(self, kind: str, *names: str) -> Refused | None:
        """How this operation is to fail, if it is; raises it when that is to be seen at once."""
        wanted = {name.lower() for name in names}
        for place, each in enumerate(self.planned):
            if each.kind == kind and (each.name is None or each.name.lower() in wanted):
                del self.planned[place]
                if each.status is not None:
                    each.refusal.status = each.status
                    raise each.refusal
                return each.refusal
        return None

    def busy(self, vm: AzureVm) -> None:
        """Refused while another operation on the VM runs ([I]: Compute may also preempt that one)."""
        if vm.job is not None and vm.job.running:
            raise Refused(409, "Conflict", f"Another operation on the virtual machine '{vm.name}' is in progress.")

    def disturb(self, vm: AzureVm) -> None:
        """A change of the VM's model fails the restore point that is being made of it (documented)."""
        for point in self.points_of(vm.id):
            if point.job is not None and point.job.running and point.job.failure is None:
                point.job.failure = Refused(409, "OperationNotAllowed")

    # Operations -------------------------------------------------------------------------------------------------

    def begin(
        self,
        kind: str,
        region: str,
        timing: Timing,
        effect: Callable[[], object],
        *,
        vm: AzureVm | None = None,
        **more: Any,
    ) -> AzureJob:
        """Start an operation; `vm` is busy with it, `more` are other members of AzureJob."""
        timing = timing.drawn(self.chance.between)
        job = AzureJob(self.ids.guid(), kind, region, self.now(), timing, effect, partition=self.ids.guid(), **more)
        self.jobs[job.id.lower()] = job
        self._running.append(job)
        if vm is not None:
            vm.job = job
        self.settle()
        return job

    def settle(self) -> None:
        """End what is due, in the order in which it became due."""
        if not self._running:
            return
        now = self.now()
        due = sorted(
            ((moment, place, job) for place, job in enumerate(self._running) if (moment := job.due(now)) is not None),
            key=lambda each: each[:2],
        )
        for moment, _place, job in due:
            if job.running:
                job.end(moment)
        self._running = [job for job in self._running if job.running]

    def look(self, job: AzureJob) -> None:
        """Somebody polls it."""
        job.looks += 1
        self.settle()

    def add_group(self, name: str, location: str) -> None:
        self.groups.setdefault(name.lower(), (name, location))

    def add_vm(self, vm: AzureVm) -> None:
        self.vms[vm.id.lower()] = vm
        self.add_group(group_of(vm.id), vm.location)

    def add_disk(self, disk: Disk) -> None:
        self.disks[disk.id.lower()] = disk
        self.add_group(group_of(disk.id), disk.location)

    def add_collection(self, collection: Collection) -> None:
        self.collections[collection.id.lower()] = collection
        self.add_group(group_of(collection.id), collection.location)
