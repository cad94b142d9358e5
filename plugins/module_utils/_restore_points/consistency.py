# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a restore point is, or will be, less consistent than was asked for. Pure."""

from __future__ import annotations

from .._core.errors import VmState
from .._providers.compute.cautions import less_consistent
from .._providers.compute.entities import PointEntity
from .._providers.compute.vm_entities import VmEntity
from .specs import PointSpec


def foreseen(spec: PointSpec, vm: VmEntity) -> tuple[str, ...]:
    """That a new point will be less consistent than asked for: a warning, or refused with on_downgrade: fail."""
    if spec.consistency != "application":
        return ()
    if vm.power != "on":
        why, todo = " is not running, so the point can only be crash-consistent.", "Start the VM"
    elif less := less_consistent(vm):
        why, todo = f": {less}", "Wait until the agent is ready"
    else:
        return ()
    downgrade = f"the VM {vm.name}{why}"
    if spec.on_downgrade == "fail":
        remedy = f"{todo}, or set consistency: crash or on_downgrade: warn."
        raise VmState(downgrade, remedy=remedy, changed_nothing=True)
    return (downgrade,)


def os_type_of(point: PointEntity, vm: VmEntity | None) -> str:
    """The operating system of a point's VM: by the point, else by the VM; empty where neither tells."""
    return point.os_type or (vm.os_type if vm else "")


def is_downgrade(spec: PointSpec, achieved: str | None, os_type: str = "") -> bool:
    """Whether less came than was asked for. File system consistency is what application mode gives on Linux; on
    Windows (`os_type`) it says that VSS has failed (VM snapshot extension).
    """
    if spec.consistency != "application" or spec.source_restore_point is not None:
        return False
    return achieved == "CrashConsistent" or (achieved == "FileSystemConsistent" and os_type == "windows")
