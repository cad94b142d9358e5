# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arc-enabled SCVMM: `Microsoft.ScVmm/virtualMachineInstances` on hybrid machines.

There is no checkpoint resource and no list call: the instance holds all checkpoints, without times. Facts and their
sources: docs/services.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import datetime

from .._arm.client import Arm
from .._arm.ids import ArmId, parse
from .._core.ancestry import Row, build_tree
from .._core.capabilities import Capabilities
from .._core.errors import BadResponse, NotFound, Unsupported
from .._core.model import Checkpoint, ObservedVm, Obstacle, Power
from .._core.operation import Operation
from .._core.ownership import split
from .._core.targets import VM
from .._deps import pydantic
from .._http.response import Response, parse_entity
from .arm_provider import ArmProvider, not_there, vms_of_group
from .azure_scope import listed, path_of_scope
from .base import MACHINES, Purpose, Scope, SingleCallProvider, bounded_count, clock

MACHINES_VERSION = "2024-07-10"
CAPABILITIES = Capabilities(
    restores="its disks and its hardware configuration as they were, network adapters included",
    provider="scvmm",
    title="Arc-enabled SCVMM",
    names_unique=False,
    can_update_description=False,
    operations_findable=False,
    restore_in_place=True,
    power=True,
    max_points=50,
    at_once=(32, 256),  # one VMM server carries all of it out
    why={
        "identity": "the hypervisor's id, found by comparing lists; names may repeat",
        "time": "only what our own mark carries",
        "exactly_once": "at most one create of unknown outcome per run; a rerun joins what is visible",
        "joining": "none: an operation that was lost cannot be found again, so wait: false is refused",
        "restore": "the operation's success, and the VM's pointer where it had to move",
    },
)
_RUNNING = {"accepted", "provisioning", "updating", "created"}
_NOT_ON_A_HOST = ("stored", "missing")
"""Power states, in VMM's words, of VMs that get and restore no checkpoints (bb740891)."""


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)


class _Checkpoint(_Part):
    checkpointID: str | None = None
    parentCheckpointID: str | None = None
    name: str | None = None
    description: str | None = None

    @pydantic.field_validator("checkpointID", "parentCheckpointID")
    @classmethod
    def _no_sentinel(cls, value: str | None) -> str | None:
        """An id of zeros alone is none."""
        return value if value and value.strip("0-{}") else None


class _Infrastructure(_Part):
    checkpoints: list[_Checkpoint] | None = None
    lastRestoredVMCheckpoint: _Checkpoint | None = None
    checkpointType: str | None = None


class _Adapter(_Part):
    name: str | None = None
    displayName: str | None = None
    macAddress: str | None = None
    nicId: str | None = None
    networkName: str | None = None
    virtualNetworkId: str | None = None

    @property
    def label(self) -> str:
        """How a user knows it; one that a restore has brought back has no name (recorded 2024)."""
        known = self.name or self.displayName or self.nicId or "without a name"
        return f"{known} ({self.macAddress})" if self.macAddress else known


class _Network(_Part):
    networkInterfaces: list[_Adapter] | None = None


class _Properties(_Part):
    infrastructureProfile: _Infrastructure | None = None
    networkProfile: _Network | None = None
    powerState: str | None = None
    provisioningState: str | None = None


class _Instance(_Part):
    id: str | None = None
    properties: _Properties


