# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the disks that a restore makes are known: their names, and the tags that say what they are for. Pure."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import asdict, dataclass, fields

from .disk_entities import DiskEntity
from .vm_entities import Disk

PREFIX = "hybridvm-restore-"
PENDING, DONE, GIVEN_UP = "pending", "done", "given-up"
"""The values of `state`. `done` on a run's lead disk says that the restore has happened."""


@dataclass(frozen=True)
class RestoreTags:
    """A disk's tags. They are claims: whoever may write tags can forge them.

    `run` is the restore that made the disk, `vm` a hash of the VM it was made for, `power` whether that VM ran.
    `point` is `collection/name`, `point_id` a hash of its id; `source` is a hash of the disk restore point, because a
    restore point that is made anew under the same id has others. `keyed` is set where the run follows from a
    restore_key: its retry may come at any time. `replaces` is the disk that this one takes the place of (`group/name`),
    `held` how the VM held that one (see AzureVmState.held).
    """

    run: str = ""
    state: str = ""
    point: str = ""
    point_id: str = ""
    source: str = ""
    keyed: str = ""
    vm: str = ""
    power: str = ""
    replaces: str = ""
    held: str = ""

    @classmethod
    def of(cls, disk: DiskEntity) -> RestoreTags:
        """What a disk's tags say."""
        tags = disk.tags or {}
        return cls(**{field.name: tags.get(_tag(field.name), "") for field in fields(cls)})

    def to_tags(self) -> dict[str, str]:
        """The same as the service keeps it."""
        return {_tag(name): value for name, value in asdict(self).items()}


def with_state(disk: DiskEntity, state: str) -> dict[str, str]:
    """All tags of a disk, with another state: they can only be written as a whole."""
    return {**(disk.tags or {}), _tag("state"): state}


def users_tags(disk: DiskEntity | None) -> list[tuple[str, str]]:
    """The tags that no restore has written, in order."""
    tags = sorted((disk.tags or {}).items()) if disk is not None else []
    return [(name, value) for name, value in tags if not name.lower().startswith(PREFIX)]


def disk_name(vm: str, slot: str, run: str) -> str:
    """At most 80 characters, as Azure allows; the run tells VMs apart whose names begin alike."""
    return f"{vm[:58]}-{slot}-{run}"


def slot_in(name: str) -> str:
    """The slot that a restore's disk was made for."""
    parts = name.rsplit("-", 2)
    return parts[1] if len(parts) == 3 else ""


def lead_slot(slots: t.Collection[str]) -> str:
    """The slot whose disk speaks for the whole run: the OS disk's, where the restore point holds it."""
    return "os" if "os" in slots else min(slots)


def short_name(disk_id: str) -> str:
    """`group/name`: a tag's value holds 256 characters, an id can be longer."""
    parts = disk_id.split("/")
    return f"{parts[4]}/{parts[8]}" if len(parts) == 9 else disk_id


def source_hash(disk: Disk) -> str:
    """What `source` holds for a disk of a restore point."""
    return short_hash(disk.diskRestorePoint.id if disk.diskRestorePoint and disk.diskRestorePoint.id else "")


def short_hash(resource_id: str) -> str:
    """What a tag holds of an id, which may be longer than a tag's value."""
    return hashed("id", resource_id.strip("/"))


def hashed(*parts: str) -> str:
    """The first 48 bits of what identifies a run, as text."""
    return hashlib.sha256("\0".join(parts).lower().encode()).hexdigest()[:12]


def _tag(field: str) -> str:
    return f"{PREFIX}{field.replace('_', '-')}"
