# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Management locks: Microsoft.Authorization/locks of a resource group or a resource, listed, set and lifted.

That a child resource takes one is documented (learn: Management Locks - Create Or Update At Resource Level, with
parentResourcePath); of restore points it is [U], and the switch compute_point_lock says what becomes of it.
"""

from __future__ import annotations

import re
from typing import Any

from simulator.arm.common import ArmError, check_version
from simulator.azure.model import Lock
from simulator.compute.common import answered, paged
from simulator.compute.rights import check_action
from simulator.wire.exchange import Answer, Call
from simulator.world import World

_SCOPE = r"(?P<scope>/subscriptions/(?P<subscription>[^/]+)(?:/resourceGroups/(?P<group>[^/]+)(?:/providers/.+)?)?)"
LOCKS_PATH = re.compile(rf"{_SCOPE}/providers/Microsoft\.Authorization/locks/?", re.IGNORECASE)
LOCK_PATH = re.compile(rf"{_SCOPE}/providers/Microsoft\.Authorization/locks/(?P<name>[^/]+)", re.IGNORECASE)


def locks(world: World, call: Call, scope: str) -> Answer:
    """Those on the scope, above it and below it."""
    check_version(call, "Microsoft.Authorization", "locks", None, "")
    low = scope.lower()
    shown = [
        _shape(lock)
        for lock in world.azure.locks
        if f"{low}/".startswith(f"{lock.scope.lower()}/") or lock.scope.lower().startswith(f"{low}/")
    ]
    return paged(world, call, shown)


def one_lock(world: World, call: Call, found: re.Match[str]) -> Answer:
    """GET, PUT or DELETE of one lock."""
    check_version(call, "Microsoft.Authorization", "locks", None, "")
    verb = {"GET": "read", "DELETE": "delete"}.get(call.method, "write")
    allowed = world.azure.rights == "all" or call.method == "GET"
    check_action(world, f"Microsoft.Authorization/locks/{verb}", call.path, allowed=allowed)
    scope, name, azure = found["scope"], found["name"], world.azure
    there = next((lock for lock in azure.locks if _is(lock, scope, name)), None)
    if call.method == "DELETE":
        azure.locks = [lock for lock in azure.locks if lock is not there]
        return Answer(200 if there else 204)
    if call.method == "PUT":
        return _put(world, call, scope, name, there)
    if there is None:
        raise ArmError(404, "LockNotFound", f"The lock '{name}' could not be found.")
    return answered(200, _shape(there))


def _put(world: World, call: Call, scope: str, name: str, there: Lock | None) -> Answer:
    level, notes = _asked(call)
    is_point = "/restorepoints/" in scope.lower()
    if is_point and world.azure.find_point(scope) is None:
        raise ArmError(404, "ResourceNotFound", f"The resource '{scope}' was not found.")
    if is_point and world.switches.compute_point_lock == "refused":
        raise ArmError(400, "LockNotSupported", f"The resource '{scope}' takes no locks.")
    lock = there or Lock(scope, name, level, notes)
    lock.level, lock.notes = level, notes
    if there is None:
        world.azure.locks.append(lock)
    return answered(200 if there else 201, _shape(lock))


def _asked(call: Call) -> tuple[str, str]:
    try:
        properties: Any = call.json()["properties"]
        level, notes = properties["level"], properties.get("notes", "")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ArmError(400, "InvalidRequestContent", "A lock needs properties with a level.") from None
    if level not in ("CanNotDelete", "ReadOnly") or not isinstance(notes, str) or len(notes) > 512:
        raise ArmError(400, "InvalidRequestContent", "The lock's level or notes are invalid.")
    return level, notes


def _is(lock: Lock, scope: str, name: str) -> bool:
    return (lock.scope.lower(), lock.name.lower()) == (scope.lower(), name.lower())


def _shape(lock: Lock) -> dict[str, Any]:
    return {
        "id": f"{lock.scope}/providers/Microsoft.Authorization/locks/{lock.name}",
        "name": lock.name,
        "type": "Microsoft.Authorization/locks",
        "properties": {"level": lock.level, **({"notes": lock.notes} if lock.notes else {})},
    }