class Scvmm(ArmProvider[tuple[_Instance, Response]], SingleCallProvider):
    """Arc-enabled SCVMM behind one resource manager."""

    capabilities = CAPABILITIES

    def __init__(
        self, arm: Arm, api_version: str, subscription: str | None, wall_clock: t.Callable[[], datetime]
    ) -> None:
        super().__init__(arm)
        self._version = api_version
        self._subscription = subscription
        self._wall_clock = wall_clock

    async def prefetch(self, references: t.Collection[str]) -> None:
        """Nothing: there is no list of instances."""

    async def _no_instance(self, arm_id: ArmId, problem: NotFound) -> NotFound:
        """The error for a missing instance: reading the machine shows whether that or its group is missing too."""
        try:
            await self._arm.get(self._arm.url(arm_id.path, MACHINES_VERSION), context=f"reading {arm_id.name}")
        except NotFound as missing:
            why, remedy = not_there(arm_id, missing, self._hidden, "hybrid machine", "scvmm")
        else:
            why = "the machine exists, but it is no VM of Arc-enabled SCVMM (it has no instance of Microsoft.ScVmm)."
            others = vms_of_group(arm_id, "scvmm")
            remedy = f"Enable the VM in Azure from its SCVMM inventory, or name another; {others}."
        problem.message, problem.subject, problem.remedy = why, f"vm {arm_id.name}", remedy
        return problem

    async def list_scope(self, scope: Scope) -> list[VM] | list[ObservedVm]:
        """The hybrid machines of kind SCVMM in the subscription, or in one resource group; each is still to be read."""
        url = self._arm.url(path_of_scope(scope, self._subscription, MACHINES["scvmm"]), MACHINES_VERSION)
        try:
            found = await self._arm.resources(url, context="listing hybrid machines", kind="scvmm")
        except NotFound as problem:
            problem.remedy = f"Check {'resource_group and ' if scope.resource_group else ''}subscription_id."
            raise
        return [replace(self._vm(each, str(each)), **listed(row)) for each, row in found]

    async def read(self, vm: VM, purpose: Purpose) -> ObservedVm:
        """The instance: it is the only inventory there is."""
        return self._observed(vm, *await self._read_vm(vm))

    async def first_reading(self, vm: VM, purpose: Purpose) -> ObservedVm:
        """The instance, where `resolve` has not just read it."""
        return self._observed(vm, *await self._resolved_or_first(vm))

    def _observed(self, vm: VM, instance: _Instance, response: Response) -> ObservedVm:
        profile = instance.properties.infrastructureProfile
        if profile is None or profile.checkpoints is None:
            # A missing list is not an empty one: a running instance always has the member, `[]` if it is empty.
            raise response.bad(f"{vm}: the instance shows no list of checkpoints.")
        bounded_count(profile.checkpoints, vm)
        rows = _rows(profile.checkpoints, response)
        if len({row.checkpoint.id.lower() for row in rows}) != len(rows):
            raise response.bad(f"{vm}: the instance lists a checkpoint twice.")
        pointer = profile.lastRestoredVMCheckpoint
        checkpoints, known = build_tree(rows, pointer.checkpointID if pointer else None)
        state = (instance.properties.provisioningState or "").lower()
        network = instance.properties.networkProfile
        adapters = (network.networkInterfaces or []) if network else []
        now, ahead = clock([response.date], self._wall_clock())
        return ObservedVm(
            vm,
            checkpoints,
            now=now,
            ahead=ahead,
            power=_power(instance.properties.powerState),
            busy=instance.properties.provisioningState if state in _RUNNING else None,
            refuses=_refusing(instance.properties),
            current_known=known,
            unplugged=frozenset(each.label for each in adapters if not (each.networkName or each.virtualNetworkId)),
            obstacles=_obstacles(profile.checkpointType),
        )

    async def create(self, vm: VM, name: str, description: str) -> Operation:
        """Both are sent, although the service requires neither: the description holds the mark."""
        body = {"name": name, "description": description}
        return await self._act(vm, "createCheckpoint", body, f"creating checkpoint {name} of {vm}", name)

    async def update(self, vm: VM, checkpoint: Checkpoint, description: str) -> Operation:
        """Not possible; no plan holds it, because the capabilities say so."""
        raise Unsupported("Arc-enabled SCVMM cannot change a description.", subject=str(vm))

    async def delete(self, vm: VM, checkpoint: Checkpoint) -> Operation:
        """By checkpointID; how the service answers an unknown id is not known."""
        body = {"id": checkpoint.id}
        context = f"deleting checkpoint {checkpoint.name} of {vm}"
        return await self._act(vm, "deleteCheckpoint", body, context, checkpoint.name)

    async def restore(self, vm: VM, checkpoint: Checkpoint) -> Operation:
        """By checkpointID."""
        body = {"id": checkpoint.id}
        context = f"restoring {vm} to checkpoint {checkpoint.name}"
        return await self._act(vm, "restoreCheckpoint", body, context, checkpoint.name)

    async def power(self, vm: VM, on: bool) -> Operation:
        """Start, or stop without a shutdown in the guest; Booleans are strings in the swagger."""
        body = None if on else {"skipShutdown": "true"}
        return await self._act(vm, "start" if on else "stop", body, f"turning {vm} {'on' if on else 'off'}")

    async def current_operation(self, vm: VM) -> Operation | None:
        """Arc shows no operation but to the one who started it."""
        return None

    async def _act(self, vm: VM, action: str, body: dict[str, t.Any] | None, context: str, *names: str) -> Operation:
        path = f"{_instance_path(parse(vm.id))}/{action}"
        url = self._arm.url(path, self._version)
        return await self._arm.write("POST", url, body, context=context, names=(vm.name, *names))

    async def _read_vm(self, vm: VM) -> tuple[_Instance, Response]:
        arm_id = parse(vm.id)
        try:
            response = await self._arm.get(
                self._arm.url(_instance_path(arm_id), self._version), context=f"reading {vm}"
            )
        except NotFound as problem:
            raise await self._no_instance(arm_id, problem) from None
        return parse_entity(_Instance, response.json(), response), response


