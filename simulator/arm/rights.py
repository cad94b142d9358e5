# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights by action, as a custom role of Azure lists them: `Microsoft.Compute/disks/read`, `Microsoft.Compute/*`.

`world.arm_actions` holds what the caller may do; None is everything. It comes beside the coarse rights of a service.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from simulator.arm.common import ArmError, refused_token, with_headers
from simulator.wire.exchange import Answer, Call
from simulator.world import World

VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
WITHOUT_ACTION = ("microsoft.resourcegraph",)  # it shows what the caller may read, and asks for nothing of its own


def action_of(call: Call) -> str | None:
    """The action that ARM asks for before this request, such as `Microsoft.Compute/virtualMachines/start/action`.

    None for what needs none: what is not for ARM, and Resource Graph.
    """
    path = call.path.strip("/")
    head, found, rest = path.rpartition("providers/")
    if not found:
        parts = path.split("/")
        if parts[0].lower() != "subscriptions":
            return None
        return "/".join(["Microsoft.Resources", *parts[::2], VERBS.get(call.method, "action")])
    namespace, *parts = rest.split("/")
    if namespace.lower() in WITHOUT_ACTION or not (head == "" or head.lower().startswith("subscriptions/")):
        return None
    return "/".join([namespace, *parts[::2], VERBS.get(call.method, "action")])


def refused_action(call: Call, world: World) -> Answer | None:
    """403 for a request whose action the caller lacks; None where it is allowed, or must sign in first."""
    action = action_of(call)
    if world.arm_actions is None or action is None or refused_token(call, world) is not None:
        return None
    if any(fnmatchcase(action.lower(), granted.lower()) for granted in world.arm_actions):
        return None
    client = world.credentials.client_id
    error = ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{client}' with object id '{client}' does not have authorization to perform action '{action}' "
        f"over scope '{call.path}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
    )
    return with_headers(error.answer(), call, world, provider=False)
