# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new disk of a restore in place is made with: of the point, where the VM is, as the one it replaces. Pure."""

from __future__ import annotations

import typing as t

from .entities import Disk, DiskEntity, DiskRestorePointEntity, Encryption
from .restore_state import (
    HELD_TAG,
    KEYED_TAG,
    PENDING,
    POINT_ID_TAG,
    POINT_TAG,
    POWER_TAG,
    PREFIX,
    REPLACES_TAG,
    RUN_TAG,
    SOURCE_TAG,
    STATE_TAG,
    VM_TAG,
    Detail,
    short_hash,
    source_hash,
)

ROOM = 50 - 10
"""A resource bears 50 tags (azure-resource-manager, tag-resources), and a restore's own take 10."""


def new_disk(
    about: t.Mapping[str, t.Any],
    detail: Detail,
    source: Disk,
    told: DiskRestorePointEntity | None,
    old: DiskEntity | None,
) -> dict[str, t.Any]:
    """The body of its PUT. `source` is the disk in the point, `told` its disk restore point, `old` what it replaces."""
    made_from = source.diskRestorePoint.id if source.diskRestorePoint else None
    kind = (old.sku.name if old and old.sku else None) or (
        source.managedDisk.storageAccountType if source.managedDisk else None
    )
    body: dict[str, t.Any] = {
        "location": detail.vm.location,
        "tags": _tags(about, detail, source, old),
        "properties": {
            "creationData": {"createOption": "Restore", "sourceResourceId": made_from},
            **_of_system(source, told, old),
            **_network(old),
        },
    }
    if kind:
        body["sku"] = {"name": kind}
    if detail.vm.zones and not (kind or "").lower().endswith("_zrs"):
        body["zones"] = detail.vm.zones  # a zone-redundant disk lies in all of them, and is refused with one
    return body


def _tags(about: t.Mapping[str, t.Any], detail: Detail, source: Disk, old: DiskEntity | None) -> dict[str, str]:
    """What the run is known by, and beside it the user's own tags of the replaced disk, as many as have room."""
    ours = {
        RUN_TAG: str(about["run"]),
        STATE_TAG: PENDING,
        POINT_TAG: str(about["point"]),
        POINT_ID_TAG: str(about["point_id"]),
        SOURCE_TAG: source_hash(source),
        KEYED_TAG: "yes" if about.get("keyed") else "",
        VM_TAG: short_hash(detail.vm.id),
        POWER_TAG: str(about["power"]),
        REPLACES_TAG: str(about.get("replaces") or ""),
        HELD_TAG: str(about.get("held") or ""),
    }
    return {**dict(_users(old)[:ROOM]), **ours}


def left_out(old: DiskEntity | None) -> list[str]:
    """The user's tags of the replaced disk that have no room on the new one."""
    return [name for name, _value in _users(old)[ROOM:]]


def _users(disk: DiskEntity | None) -> list[tuple[str, str]]:
    told = sorted((disk.tags or {}).items()) if disk is not None else []
    return [(name, value) for name, value in told if not name.lower().startswith(PREFIX)]


def _network(old: DiskEntity | None) -> dict[str, str]:
    """Who may read the disk: a new one is open to all networks unless it is told otherwise."""
    if old is None:
        return {}
    properties = old.properties
    told = {
        "networkAccessPolicy": properties.networkAccessPolicy,
        "diskAccessId": properties.diskAccessId,
        "publicNetworkAccess": properties.publicNetworkAccess,
    }
    return {name: value for name, value in told.items() if value}


def _of_system(source: Disk, told: DiskRestorePointEntity | None, old: DiskEntity | None) -> dict[str, t.Any]:
    """Operating system, generation and encryption of a new disk; a customer's key must be given again."""
    properties: dict[str, t.Any] = {}
    if source.osType:
        properties["osType"] = source.osType
    generation = (told.properties.hyperVGeneration if told else None) or (
        old.properties.hyperVGeneration if old else None
    )
    if generation:
        properties["hyperVGeneration"] = generation
    encryption = (old.properties.encryption if old else None) or (told.properties.encryption if told else None)
    if key := _key(encryption):
        properties["encryption"] = {"type": encryption.type if encryption else None, "diskEncryptionSetId": key}
    return properties


def _key(encryption: Encryption | None) -> str | None:
    if encryption is None:
        return None
    return encryption.diskEncryptionSetId or (encryption.diskEncryptionSet.id if encryption.diskEncryptionSet else None)
