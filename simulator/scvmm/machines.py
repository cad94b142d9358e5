# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subscriptions, resource groups and Microsoft.HybridCompute machines, and what ARM says when one is missing."""

from __future__ import annotations

import re
from typing import Any

from simulator.arm.common import ArmError, check_version, page_start
from simulator.scvmm.shapes import machine
from simulator.vmm.machines import VirtualMachine
from simulator.wire.exchange import Answer, Call, json_answer
from simulator.wire.ids import same
from simulator.world import World

_GROUP = r"/subscriptions/(?P<subscription>[^/]+)(?:/resourceGroups/(?P<group>[^/]+))?"
_MACHINES = re.compile(rf"{_GROUP}/providers/Microsoft\.HybridCompute/machines(?:/(?P<name>[^/]+))?/?", re.IGNORECASE)
_SUBSCRIPTIONS = re.compile(r"/(?:subscriptions(?:/(?P<subscription>[^/]+))?|tenants)/?", re.IGNORECASE)
_GROUPS = re.compile(r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups(?:/(?P<group>[^/]+))?/?", re.IGNORECASE)


class Machines:
    """What lies above the instances."""

    def __init__(self, world: World) -> None:
        self.world = world

    def takes(self, call: Call) -> bool:
        """Whether the path is for ARM; any other path below a subscription is, and ends in an error there."""
        return bool(_SUBSCRIPTIONS.fullmatch(call.path)) or call.path.lower().startswith(
            ("/subscriptions/", "/providers/")
        )

    def handle(self, call: Call) -> Answer:
        if call.method != "GET":
            raise ArmError(405, "MethodNotAllowed", f"This simulator does not do {call.method} on '{call.path}'.")
        if found := _SUBSCRIPTIONS.fullmatch(call.path):
            check_version(call, "Microsoft.Resources", "subscriptions", None, "")
            return self._subscriptions(call, found["subscription"])
        if found := _MACHINES.fullmatch(call.path):
            check_version(call, "Microsoft.HybridCompute", "machines", None, self.world.arc.location)
            self._check_group(found["subscription"], found["group"])
            self._authorize(call.path)
            if found["name"] is not None:
                return self._machine(call.path.rstrip("/"))
            return self._list(call, found["group"])
        if found := _GROUPS.fullmatch(call.path):
            check_version(call, "Microsoft.Resources", "resourceGroups", None, "")
            self._check_group(found["subscription"], found["group"])
            groups = [self._group(name) for name in self._groups() if found["group"] in {None, name}]
            return json_answer(200, groups[0] if found["group"] else {"value": groups})
        found = re.match(_GROUP, call.path, re.IGNORECASE)
        if found:
            self._check_group(found["subscription"], found["group"])
        raise ArmError(404, "InvalidResourceType", f"This simulator knows no resource at '{call.path}'.")

    # For the instances -------------------------------------------------------------------------------------------

    def vm(self, uri: str) -> VirtualMachine | None:
        return self.world.arc.vmm.by_uri(uri)

    def exists(self, uri: str) -> bool:
        return self.vm(uri) is not None or any(same(each.resource_uri, uri) for each in self.world.machines)

    def canonical(self, uri: str) -> str:
        """The machine's id as it was first written; ids compare without case."""
        return next((each.resource_uri for each in self.world.machines if same(each.resource_uri, uri)), uri)

    def keep(self, uri: str) -> None:
        """The machine outlives its instance."""
        if not any(same(each.resource_uri, uri) for each in self.world.machines):
            self.world.add_machine(uri, "SCVMM")

    def check_scope(self, call: Call, uri: str) -> None:
        """ArmError for a subscription, resource group or machine that is not there."""
        if self.exists(uri):
            return
        if found := _MACHINES.fullmatch(uri):
            self._check_group(found["subscription"], found["group"])
        raise self.not_found(uri)

    def not_found(self, uri: str) -> ArmError:
        """The recorded 404 of a machine that is not there."""
        found = _MACHINES.fullmatch(uri)
        name, group = (found["name"], found["group"]) if found else (uri.strip("/"), "")
        return ArmError(
            404,
            "ResourceNotFound",
            f"The Resource 'Microsoft.HybridCompute/machines/{name}' under resource group '{group}' was not found. "
            "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        )

    # Lists -------------------------------------------------------------------------------------------------------

    def _all(self) -> list[tuple[str, str | None]]:
        instances = [(vm.resource_uri or "", "SCVMM") for vm in self.world.arc.vmm.vms]
        taken = {uri.lower() for uri, _unused in instances}
        others = [
            (each.resource_uri, each.kind) for each in self.world.machines if each.resource_uri.lower() not in taken
        ]
        return [*instances, *others]

    def _machine(self, uri: str) -> Answer:
        self.world.settle()
        found = next((each for each in self._all() if same(each[0], uri)), None)
        if found is None:
            raise self.not_found(uri)
        return json_answer(200, machine(self.world, *found))

    def _list(self, call: Call, group: str | None) -> Answer:
        self.world.settle()
        shown = [
            machine(self.world, uri, kind) for uri, kind in self._all() if group is None or same(_group_of(uri), group)
        ]
        size = self.world.switches.arc_page_size
        start = page_start(call)
        page: dict[str, Any] = {"value": shown[start:]}
        if size and start + size < len(shown):
            version = call.query["api-version"]
            link = f"{call.origin}{call.raw_path}?api-version={version}&$skipToken={start + size}"
            page = {"value": shown[start : start + size], "nextLink": link}
        return json_answer(200, page)

    def _subscriptions(self, call: Call, subscription: str | None) -> Answer:
        tenant = self.world.credentials.tenant
        own = {
            "id": f"/subscriptions/{self.world.arc.subscription_id}",
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionId": self.world.arc.subscription_id,
            "tenantId": tenant,
            "displayName": "Simulated subscription",
            "state": "Enabled",
        }
        if subscription is not None:
            self._check_group(subscription, None)
            return json_answer(200, own)
        if call.path.lower().startswith("/tenants"):
            return json_answer(200, {"value": [{"id": f"/tenants/{tenant}", "tenantId": tenant}]})
        return json_answer(200, {"value": [own], "count": {"type": "Total", "value": 1}})

    def _groups(self) -> list[str]:
        names = {key: name for key, (name, _location) in self.world.azure.groups.items()}
        for uri, _unused in self._all():
            group = _group_of(uri)
            if group:
                names.setdefault(group.lower(), group)
        return list(names.values())

    def _group(self, name: str) -> dict[str, Any]:
        return {
            "id": f"/subscriptions/{self.world.arc.subscription_id}/resourceGroups/{name}",
            "name": name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": self.world.azure.groups.get(name.lower(), ("", self.world.arc.location))[1],
            "properties": {"provisioningState": "Succeeded"},
        }

    def _check_group(self, subscription: str, group: str | None) -> None:
        if not same(subscription, self.world.arc.subscription_id):
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
        if group is not None and not any(same(name, group) for name in self._groups()):
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")

    def _authorize(self, scope: str) -> None:
        if self.world.arc.vmm.rights == "none":
            client = self.world.credentials.client_id
            raise ArmError(
                403,
                "AuthorizationFailed",
                f"The client '{client}' with object id '{client}' does not have authorization to perform action "
                f"'Microsoft.HybridCompute/machines/read' over scope '{scope}' or the scope is invalid.",
            )


def _group_of(uri: str) -> str:
    found = _MACHINES.fullmatch(uri)
    return found["group"] or "" if found else ""
