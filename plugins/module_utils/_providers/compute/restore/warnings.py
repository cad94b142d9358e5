# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warnings of a restore in place: what stays as it is, and what new disks lack of those they replace. Pure."""

from __future__ import annotations

import typing as t

from ..disk_entities import DiskEntity
from ..state import Attachment, AzureVmState
from ..tags import short_name
from ..vm_entities import Disk
from .base import RestoreRun
from .new_disk import left_out
from .settings import settings_of


def vm_warnings(state: AzureVmState, new: t.Mapping[str, str], back: t.Iterable[Attachment]) -> t.Iterator[str]:
    """What of the VM stays as it is, and what comes back."""
    kept = sorted(disk.slot for disk in state.vm.disks if disk.slot not in new)
    if kept:
        yield f"the point holds no {', '.join(kept)}; what is attached there stays as it is."
    for each in back:
        yield f"a restore that was interrupted has detached {each.slot}; {each.disk} comes back there."


def disk_warnings(
    state: AzureVmState, run: RestoreRun, new: t.Mapping[str, str], old: t.Mapping[str, str | None]
) -> t.Iterator[str]:
    """What disks that are still to be made will not have of those that they replace."""
    sources = run.sources(state)
    for slot, name in new.items():
        if state.named(name) is not None or slot not in sources:
            continue
        replaced = state.replaced(old[slot] or "", sources[slot])
        short = short_name(replaced.id) if replaced else ""
        if lost := left_out(replaced):
            yield f"no room on disk {name} for the tags {', '.join(lost)} of {short}."
        yield from _of_disk(name, slot, sources[slot], replaced, short, state.vm.id)


def _of_disk(name: str, slot: str, source: Disk, old: DiskEntity | None, short: str, vm: str) -> t.Iterator[str]:
    """Warnings about the new disk `name`, which takes the place of `short` (`group/name`), where that is there."""
    if old is None:
        yield (
            f"what {slot} was is gone, so disk {name} gets what the restore point tells of it: no tags, and of its "
            "performance and access settings only those of a new disk."
        )
        return
    if lost := settings_of(source, old).lost:
        yield f"disk {name} will not have of {short}: {', '.join(lost)}."
    size, old_size = source.diskSizeGB, old.properties.diskSizeGB
    if size is not None and old_size is not None and size < old_size:
        yield f"disk {name} has {size} GiB as the restore point holds it; {short} has {old_size} GiB."
    others = [each.rpartition("/")[2] for each in old.managedByExtended or [] if each.lower() != vm.lower()]
    if others:
        yield f"{short} is shared with {', '.join(sorted(others))}, which stay on the old one."
