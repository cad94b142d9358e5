# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore point collections over HTTP."""

from __future__ import annotations

from typing import Any

from simulator.azure.disks import checked_location
from simulator.azure.jobs import Refused
from simulator.azure.model import Collection, group_of
from simulator.azure.points import delete_collection
from simulator.compute.common import ComputeRequest, accepted, answered, missing, paged
from simulator.compute.shapes import collection_shape
from simulator.compute.tags import checked
from simulator.wire.exchange import Answer
from simulator.wire.ids import same, same_region
from simulator.world import World

KIND = "restorePointCollections"
_STATUS = {"InvalidParameter": 400, "BadRequest": 400}  # of the codes for what cannot be changed; the others 409


class Collections:
    """`restorePointCollections`: PUT and PATCH are done when they are answered (recorded)."""

    def __init__(self, world: World) -> None:
        self.world = world

    def get_or_list(self, request: ComputeRequest) -> Answer:
        """A list in a group or the subscription, or one collection."""
        request.since("2021-03-01")
        if not request.names:
            return self._list(request)
        found = self.world.azure.collection(request.id)
        if request.method == "PUT":
            return self._put(request, found)
        if found is None:
            if request.method == "DELETE":
                return Answer(204)
            raise missing(KIND, request.names[0], request.group)
        if request.method == "GET":
            return self._shown(request, found, 200)
        if request.method == "PATCH":
            return self._patch(request, found)
        if request.method == "DELETE":
            return accepted(self.world, request, delete_collection(self.world.azure, found))
        raise request.not_possible()

    def _list(self, request: ComputeRequest) -> Answer:
        if request.method != "GET":
            raise request.not_possible()
        upper = request.group is None and self.world.switches.compute_list_all_case == "upper"
        found = [
            each
            for each in self.world.azure.collections.values()
            if request.group is None or same(group_of(each.id), request.group)
        ]
        shown = [collection_shape(self.world, each, request.version, upper=upper) for each in found]
        return paged(self.world, request.call, shown)

    def _shown(self, request: ComputeRequest, collection: Collection, status: int) -> Answer:
        expand = request.expands("restorePoints") and request.method == "GET"
        return answered(status, collection_shape(self.world, collection, request.version, expand=expand))

    def _put(self, request: ComputeRequest, existing: Collection | None) -> Answer:
        azure, body = self.world.azure, request.body()
        source = ((body.get("properties") or {}).get("source") or {}).get("id")
        if existing is not None:
            tags = checked(body.get("tags"), request.id, existing.tags)
            self._change(request, existing, body)
            existing.tags = tags
            return self._shown(request, existing, 200)
        if not isinstance(body.get("location"), str):
            raise Refused(400, "LocationRequired", "The location property is required for this definition.")
        if not isinstance(source, str):
            raise Refused(400, "InvalidParameter", "Required parameter 'source' is missing (null).", target="source")
        location = checked_location(azure, body["location"])
        there = self._source_location(source, location)
        planned = azure.planned_end("collection", request.names[0])
        if planned is not None:
            raise planned
        beside = [each for each in azure.collections.values() if same_region(each.location, location)]
        if len(beside) >= self.world.switches.compute_max_collections:
            raise Refused(409, "OperationNotAllowed", "The number of restore point collections is at its limit.")
        made = Collection(
            id=request.id,
            location=location,
            source=source,
            source_location=there,
            guid=azure.ids.guid(),
            tags=checked(body.get("tags"), request.id),
            instant_access=self._instant_access(request, body),
        )
        azure.add_collection(made)
        return self._shown(request, made, 201)

    def _patch(self, request: ComputeRequest, collection: Collection) -> Answer:
        body = request.body()
        planned = self.world.azure.planned_end("collection", request.names[0])
        if planned is not None:
            raise planned
        tags = checked(body.get("tags"), request.id, collection.tags)
        self._change(request, collection, body)
        if "tags" in body:
            collection.tags = tags
        return self._shown(request, collection, 200)

    def _change(self, request: ComputeRequest, collection: Collection, body: dict[str, Any]) -> None:
        """Only tags and instant access may differ (documented)."""
        switches = self.world.switches
        location = body.get("location", collection.location)
        if not same_region(str(location), collection.location):
            raise Refused(
                409,
                switches.compute_location_code,
                f"The resource '{collection.name}' already exists in location '{collection.location}' in resource "
                f"group '{request.group}'. A resource with the same name cannot be created in location '{location}'. "
                "Please select a new resource name.",
            )
        source = ((body.get("properties") or {}).get("source") or {}).get("id", collection.source)
        if not same(str(source), collection.source):
            code = switches.compute_immutable_code
            text = "Changing property 'restorePointCollection.properties.source.id' is not allowed."
            raise Refused(_STATUS.get(code, 409), code, text, target="restorePointCollection.properties.source.id")
        wanted = self._instant_access(request, body)
        if wanted is not None:
            collection.instant_access = wanted

    def _instant_access(self, request: ComputeRequest, body: dict[str, Any]) -> bool | None:
        given = (body.get("properties") or {}).get("instantAccess")
        if given is None:
            return None
        request.since("2025-04-01")
        if not isinstance(given, bool):
            raise Refused(400, "InvalidParameter", "The value of parameter 'instantAccess' is invalid.")
        return given

    def _source_location(self, source: str, location: str) -> str:
        """Where the source is; a collection is copied into another region only, and never twice (documented)."""
        azure = self.world.azure
        vm, origin = azure.vm(source), azure.collection(source)
        if vm is not None:
            if not same_region(vm.location, location) and self.world.switches.compute_cross_region_vm == "refused":
                raise Refused(400, "BadRequest", "The collection is not in the region of its source virtual machine.")
            return vm.location
        if origin is None:
            raise Refused(404, "ResourceNotFound", f"The source resource '{source}' was not found.", target="source.id")
        if origin.copies:
            raise Refused(400, "BadRequest", "The source collection holds copies itself; they cannot be copied again.")
        if same_region(origin.location, location):
            raise Refused(400, "BadRequest", "The source collection is in the same region; copies go to another one.")
        return origin.location
