# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that change the VM: off and on, disks kept, detached and swapped, and what puts it back. Pure."""

from __future__ import annotations

import typing as t
from abc import abstractmethod
from dataclasses import dataclass, replace

from ...._arm.ids import parse
from ...._core.model import ObservedVm
from ...._core.plan import Step
from ..client import Request, power_request
from ..disk_entities import DiskEntity
from ..state import Attachment, AzureVmState, held_options
from ..tags import RestoreTags
from ..vm_entities import Disk
from .base import RestoreRun, RestoreStep
from .performance import DIRECT
from .runs import held_before, ran_before, replaced_by


@dataclass(frozen=True)
class VmStep(RestoreStep):
    """A step on the VM's way to `attachments`: once it has those disks, whatever comes before the swap is done.

    `compensable`: when it fails, the VM is put back onto its old disks.
    """

    writes_to = "change_vm"
    compensable: t.ClassVar[bool] = False
    attachments: tuple[Attachment, ...]

    def about(self) -> dict[str, t.Any]:
        held = {each.slot: each.held for each in self.attachments if each.held is not None}
        disks = {each.slot: each.disk for each in self.attachments}
        return super().about() | {"disks": disks} | ({"held": held} if held else {})

    def compensation(self, before: ObservedVm) -> tuple[Step, ...]:
        return put_back(self, before) if self.compensable else ()

    def patch(self, state: AzureVmState, **profile: t.Any) -> Request:
        """A change of the storage profile of the VM as it was read; refused when somebody has changed it since."""
        body = {"properties": {"storageProfile": profile}}
        return Request("PATCH", parse(self.target.id).path, body, self.activity, etag=state.etag)


class DeleteOptionStep(VmStep):
    """What becomes of the attached disks when the VM goes, or with some services when they are detached."""

    @property
    @abstractmethod
    def options(self) -> dict[str, str]:
        """The deleteOption by slot."""

    def request(self, state: AzureVmState) -> Request:
        options = {slot: {"deleteOption": option} for slot, option in self.options.items()}
        data = [{**disk, **options.get(slot, {})} for slot, disk in state.data_disks.items()]
        if "os" not in options or not state.os_disk:
            return self.patch(state, dataDisks=data)
        kept = _members(state.os_disk, "name", "createOption", "managedDisk")
        return self.patch(state, dataDisks=data, osDisk={**kept, **options["os"]})


class KeepDisks(DeleteOptionStep):
    """What is replaced must outlive it: whether a detached disk with deleteOption Delete goes is unknown."""

    op, summary, before_shutdown = "keep", "keep the old disks when they are detached", True
    activity = "keeping the old disks when they are detached"

    @property
    def options(self) -> dict[str, str]:
        return {each.slot: "Detach" for each in self.attachments}

    def is_shown(self, state: AzureVmState) -> bool:
        return state.is_on(self.attachments) or all(state.delete_option(slot) != "Delete" for slot in self.options)


class ReleaseDisks(DeleteOptionStep):
    """The old disks go with the VM again, where they did before."""

    op, summary = "release", "let the old disks go with the VM again"
    activity = "letting the old disks go with the VM again"

    @property
    def options(self) -> dict[str, str]:
        return {each.slot: "Delete" for each in self.attachments if _goes_with_vm(each)}

    def about(self) -> dict[str, t.Any]:
        return super().about() | {"options": self.options}

    def is_shown(self, state: AzureVmState) -> bool:
        return all(state.delete_option(slot) == option for slot, option in self.options.items())


class Deallocate(VmStep):
    """The OS disk can only be swapped while the VM is deallocated."""

    op, summary = "deallocate", "deallocate the VM"
    activity = "deallocating the VM"

    def is_shown(self, state: AzureVmState) -> bool:
        return state.is_on(self.attachments) or state.vm.power_code == "deallocated"

    def request(self, state: AzureVmState) -> Request:
        return replace(power_request(parse(self.target.id), on=False), context=self.activity)


class DetachDataDisks(VmStep):
    """The data disks that are in the way of those that come.

    Another disk at a LUN in one request is refused ("Changing property dataDisk.managedDisk.id is not allowed").
    """

    op, summary, compensable = "detach", "detach its data disks", True
    activity = "detaching its data disks"

    def is_shown(self, state: AzureVmState) -> bool:
        return not state.in_the_way(self.attachments)

    def request(self, state: AzureVmState) -> Request:
        gone = state.in_the_way(self.attachments)
        return self.patch(state, dataDisks=[disk for slot, disk in state.data_disks.items() if slot not in gone])


class DetachNewDisks(DetachDataDisks):
    """The same on the way back."""

    summary, compensable = "detach the new data disks", False
    activity = "detaching the new data disks"


