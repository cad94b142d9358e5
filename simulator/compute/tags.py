# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags at the scope of a resource: Microsoft.Resources/tags/default (learn: Tags - Update At Scope, Get At Scope).

Merge, Replace and Delete, at most 50 tags when it is over (documented there); names of 512 and values of 256 characters
(documented: Use tags to organize your Azure resources). The codes of the refusals are [U]. Delete takes a tag away
where name and value are as given, or the name where no value is ([I] "given names or name/value pairs").
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

from simulator.arm.common import ArmError, check_version
from simulator.azure.jobs import Refused
from simulator.azure.model import Collection, Disk
from simulator.compute.common import ComputeRequest, answered, begun_headers
from simulator.compute.rights import check_action
from simulator.wire.exchange import Answer, Call
from simulator.world import World

TAGS_PATH = re.compile(
    r"(?P<scope>/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/.+)"
    r"/providers/Microsoft\.Resources/tags/default/?",
    re.IGNORECASE,
)
MAX_TAGS, MAX_NAME, MAX_VALUE = 50, 512, 256
_BAD = frozenset("<>%&\\?/")


def tags(world: World, call: Call, found: re.Match[str]) -> Answer:
    """GET and PATCH of a resource's tags."""
    version = check_version(call, "Microsoft.Resources", "tags", None, "")
    action = "read" if call.method == "GET" else "write"
    rights = world.azure.rights
    allowed = rights == "all" or (rights == "view" and call.method == "GET")
    check_action(world, f"Microsoft.Resources/tags/{action}", call.path, allowed=allowed)
    resource = world.azure.collection(found["scope"]) or world.azure.disk(found["scope"])
    if resource is None:
        raise ArmError(404, "ResourceNotFound", f"The resource '{found['scope']}' was not found, or has no tags.")
    if call.method == "GET":
        return answered(200, _shape(found["scope"], resource))
    if call.method != "PATCH":
        raise ArmError(405, "MethodNotAllowed", f"{call.method} is not simulated here.")
    try:
        world.azure.check_locks(found["scope"], "write")
    except Refused as refusal:
        raise ArmError(refusal.status, refusal.code, refusal.message) from None
    request = ComputeRequest(call, call.path.rstrip("/"), found["group"], (), version)
    return _patch(world, request, found["scope"], resource)


def _patch(world: World, request: ComputeRequest, scope: str, resource: Collection | Disk) -> Answer:
    body = request.body()
    given = (body.get("properties") or {}).get("tags") or {}
    operation = body.get("operation")
    if operation not in ("Merge", "Replace", "Delete"):
        raise ArmError(400, "InvalidRequestContent", f"The tag operation '{operation}' is invalid.")
    _check(given)
    _check_count(_after(resource.tags, operation, given), scope)
    planned = world.azure.planned_end("tags", resource.name)

    def change() -> None:
        resource.tags = _after(resource.tags, operation, given)

    timing = world.switches.timing("compute_tags")
    job = world.azure.begin("tags", resource.location, timing, change, failure=planned)
    if job.running:
        return Answer(
            202, [each for each in begun_headers(world, request, job, location=True) if each[0] == "Location"]
        )
    if job.failure is not None:
        raise job.failure
    return answered(200, _shape(scope, resource))


def _after(there: dict[str, str], operation: str, given: dict[str, str]) -> dict[str, str]:
    """The tags when it is over; names are one in any case, and keep the spelling that they have."""
    spelled = {name.lower(): name for name in there}
    if operation == "Replace":
        return dict(given)
    if operation == "Merge":
        return there | {spelled.get(name.lower(), name): value for name, value in given.items()}
    gone = {name.lower(): value for name, value in given.items()}
    return {name: value for name, value in there.items() if gone.get(name.lower()) not in ("", value)}


def checked(given: Any, resource_id: str, there: Container[str] = ()) -> dict[str, str]:
    """The tags in a resource's body. Those that are `there` have been checked before, or were put there by a test."""
    wanted = given or {}
    _check(wanted, there)
    _check_count(wanted, resource_id)
    return dict(wanted)


def _check_count(tags: dict[str, str], resource_id: str) -> None:
    if len(tags) > MAX_TAGS:
        raise ArmError(400, "InvalidTagCount", f"The resource '{resource_id}' can have at most {MAX_TAGS} tags.")


def _check(given: Any, there: Container[str] = ()) -> None:
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise ArmError(400, "InvalidRequestContent", "The tags are no object of texts.")
    for name, value in given.items():
        if name not in there and (not name or len(name) > MAX_NAME or set(name) & _BAD):
            raise ArmError(400, "InvalidTagName", f"The tag name '{name[:60]}' is invalid.")
        if len(value) > MAX_VALUE:
            raise ArmError(400, "InvalidTagValue", f"The value of tag '{name}' is longer than {MAX_VALUE} characters.")


def _shape(scope: str, resource: Collection | Disk) -> dict[str, Any]:
    return {
        "id": f"{scope}/providers/Microsoft.Resources/tags/default",
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": resource.tags},
    }
