# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One VMM server: the verbs of checkpoints, the jobs that carry them out, and nothing of HTTP."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from simulator.switches.all import Switches
from simulator.timing import Timing
from simulator.vmm.effects import Effects
from simulator.vmm.jobs import LOCKED, Job, Kind, Planned, Refusal, Status
from simulator.vmm.machines import REFUSING_STATES, Checkpoint, VirtualMachine
from simulator.vmm.names import default_name, stored_description, stored_name
from simulator.wire.ids import Ids

NAMES = {
    Kind.CREATE: ("Create checkpoint", "New-SCVMCheckpoint"),
    Kind.RESTORE: ("Restore checkpoint", "Restore-SCVMCheckpoint"),
    Kind.DELETE: ("Delete checkpoint", "Remove-SCVMCheckpoint"),
    Kind.UPDATE: ("Change properties of checkpoint", "Set-SCVMCheckpoint"),
    Kind.POWER: ("Change properties of virtual machine", "Set-SCVirtualMachine"),
    Kind.REFRESH: ("Refresh virtual machine", "Read-SCVirtualMachine"),
    Kind.BACKGROUND: ("Refresh virtual machine", "(Refresh Virtual Machine - System Job)"),
    Kind.PUT: ("Create virtual machine", "New-SCVirtualMachine"),
    Kind.PATCH: ("Change properties of virtual machine", "Set-SCVirtualMachine"),
    Kind.REMOVE: ("Remove virtual machine", "Remove-SCVirtualMachine"),
}
# The actions of a user role that permit each; turning a VM on and off are one kind of job here.
PERMITTING = {
    **dict.fromkeys((Kind.CREATE, Kind.DELETE, Kind.UPDATE), frozenset({"Checkpoint"})),
    Kind.RESTORE: frozenset({"Checkpoint", "CheckpointRestoreOnly"}),
    Kind.POWER: frozenset({"Start", "Stop"}),
}
CHECKPOINT_KINDS = frozenset({Kind.CREATE, Kind.RESTORE, Kind.DELETE, Kind.UPDATE})


