# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be read from SPF: the entities of a set, one of them, and what it is linked to."""

from __future__ import annotations

from simulator.odata.edm import SETS, EntityType
from simulator.odata.query import INLINE, Entity, Query, comparable
from simulator.spf.entities import checkpoint_entity, cloud_entity, job_entity, vm_entity
from simulator.vmm.jobs import Job
from simulator.vmm.machines import VirtualMachine
from simulator.world import World


class Reads:
    """Every read is a look: jobs whose time has come are done before anything is shown."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.site = world.spf
        self.vmm = world.spf.vmm

    def all(self, kind: EntityType, query: Query) -> list[Entity]:
        """The entities that may match; equality on ids and names is used to look at few VMs only."""
        wanted = query.equal
        if kind.name == "Cloud":
            return [cloud_entity(self.site)]
        if kind.name == "Job":
            jobs = list(self.vmm.jobs.values()) if "ID" not in wanted else [self.vmm.job(str(wanted["ID"]))]
            return [self._job(job) for job in jobs if job is not None and self._visible(job)]
        if kind.name == "VirtualMachine":
            return [self._vm(vm) for vm in self._vms(wanted.get("ID"), wanted.get("Name"))]
        return [
            entity
            for vm in self._vms(wanted.get("VMId"), None)
            for entity in self._checkpoints(vm)
            if "ID" not in wanted or comparable(entity["ID"]) == wanted["ID"]
        ]

    def entity(self, kind: EntityType, id_: str) -> Entity | None:
        """One entity by the ID in its key."""
        query = Query([{"ID": id_.lower()}])
        return next((each for each in self.all(kind, query) if query.matches(each)), None)

    def navigate(self, kind: EntityType, id_: str, name: str) -> list[Entity]:
        """The targets of a navigation; none when there is no such entity either."""
        entity = self.entity(kind, id_)
        return [] if entity is None else self._targets(kind, entity, name)

    def expanded(self, kind: EntityType, entity: Entity, query: Query) -> Entity:
        """The entity with the navigations of $expand beside it."""
        if not query.expand:
            return entity
        inline = {
            name: (SETS[kind.navigation[name].lower()], self._targets(kind, entity, name), name not in kind.collections)
            for name in query.expand
        }
        return {**entity, INLINE: inline}

    def _targets(self, kind: EntityType, entity: Entity, name: str) -> list[Entity]:
        if name == "Cloud":
            return [cloud_entity(self.site)]
        if name == "VMCheckpoints":
            vm = self.vmm.vm(entity["ID"])
            hidden = vm is None or self.world.switches.spf_expand == "empty"
            return [] if hidden or vm is None else self._checkpoints(vm)
        if name == "ParentCheckPoint":
            parent = comparable(entity["ParentCheckpointID"])
            vm = self.vmm.vm(entity["VMId"])
            siblings = self._checkpoints(vm) if vm is not None else []
            return [each for each in siblings if parent is not None and comparable(each["CheckpointID"]) == parent]
        job_id = entity["MostRecentTaskId"] if name == "MostRecentTask" else entity["FailedJobID"]
        job = self.vmm.job(job_id) if job_id else None
        return [self._job(job)] if job is not None and self._visible(job) else []

    def _vms(self, id_: object, name: object) -> list[VirtualMachine]:
        if id_ is not None:
            vm = self.vmm.vm(str(id_))
            found = [vm] if vm is not None else []
        else:
            found = [vm for vm in self.vmm.vms if name is None or comparable(vm.name) == name]
        for vm in found:
            self.vmm.look(vm)
        return found

    def _vm(self, vm: VirtualMachine) -> Entity:
        return vm_entity(self.site, vm, self.vmm.running(vm), self.world.switches)

    def _checkpoints(self, vm: VirtualMachine) -> list[Entity]:
        return [
            checkpoint_entity(self.site, vm, point, self.world.switches)
            for point in vm.checkpoints
            if point.in_database
        ]

    def _job(self, job: Job) -> Entity:
        return job_entity(self.site, job, self.vmm.vm(job.vm_id), self.world.switches, self.vmm.now())

    def _visible(self, job: Job) -> bool:
        """A job may not be readable yet, or not any more (docs/services.md: an empty answer means either)."""
        switches, now = self.world.switches, self.vmm.now()
        if now < job.started + switches.spf_job_hidden_seconds:
            return False
        self.vmm.look(job=job)
        purged = switches.spf_job_purged_seconds
        return not (purged and job.finished is not None and now > job.finished + purged)