class SwapDisks(VmStep):
    """One PATCH of the storage profile: the OS disk changes, the data disks come; the others stay as they are."""

    op, summary, compensable = "swap", "swap its disks", True
    activity = "swapping its disks"

    @property
    def kinds(self) -> tuple[str, ...]:
        return (*super().kinds, "swap")

    def is_shown(self, state: AzureVmState) -> bool:
        return state.is_on(self.attachments)

    def request(self, state: AzureVmState) -> Request:
        found = [(each, disk) for each in self.attachments if (disk := state.disk(each.disk)) is not None]
        if missing := [each.slot for each in self.attachments if state.disk(each.disk) is None]:
            raise self.gone(f"the disks for {', '.join(missing)} are gone.")
        profile: dict[str, t.Any] = {}
        data, sources = dict(state.data_disks), self.run.sources(state)
        for each, disk in found:
            if each.slot != "os":
                data[each.slot] = _data_disk(each, disk, data.get(each.slot, {}), sources.get(each.slot))
                continue
            if not state.os_disk:
                raise self.gone("the VM shows no OS disk to be replaced.")
            kept = _members(state.os_disk, "caching", "createOption", "deleteOption")
            profile["osDisk"] = {**kept, **_held(each, disk), "name": disk.name, "managedDisk": {"id": disk.id}}
        return self.patch(state, **profile, dataDisks=sorted(data.values(), key=lambda disk: int(disk["lun"])))


class SwapBack(SwapDisks):
    """The same on the way back."""

    op, summary, compensable = "swap_back", "swap the old disks back", False
    activity = "swapping the old disks back"


class Start(VmStep):
    """The VM runs on these disks."""

    op, summary, compensable = "start", "start the VM", True
    activity = "starting the VM"

    def is_shown(self, state: AzureVmState) -> bool:
        return state.is_on(self.attachments) and state.vm.power == "on"

    def request(self, state: AzureVmState) -> Request:
        return replace(power_request(parse(self.target.id), on=True), context=self.activity)


def put_back(step: VmStep, before: ObservedVm) -> tuple[VmStep, ...]:
    """What puts the VM back onto its old disks after `step` has failed; `before` is the VM as the run found it."""
    state: AzureVmState = before.detail
    old = tuple(
        Attachment(each.slot, name, held=held_before(state, each.slot, each.disk))
        for each in step.attachments
        if (name := replaced_by(state, each.slot, each.disk))
    )
    if not old:
        return ()
    kinds: list[type[VmStep]] = [Deallocate, DetachNewDisks, SwapBack]
    kinds += [ReleaseDisks] if any(map(_goes_with_vm, old)) else []
    kinds += [Start] if ran_before(before, step.run.id) else []
    return tuple(kind(step.target, f"{step.summary} failed", RestoreRun(step.run.id), old) for kind in kinds)


def _goes_with_vm(attachment: Attachment) -> bool:
    return held_options(attachment.held or "").get("deleteOption") == "Delete"


def _data_disk(
    attachment: Attachment, disk: DiskEntity, attached: t.Mapping[str, t.Any], source: Disk | None
) -> dict[str, t.Any]:
    """A data disk of a storage profile. Its caching is the point's, else that of what is attached there."""
    entry = _members(attached, "caching", "writeAcceleratorEnabled", "deleteOption")
    if source is not None:
        of_point = {"caching": source.caching, "writeAcceleratorEnabled": source.writeAcceleratorEnabled}
        entry |= {name: value for name, value in of_point.items() if value is not None}
    if not _cacheable(disk):
        entry["caching"] = "None"
    lun = int(attachment.slot.removeprefix("lun"))
    fixed = {"lun": lun, "createOption": "Attach", "managedDisk": {"id": disk.id}}
    return {**entry, **_held(attachment, disk), **fixed}


def _cacheable(disk: DiskEntity) -> bool:
    """Whether a host may cache it: no Ultra or Premium SSD v2, and none that is shared. The point may be older."""
    sku = (disk.sku.name or "").lower() if disk.sku else ""
    return sku not in DIRECT and not disk.properties.is_shared


def _held(attachment: Attachment, disk: DiskEntity) -> dict[str, t.Any]:
    """How the VM is to hold a disk: an old one as it did; a new one goes with the VM where the one it replaces did."""
    if attachment.held is not None:
        return held_options(attachment.held)
    return _members(held_options(RestoreTags.of(disk).held), "deleteOption")


def _members(raw: t.Mapping[str, t.Any], *names: str) -> dict[str, t.Any]:
    return {name: raw[name] for name in names if name in raw}