class Vmm:
    """The VMs of one VMM server; every verb answers a job at once and its effect comes when the job is done."""

    def __init__(self, ids: Ids, now: Callable[[], float], switches: Switches) -> None:
        self.ids = ids
        self.chance = ids.beside("durations")
        self.now = now
        self.switches = switches
        self.vms: list[VirtualMachine] = []
        self._by_id: dict[str, VirtualMachine] = {}
        self._by_uri: dict[str, VirtualMachine] = {}
        self.jobs: dict[str, Job] = {}  # by id
        # The running ones, by VM and by the way they end: a request must stay quick with a thousand of them.
        self._running: dict[str, list[Job]] = {}
        self._timed: list[tuple[float, int, Job]] = []
        self._looked_at: list[Job] = []
        # all, restore_only, view, none; or what the user role permits, by VMM's names of actions.
        self.rights: str | frozenset[str] = "all"
        self.planned_failures: list[Planned] = []
        self._effects = Effects(ids, switches, self.remove)

    # Looking -----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """End every job whose time has come, in the order their time came."""
        now = self.now()
        while self._timed and self._timed[0][0] <= now:
            end, _number, job = heapq.heappop(self._timed)
            self._finish(job, end)
        for job in [each for each in self._looked_at if each.due(now) is not None]:
            self._finish(job, now)

    def look(self, vm: VirtualMachine | None = None, job: Job | None = None) -> None:
        """Somebody looks at a VM or at a job: what counts for jobs that end after some looks."""
        for each in self._looked_at:
            if each is job or (vm is not None and each.vm_id == vm.id):
                each.looks += 1
        self.settle()

    def vm(self, id_: str) -> VirtualMachine | None:
        return self._by_id.get(id_.lower())

    def add(self, vm: VirtualMachine) -> None:
        self.vms.append(vm)
        self._by_id[vm.id.lower()] = vm
        if vm.resource_uri is not None:
            self._by_uri[vm.resource_uri.lower()] = vm

    def by_uri(self, resource_uri: str) -> VirtualMachine | None:
        """The VM whose machine has this ARM id, in any case."""
        return self._by_uri.get(resource_uri.lower())

    def remove(self, vm: VirtualMachine) -> None:
        self.vms.remove(vm)
        del self._by_id[vm.id.lower()]
        self._by_uri.pop((vm.resource_uri or "").lower(), None)

    def checkpoint(self, id_: str) -> tuple[VirtualMachine, Checkpoint] | None:
        """A checkpoint in VMM's database by its VMM id."""
        for vm in self.vms:
            point = vm.by_id(id_)
            if point is not None and point.in_database:
                return vm, point
        return None

    def job(self, id_: str) -> Job | None:
        return self.jobs.get(id_.lower())

    def running(self, vm: VirtualMachine) -> Job | None:
        return next((job for job in self._running.get(vm.id, ()) if job.locks), None)

    # What VMM will not do ------------------------------------------------------------------------------------

    def refusal(self, kind: Kind, vm: VirtualMachine) -> Refusal | None:
        """Why this cannot begin now: rights, a lock, the VM's state, the limit."""
        self.settle()
        if not self.allowed(kind):
            return Refusal("AccessDenied", "AccessDenied", "You do not have permission to perform this operation.")
        if self.running(vm) is not None:
            return LOCKED
        if kind in CHECKPOINT_KINDS - {Kind.UPDATE}:
            if vm.state() in REFUSING_STATES or "Checkpoint" in vm.state():
                return Refusal(
                    "InvalidVMState",
                    "InvalidVMState",
                    f"The virtual machine {vm.name} is in the state {vm.state()} and does not support checkpoints now.",
                )
            if vm.checkpoint_type == "Disabled":
                return Refusal(
                    "CheckpointsDisabled",
                    "CheckpointsDisabled",
                    f"Checkpoints are disabled for the virtual machine {vm.name}.",
                )
        if kind is Kind.CREATE and len(vm.checkpoints) >= self.switches.max_checkpoints:
            return Refusal(
                "CheckpointLimit",
                "CheckpointLimit",
                f"The virtual machine {vm.name} has {len(vm.checkpoints)} checkpoints, the most it may have.",
            )
        return None

    def allowed(self, kind: Kind) -> bool:
        """Whether the caller's role has the action (docs/services.md)."""
        if self.rights == "all" or kind is Kind.BACKGROUND:
            return True
        if isinstance(self.rights, frozenset):
            return kind is Kind.REFRESH or bool(self.rights & PERMITTING.get(kind, frozenset()))
        return self.rights == "restore_only" and kind in {Kind.RESTORE, Kind.REFRESH}

    # Verbs -----------------------------------------------------------------------------------------------------

    def create_checkpoint(
        self, vm: VirtualMachine, name: str | None, description: str | None, owner: str = ""
    ) -> tuple[Job, Checkpoint]:
        """Begin a checkpoint; its row is there at once, the host makes it when the job is done (dn785087)."""
        refusal = self.refusal(Kind.CREATE, vm)
        now = self.now()
        point = Checkpoint(
            id=self.ids.guid(),
            name=default_name(vm.name, now, self.switches) if name is None else stored_name(name, self.switches),
            description=stored_description(description or "", self.switches),
            added=now,
            modified=now + 0.13,
            host_id_known=self.switches.spf_host_id == "filled",
        )
        vm.checkpoints.append(point)
        return self._begin(Kind.CREATE, vm, refusal, checkpoint=point.id, owner=owner), point

    def restore(
        self, vm: VirtualMachine, point: Checkpoint, owner: str = "", changes: dict[str, str | None] | None = None
    ) -> Job:
        """Begin to roll the VM back; all checkpoints stay (Restore-SCVMCheckpoint)."""
        refusal = self.refusal(Kind.RESTORE, vm)
        if refusal is None and point.made is None:
            refusal = Refusal("CheckpointNotOnHost", "CheckpointNotOnHost", "The checkpoint is not on the host.")
        return self._begin(Kind.RESTORE, vm, refusal, checkpoint=point.id, owner=owner, arguments=changes)

    def delete_checkpoint(self, vm: VirtualMachine, point: Checkpoint, owner: str = "") -> Job:
        return self._begin(Kind.DELETE, vm, self.refusal(Kind.DELETE, vm), checkpoint=point.id, owner=owner)

    def update_checkpoint(
        self, vm: VirtualMachine, point: Checkpoint, changes: dict[str, str | None], owner: str = ""
    ) -> Job:
        """Change name or description, the only two Set-SCVMCheckpoint can."""
        refusal = self.refusal(Kind.UPDATE, vm)
        return self._begin(Kind.UPDATE, vm, refusal, checkpoint=point.id, owner=owner, arguments=changes)

    def operate(self, vm: VirtualMachine, operation: str, owner: str = "") -> Job:
        """Start, Stop, Shutdown, ... or Refresh, which reads the VM and its checkpoints from the host again."""
        kind = Kind.REFRESH if operation == "Refresh" else Kind.POWER
        return self._begin(kind, vm, self.refusal(kind, vm), owner=owner, arguments={"operation": operation})

    def background(self, vm: VirtualMachine, seconds: float, *, locks: bool = True) -> Job:
        """A job of VMM's own, like the refreshers that lock VMs and become the most recent task (docs/services.md)."""
        timing = Timing(seconds=seconds)
        return self._begin(Kind.BACKGROUND, vm, None, owner="NT AUTHORITY\\SYSTEM", locks=locks, timing=timing)

    def failing(self, kind: Kind, vm: VirtualMachine, refusal: Refusal) -> Job:
        """A job that was refused before it began, for dialects with refusals of their own."""
        return self._begin(kind, vm, refusal)

    def unheard(self, kind: Kind, vm: VirtualMachine) -> Job:
        """A job that somebody has accepted in VMM's name and that never comes to it."""
        return self._begin(kind, vm, None, locks=False, timing=Timing(seconds=None))

    def begin(self, kind: Kind, vm: VirtualMachine, arguments: dict[str, str | None] | None = None) -> Job:
        """Any other kind of job, as the ARM resource needs them: put, patch, remove, or a delete of nothing."""
        return self._begin(kind, vm, self.refusal(kind, vm), arguments=arguments)

    def made_outside(self, vm: VirtualMachine, name: str, description: str = "") -> Checkpoint:
        """A checkpoint from Hyper-V Manager or backup: VMM learns of it at the next refresh (docs/services.md)."""
        self.settle()
        point = Checkpoint(self.ids.guid(), name, description, self.now(), self.now(), in_database=False)
        vm.checkpoints.append(point)
        self._effects.make(vm, point, self.now())
        return point

    # Machinery ---------------------------------------------------------------------------------------------------

    def _begin(
        self,
        kind: Kind,
        vm: VirtualMachine,
        refusal: Refusal | None,
        *,
        checkpoint: str | None = None,
        owner: str = "",
        arguments: dict[str, str | None] | None = None,
        locks: bool = True,
        timing: Timing | None = None,
    ) -> Job:
        name, cmdlet = NAMES[kind]
        job = Job(
            id=self.ids.guid(),
            kind=kind,
            name=name,
            cmdlet=cmdlet,
            vm_id=vm.id,
            started=self.now(),
            timing=(timing or self.switches.timing(kind)).drawn(self.chance.between),
            owner=owner,
            checkpoint=checkpoint,
            arguments=arguments or {},
            locks=locks,
            refusal=refusal,
        )
        self.jobs[job.id] = job
        vm.most_recent_job = job.id
        if refusal is not None:
            job.locks = False
            self._finish(job, job.started)
        else:
            self._running.setdefault(vm.id, []).append(job)
            if job.timing.looks is not None:
                self._looked_at.append(job)
            elif job.timing.seconds is not None:
                heapq.heappush(self._timed, (job.started + job.timing.seconds, len(self.jobs), job))
            self._plan_end(job, vm)
            self.settle()
        return job

    def _plan_end(self, job: Job, vm: VirtualMachine) -> None:
        for planned in self.planned_failures:
            if planned.kind is job.kind and planned.vm in {None, vm.name, vm.id}:
                self.planned_failures.remove(planned)
                if planned.status is Status.SUCCEED_WITH_INFO:
                    job.messages.append(planned.refusal)
                else:
                    job.refusal, job.bad_end = planned.refusal, planned.status
                return

    def _finish(self, job: Job, at: float) -> None:
        job.finished = at
        if job in self._running.get(job.vm_id, ()):
            self._running[job.vm_id].remove(job)
        if job in self._looked_at:
            self._looked_at.remove(job)
        vm = self.vm(job.vm_id)
        if job.refusal is None:
            job.status = Status.SUCCEED_WITH_INFO if job.messages else Status.COMPLETED
            if vm is not None:
                self._effects.apply(vm, job, at)
            return
        job.status = job.bad_end
        if vm is None:
            return
        vm.failed_job = job.id
        point = vm.by_id(job.checkpoint) if job.checkpoint else None
        if job.kind is Kind.CREATE and point is not None and self.switches.failed_create_row == "removed":
            vm.checkpoints.remove(point)
