# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new disk of a restore in place is made with: of the point, where the VM is, as the one it replaces. Pure."""

from __future__ import annotations

import typing as t

from ..disk_entities import DiskEntity, DiskRestorePointEntity
from ..tags import RestoreTags, users_tags
from ..vm_entities import Disk, Encryption, VmEntity
from .performance import DIRECT
from .settings import Settings, settings_of, sku_of

OLD_SECTORS = 512
ROOM = 50 - 10
"""A resource bears 50 tags (azure-resource-manager, tag-resources), and a restore's own take 10."""


def new_disk(
    tags: RestoreTags, vm: VmEntity, source: Disk, disk_point: DiskRestorePointEntity | None, old: DiskEntity | None
) -> dict[str, t.Any]:
    """The body of its PUT. `source` is the disk in the point, `disk_point` its disk restore point, `old` what it
    replaces: the user's own tags of that come along, as many as have room.
    """
    made_from = source.diskRestorePoint.id if source.diskRestorePoint else None
    sku = sku_of(source, old)
    kept = settings_of(source, old) if old is not None else Settings()
    body: dict[str, t.Any] = {
        "location": vm.location,
        "tags": {**dict(users_tags(old)[:ROOM]), **tags.to_tags()},
        "properties": {
            "creationData": {
                "createOption": "Restore",
                "sourceResourceId": made_from,
                **_sectors(sku, disk_point, old),
                **kept.creation,
            },
            **_of_system(source, disk_point, old),
            **_network(disk_point, old),
            **kept.properties,
        },
    }
    if sku:
        body["sku"] = {"name": sku}
    if vm.zones and not (sku or "").lower().endswith("_zrs"):
        body["zones"] = vm.zones  # a zone-redundant disk lies in all of them, and is refused with one
    if old is not None and old.extendedLocation:
        body["extendedLocation"] = old.extendedLocation
    return body


def left_out(old: DiskEntity | None) -> list[str]:
    """The user's tags of the replaced disk that have no room on the new one."""
    return [name for name, _value in users_tags(old)[ROOM:]]


def _first(name: str, *found: DiskEntity | DiskRestorePointEntity | None) -> t.Any:
    """The member of the first of them that has it set; falsy where none has."""
    return next((value for each in found if each is not None and (value := getattr(each.properties, name))), None)


def _network(disk_point: DiskRestorePointEntity | None, old: DiskEntity | None) -> dict[str, str]:
    """Who may read the disk: a new one is open to all networks unless it says otherwise. These belong together."""
    names = ("networkAccessPolicy", "diskAccessId", "publicNetworkAccess")
    shown = ({name: _first(name, each) for name in names} for each in (old, disk_point))
    return next((found for each in shown if (found := {name: value for name, value in each.items() if value})), {})


def _sectors(sku: str | None, disk_point: DiskRestorePointEntity | None, old: DiskEntity | None) -> dict[str, int]:
    """Sectors of 512 bytes are the data's own: a new Ultra or Premium SSD v2 disk has 4096 unless it says otherwise."""
    creation = _first("creationData", old)
    size = _first("logicalSectorSize", disk_point) or (creation.logicalSectorSize if creation else None)
    return {"logicalSectorSize": size} if size == OLD_SECTORS and (sku or "").lower() in DIRECT else {}


def _of_system(source: Disk, disk_point: DiskRestorePointEntity | None, old: DiskEntity | None) -> dict[str, t.Any]:
    """What a new disk is to the system on it, and its encryption; a customer's key must be given again.

    What the point tells of its own system comes first, what protects the disk as the old one has it.
    """
    properties = {
        "osType": source.osType,
        "hyperVGeneration": _first("hyperVGeneration", disk_point, old),
        "supportsHibernation": _first("supportsHibernation", disk_point, old),
        "purchasePlan": _first("purchasePlan", disk_point, old),
        "supportedCapabilities": _first("supportedCapabilities", disk_point, old),
        "securityProfile": _first("securityProfile", old, disk_point),
    }
    kept = {name: value for name, value in properties.items() if value}
    return kept | _by_key(_first("encryption", old, disk_point))


def _by_key(encryption: Encryption | None) -> dict[str, t.Any]:
    if encryption is None:
        return {}
    of_set = encryption.diskEncryptionSet.id if encryption.diskEncryptionSet else None
    key = encryption.diskEncryptionSetId or of_set
    return {"encryption": {"type": encryption.type, "diskEncryptionSetId": key}} if key else {}