def _refusing(properties: _Properties) -> str | None:
    """The state in which the service takes no checkpoint work, if it is in one."""
    if (properties.provisioningState or "").lower() == "deleting":
        return properties.provisioningState
    return properties.powerState if (properties.powerState or "").lower() in _NOT_ON_A_HOST else None


def _obstacles(checkpoint_type: str | None) -> tuple[Obstacle, ...]:
    """A VM may have its checkpoints disabled: what it has stays, and gets no company."""
    if (checkpoint_type or "").lower() != "disabled":
        return ()
    why = f"its checkpoints are disabled (checkpointType is {checkpoint_type})."
    return (Obstacle(("create",), why, "Enable them in VMM: the VM's checkpoint type, Production or Standard."),)


def _rows(points: t.Sequence[_Checkpoint], response: Response) -> list[Row]:
    """What is listed without an id, but with a name, is one whose id is still to come: it is in the list all the same.

    BadResponse for what has neither: nobody can say what that is.
    """
    rows: list[Row] = []
    without_id = 0
    for point in points:
        if not (point.checkpointID or point.name):
            raise BadResponse(
                "the instance lists a checkpoint without an id and a name.",
                subject=response.label,
                request_id=response.request_id,
            )
        without_id += 0 if point.checkpointID else 1
        number = f", number {without_id}" if without_id > 1 else ""
        rows.append(_row(point, point.checkpointID or f"without an id{number}"))
    return rows


def _row(point: _Checkpoint, checkpoint_id: str) -> Row:
    """Ids stay as listed (upper-case GUIDs, recorded). The time is that of our mark."""
    description, mark = split(point.description)
    checkpoint = Checkpoint(
        id=checkpoint_id,
        name=point.name or "",
        description=description,
        host_id=point.checkpointID,
        created=mark.created if mark else None,
        usability="usable" if point.checkpointID else "unknown",
        mark=mark,
        identified=point.checkpointID is not None,
    )
    return Row(checkpoint, point.parentCheckpointID)


def _power(state: str | None) -> Power:
    """`Running` and `Stopped` are recorded; the others are VMM's own words."""
    word = (state or "").lower()
    return "on" if word in ("running", "paused") else "off" if word in ("stopped", "poweroff", "saved") else "unknown"


def _instance_path(arm_id: ArmId) -> str:
    return f"{arm_id.path}/providers/Microsoft.ScVmm/virtualMachineInstances/default"
