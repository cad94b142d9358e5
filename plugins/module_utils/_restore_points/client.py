# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listing and writing collections and restore points: one method, one request; each by its id is ComputeReader's."""

from __future__ import annotations

import typing as t

from .._arm import ids as _arm_id
from .._arm.client import Arm, id_of
from .._arm.ids import ArmId
from .._core.operation import Operation
from .._core.settings import ArmSettings
from .._http.response import Pages, parse_entity
from .._providers.compute.client import told_if_replaced
from .._providers.compute.disk_entities import DiskRestorePointEntity
from .._providers.compute.entities import CollectionEntity
from .._providers.compute.reader import ComputeReader
from .specs import CollectionSpec, PointSpec

GRAPH_VERSION = "2022-10-01"
GRAPH_QUERY = "resources | where type =~ 'microsoft.compute/restorepointcollections' | project id"
GRAPH_PAGE = 1000


class RestorePointClient(ComputeReader):
    """The restore point part of one resource manager."""

    def __init__(self, arm: Arm, settings: ArmSettings) -> None:
        super().__init__(arm, settings)
        self.service = arm.base

    async def locks(self, home: ArmId, *within: str) -> list[dict[str, t.Any]]:
        """The management locks that hold for a collection, or for what lies in it."""
        return await self._arm.locks([home.canonical, *within])

    async def collections(self, subscription: str, group: str | None) -> list[str]:
        """The ids of the collections of a subscription or resource group."""
        within = "" if group is None else f"/resourceGroups/{_arm_id.quote(group)}"
        path = f"/subscriptions/{subscription}{within}/providers/Microsoft.Compute/restorePointCollections"
        url = self._arm.url(path, self._compute_version)
        found = await self._arm.resources(url, context="listing restore point collections")
        return [str(each) for each, _row in found]

    async def graph(self, subscriptions: t.Sequence[str]) -> list[str]:
        """The same for whole subscriptions, from Resource Graph: eventually consistent, so only ever to show."""
        url = self._arm.url("/providers/Microsoft.ResourceGraph/resources", GRAPH_VERSION)
        found: list[str] = []
        pages, token = Pages("asking Resource Graph"), ""
        while True:
            options: dict[str, t.Any] = {"$top": GRAPH_PAGE, **({"$skipToken": token} if token else {})}
            body = {"subscriptions": list(subscriptions), "query": GRAPH_QUERY, "options": options}
            response = await self._arm.query(url, body, context="asking Resource Graph")
            said = response.json()
            rows = said.get("data") if isinstance(said, dict) else None
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise response.bad("Resource Graph answered no rows.")
            found += [str(id_of(row, response)) for row in rows]
            following = said.get("$skipToken")
            if not following:
                if str(said.get("resultTruncated")).lower() == "true" or _more_than(
                    said.get("totalRecords"), len(found)
                ):
                    problem = response.bad("Resource Graph holds back a part of its rows, and tells no way to them.")
                    problem.remedy = "Ask for fewer subscriptions, or by resource_group, which is a complete list."
                    raise problem
                return found
            if not isinstance(following, str):
                raise response.bad("Resource Graph's $skipToken is no text.")
            token = pages.follow(response, following)

    async def disk_restore_points(self, point_id: str) -> list[DiskRestorePointEntity]:
        """The disk restore points of a point."""
        url = self._arm.url(f"{_arm_id.quote(point_id)}/diskRestorePoints", self._disk_version)
        pages = await self._arm.pages(url, context="listing disk restore points")
        return [parse_entity(DiskRestorePointEntity, row, response) for response, rows in pages for row in rows]

    async def put_collection(self, home: ArmId, spec: CollectionSpec, location: str) -> Operation:
        """A new collection; for copies its source is another collection."""
        properties: dict[str, t.Any] = {"source": {"id": spec.source}}
        if spec.instant_access is not None:
            properties["instantAccess"] = spec.instant_access
        body: dict[str, t.Any] = {"location": location, "properties": properties}
        if spec.tags:
            body["tags"] = spec.tags
        url = self._arm.url(home.path, self._compute_version)
        operation = await self._arm.write("PUT", url, body, context=f"creating collection {home.name}")
        return told_if_replaced(operation, home.name)

    async def patch_collection(
        self, home: ArmId, now: CollectionEntity, fields: t.Mapping[str, t.Mapping[str, t.Any]]
    ) -> Operation:
        """Tags and instant access; the documented step to turn it off repeats the source."""
        body: dict[str, t.Any] = {}
        if "tags" in fields:
            body["tags"] = fields["tags"]["after"]
        if "instant_access" in fields:
            source = now.properties.source.id if now.properties.source else None
            body["properties"] = {"instantAccess": fields["instant_access"]["after"], "source": {"id": source}}
        url = self._arm.url(home.path, self._compute_version)
        return await self._arm.write("PATCH", url, body, context=f"updating collection {home.name}")

    async def put_point(self, point_id: str, spec: PointSpec, fields: t.Mapping[str, t.Any]) -> Operation:
        """A new restore point. Only CrashConsistent may be asked for; the best there is comes without asking."""
        properties: dict[str, t.Any] = {}
        if spec.consistency == "crash" and spec.source_restore_point is None:
            properties["consistencyMode"] = "CrashConsistent"
        if fields.get("exclude_disks"):
            properties["excludeDisks"] = [{"id": disk} for disk in fields["exclude_disks"]]
        if fields.get("source_restore_point"):
            properties["sourceRestorePoint"] = {"id": fields["source_restore_point"]}
        if spec.instant_access_duration is not None:
            properties["instantAccessDurationMinutes"] = spec.instant_access_duration
        if fields.get("encryption_sets"):
            properties["sourceMetadata"] = {"storageProfile": _encrypted(fields["encryption_sets"])}
        url = self._arm.url(_arm_id.quote(point_id), self._compute_version)
        context = f"creating restore point {point_id.rpartition('/')[2]}"
        return await self._arm.write("PUT", url, {"properties": properties}, context=context)

    async def delete(self, resource_id: str) -> Operation:
        """A collection with all in it, or a restore point."""
        kind = "restore point" if "/restorepoints/" in resource_id.lower() else "collection"
        url = self._arm.url(_arm_id.quote(resource_id), self._compute_version)
        return await self._arm.write("DELETE", url, None, context=f"deleting {kind} {resource_id.rpartition('/')[2]}")


def _encrypted(sets: t.Sequence[t.Mapping[str, str]]) -> dict[str, t.Any]:
    """restorePointEncryption as it is written. A data disk is named by its id: its LUN is readOnly (2024-07-01)."""
    profile: dict[str, t.Any] = {}
    for each in sets:
        encrypted = {
            "diskRestorePoint": {"encryption": {"type": each["type"], "diskEncryptionSet": {"id": each["id"]}}}
        }
        if each["disk"] == "os":
            profile["osDisk"] = encrypted
        else:
            profile.setdefault("dataDisks", []).append({"managedDisk": {"id": each["disk"]}, **encrypted})
    return profile


def _more_than(total: object, count: int) -> bool:
    return isinstance(total, int) and total > count
