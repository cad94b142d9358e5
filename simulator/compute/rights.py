# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what with Azure's resources, and the 403 of who may not."""

from __future__ import annotations

from fnmatch import fnmatch

from simulator.arm.common import ArmError
from simulator.compute.common import ComputeRequest
from simulator.world import World


def authorize(world: World, request: ComputeRequest, name: str) -> None:
    """ARM's own 403 where the caller has not the right that this request needs."""
    verb = {"GET": "read", "DELETE": "delete", "POST": "action"}.get(request.method, "write")
    rights = world.azure.rights
    allowed = rights == "all" or (rights == "view" and request.method == "GET")
    listing = request.method == "GET" and len(request.names) < len(name.split("/"))
    check_action(world, f"Microsoft.Compute/{name}/{verb}", request.id, allowed=allowed, listing=listing)


def check_action(world: World, action: str, scope: str, *, allowed: bool = True, listing: bool = False) -> None:
    """The same for an action by its name; `world.azure.forbidden` takes single ones away.

    An entry is an action, `*` in it for anything. `(list)` behind it: only lists, as where a right is given on
    single resources and not on their group.
    """
    for entry in world.azure.forbidden:
        pattern, _space, only = entry.partition(" ")
        if fnmatch(action.lower(), pattern.lower()) and (listing or only != "(list)"):
            allowed = False
    if allowed:
        return
    client = world.credentials.client_id
    raise ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{client}' with object id '{client}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
    )
