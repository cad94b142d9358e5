# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading Azure's resources, whoever needs them: one method, one GET; None where there is no such thing."""

from __future__ import annotations

from datetime import datetime

from ..._arm.client import Arm
from ..._arm.ids import ArmId, quote
from ..._core.settings import ArmSettings
from ..._http.response import parse_entity
from .disk_entities import DiskEntity
from .entities import CollectionEntity, PointEntity
from .fields import view
from .vm_entities import VmEntity


class ComputeReader:
    """The resources of one resource manager, each by its id."""

    def __init__(self, arm: Arm, settings: ArmSettings) -> None:
        self._arm = arm
        self._compute_version = settings.compute_api_version
        self._disk_version = settings.disk_api_version

    async def vm(self, vm: ArmId | str) -> VmEntity | None:
        """A VM with its power state."""
        url = self._arm.url(quote(str(vm)), self._compute_version, _expand="instanceView")
        return await self._arm.find_entity(VmEntity, url, context=f"reading vm {_name(vm)}")

    async def collection(self, home: ArmId | str, *, grouped: bool = False) -> CollectionEntity | None:
        """A collection with its points. `grouped`: its resource group has to be there."""
        found, _now = await self.dated_collection(home, grouped=grouped)
        return found

    async def dated_collection(
        self, home: ArmId | str, *, context: str = "", grouped: bool = False
    ) -> tuple[CollectionEntity | None, datetime | None]:
        """The same, and what time it is for the service, where it tells. `context` begins the text of an error.

        `bad_answer` where it comes without its points: of an empty one the service shows `[]` (recorded 2026), and what
        is missing is no proof that nothing would go with it.
        """
        context = context or f"reading collection {_name(home)}"
        url = self._arm.url(quote(str(home)), self._compute_version, _expand="restorePoints")
        response = await self._arm.find(url, context=context, grouped=grouped)
        if response is None:
            return None, None
        collection = parse_entity(CollectionEntity, response.json(), response)
        if collection.properties.restorePoints is None:
            raise response.bad(f"{context}: the collection was answered without its restore points.")
        return collection, response.date

    async def point(self, point_id: str) -> PointEntity | None:
        """A restore point, with its instance view where the api-version has one."""
        url = self._arm.url(quote(point_id), self._compute_version, **view(self._compute_version))
        return await self._arm.find_entity(PointEntity, url, context=f"reading restore point {_name(point_id)}")

    async def disk(self, disk_id: str) -> DiskEntity | None:
        """A managed disk."""
        url = self._arm.url(quote(disk_id), self._disk_version)
        return await self._arm.find_entity(DiskEntity, url, context=f"reading disk {_name(disk_id)}")


def _name(resource: ArmId | str) -> str:
    return str(resource).rpartition("/")[2]
