# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore point collections over HTTP."""

from __future__ import annotations

from typing import Any

from simulator.azure.disks import checked_location
from simulator.azure.jobs import Refused
from simulator.azure.model import Collection, group_of
from simulator.azure.points import delete_collection
from simulator.compute.shapes import collection_shape
from simulator.compute.wire import Ask, accepted, answered, missing, paged
from simulator.wire.exchange import Answer
from simulator.wire.ids import same
from simulator.world import World

KIND = "restorePointCollections"
_STATUS = {"InvalidParameter": 400, "BadRequest": 400}  # of the codes for what cannot be changed; the others 409


class Collections:
    """`restorePointCollections`: PUT and PATCH are done when they are answered (recorded)."""

    def __init__(self, world: World) -> None:
        self.world = world

    def one_or_all(self, ask: Ask) -> Answer:
        """A list in a group or the subscription, or one collection."""
        ask.since("2021-03-01")
        if not ask.names:
            return self._list(ask)
        found = self.world.azure.collection(ask.id)
        if ask.method == "PUT":
            return self._put(ask, found)
        if found is None:
            if ask.method == "DELETE":
                return Answer(204)
            raise missing(KIND, ask.names[0], ask.group)
        if ask.method == "GET":
            return self._shown(ask, found, 200)
        if ask.method == "PATCH":
            return self._patch(ask, found)
        if ask.method == "DELETE":
            return accepted(self.world, ask, delete_collection(self.world.azure, found))
        raise ask.not_possible()

    def _list(self, ask: Ask) -> Answer:
        if ask.method != "GET":
            raise ask.not_possible()
        upper = ask.group is None and self.world.switches.compute_list_all_case == "upper"
        found = [
            each
            for each in self.world.azure.collections.values()
            if ask.group is None or same(group_of(each.id), ask.group)
        ]
        shown = [collection_shape(self.world, each, ask.version, upper=upper) for each in found]
        return paged(self.world, ask.call, shown)

    def _shown(self, ask: Ask, collection: Collection, status: int) -> Answer:
        expand = ask.expands("restorePoints") and ask.method == "GET"
        return answered(status, collection_shape(self.world, collection, ask.version, expand=expand))

    def _put(self, ask: Ask, existing: Collection | None) -> Answer:
        azure, body = self.world.azure, ask.body()
        source = ((body.get("properties") or {}).get("source") or {}).get("id")
        if existing is not None:
            self._change(ask, existing, body)
            existing.tags = dict(body.get("tags") or {})
            return self._shown(ask, existing, 200)
        if not isinstance(body.get("location"), str):
            raise Refused(400, "LocationRequired", "The location property is required for this definition.")
        if not isinstance(source, str):
            raise Refused(400, "InvalidParameter", "Required parameter 'source' is missing (null).", target="source")
        location = checked_location(azure, body["location"])
        there = self._source_location(source, location)
        planned = azure.planned_end("collection", ask.names[0])
        if planned is not None:
            raise planned
        beside = [each for each in azure.collections.values() if same(each.location, location)]
        if len(beside) >= self.world.switches.compute_max_collections:
            raise Refused(409, "OperationNotAllowed", "The number of restore point collections is at its limit.")
        made = Collection(
            id=ask.id,
            location=location,
            source=source,
            source_location=there,
            guid=azure.ids.guid(),
            tags=dict(body.get("tags") or {}),
            instant_access=self._instant_access(ask, body),
        )
        azure.add_collection(made)
        return self._shown(ask, made, 201)

    def _patch(self, ask: Ask, collection: Collection) -> Answer:
        body = ask.body()
        planned = self.world.azure.planned_end("collection", ask.names[0])
        if planned is not None:
            raise planned
        self._change(ask, collection, body)
        if "tags" in body:
            collection.tags = dict(body["tags"] or {})
        return self._shown(ask, collection, 200)

    def _change(self, ask: Ask, collection: Collection, body: dict[str, Any]) -> None:
        """Only tags and instant access may differ (documented)."""
        switches = self.world.switches
        location = body.get("location", collection.location)
        if not same(str(location), collection.location):
            raise Refused(
                409,
                switches.compute_location_code,
                f"The resource '{collection.name}' already exists in location '{collection.location}' in resource "
                f"group '{ask.group}'. A resource with the same name cannot be created in location '{location}'. "
                "Please select a new resource name.",
            )
        source = ((body.get("properties") or {}).get("source") or {}).get("id", collection.source)
        if not same(str(source), collection.source):
            code = switches.compute_immutable_code
            text = "Changing property 'restorePointCollection.properties.source.id' is not allowed."
            raise Refused(_STATUS.get(code, 409), code, text, target="restorePointCollection.properties.source.id")
        wanted = self._instant_access(ask, body)
        if wanted is not None:
            collection.instant_access = wanted

    def _instant_access(self, ask: Ask, body: dict[str, Any]) -> bool | None:
        given = (body.get("properties") or {}).get("instantAccess")
        if given is None:
            return None
        ask.since("2025-04-01")
        if not isinstance(given, bool):
            raise Refused(400, "InvalidParameter", "The value of parameter 'instantAccess' is invalid.")
        return given

    def _source_location(self, source: str, location: str) -> str:
        """Where the source is; a collection is copied into another region only, and never twice (documented)."""
        azure = self.world.azure
        vm, origin = azure.vm(source), azure.collection(source)
        if vm is not None:
            if not same(vm.location, location) and self.world.switches.compute_cross_region_vm == "refused":
                raise Refused(400, "BadRequest", "The collection is not in the region of its source virtual machine.")
            return vm.location
        if origin is None:
            raise Refused(404, "ResourceNotFound", f"The source resource '{source}' was not found.", target="source.id")
        if origin.copies:
            raise Refused(400, "BadRequest", "The source collection holds copies itself; they cannot be copied again.")
        if same(origin.location, location):
            raise Refused(400, "BadRequest", "The source collection is in the same region; copies go to another one.")
        return origin.location
