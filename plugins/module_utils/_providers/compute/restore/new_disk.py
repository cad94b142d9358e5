# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new disk of a restore in place is made with: of the point, where the VM is, as the one it replaces. Pure."""

from __future__ import annotations

import typing as t

from ..disk_entities import DiskEntity, DiskRestorePointEntity
from ..tags import RestoreTags, users_tags
from ..vm_entities import Disk, Encryption, VmEntity

ROOM = 50 - 10
"""A resource bears 50 tags (azure-resource-manager, tag-resources), and a restore's own take 10."""


def new_disk(
    tags: RestoreTags, vm: VmEntity, source: Disk, disk_point: DiskRestorePointEntity | None, old: DiskEntity | None
) -> dict[str, t.Any]:
    """The body of its PUT. `source` is the disk in the point, `disk_point` its disk restore point, `old` what it
    replaces: the user's own tags of that come along, as many as have room.
    """
    made_from = source.diskRestorePoint.id if source.diskRestorePoint else None
    sku = (old.sku.name if old and old.sku else None) or (
        source.managedDisk.storageAccountType if source.managedDisk else None
    )
    body: dict[str, t.Any] = {
        "location": vm.location,
        "tags": {**dict(users_tags(old)[:ROOM]), **tags.to_tags()},
        "properties": {
            "creationData": {"createOption": "Restore", "sourceResourceId": made_from},
            **_of_system(source, disk_point, old),
            **_network(old),
        },
    }
    if sku:
        body["sku"] = {"name": sku}
    if vm.zones and not (sku or "").lower().endswith("_zrs"):
        body["zones"] = vm.zones  # a zone-redundant disk lies in all of them, and is refused with one
    return body


def left_out(old: DiskEntity | None) -> list[str]:
    """The user's tags of the replaced disk that have no room on the new one."""
    return [name for name, _value in users_tags(old)[ROOM:]]


def _network(old: DiskEntity | None) -> dict[str, str]:
    """Who may read the disk: a new one is open to all networks unless it says otherwise."""
    if old is None:
        return {}
    properties = old.properties
    access = {
        "networkAccessPolicy": properties.networkAccessPolicy,
        "diskAccessId": properties.diskAccessId,
        "publicNetworkAccess": properties.publicNetworkAccess,
    }
    return {name: value for name, value in access.items() if value}


def _of_system(source: Disk, disk_point: DiskRestorePointEntity | None, old: DiskEntity | None) -> dict[str, t.Any]:
    """Operating system, generation and encryption of a new disk; a customer's key must be given again."""
    properties: dict[str, t.Any] = {}
    if source.osType:
        properties["osType"] = source.osType
    generation = (disk_point.properties.hyperVGeneration if disk_point else None) or (
        old.properties.hyperVGeneration if old else None
    )
    if generation:
        properties["hyperVGeneration"] = generation
    encryption = (old.properties.encryption if old else None) or (
        disk_point.properties.encryption if disk_point else None
    )
    if key := _key(encryption):
        properties["encryption"] = {"type": encryption.type if encryption else None, "diskEncryptionSetId": key}
    return properties


def _key(encryption: Encryption | None) -> str | None:
    if encryption is None:
        return None
    return encryption.diskEncryptionSetId or (encryption.diskEncryptionSet.id if encryption.diskEncryptionSet else None)
